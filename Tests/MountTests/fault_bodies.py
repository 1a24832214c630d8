"""Bodies that are wrong: JPEGs of another size or with a broken scan, compression bombs. Standard library only."""

from __future__ import annotations

import random
import struct
import zlib


def gzip_bomb(size: int) -> bytes:
    """A gzip stream of a JSON array of `size` bytes, nearly all of it blanks."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(b"[")]
    blank, left = b" " * (1 << 20), size - 2
    while left > 0:
        parts.append(packer.compress(blank[:min(left, len(blank))]))
        left -= len(blank)
    return b"".join(parts + [packer.compress(b"]"), packer.flush()])


def flat_jpeg(width: int, height: int, level: int = 100, components: int = 1) -> bytes:
    """A valid baseline JPEG of one grey level: every block but the first codes as "same as before"."""
    lengths = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]  # Annex K.3, table of DC differences
    codes, code, symbol = {}, 0, 0
    for bits, number in enumerate(lengths, 1):
        for _ in range(number):
            codes[symbol] = format(code, f"0{bits}b")
            code, symbol = code + 1, symbol + 1
        code <<= 1

    def difference(value):
        size = abs(value).bit_length()
        return codes[size] + (format(value if value > 0 else value + (1 << size) - 1, f"0{size}b") if size else "")

    # Quantisers of 1: the DC coefficient is eight times the shifted level. "0" is the one AC code, end of block.
    first = "".join(difference((level - 128) * 8 if c == 0 else 0) + "0" for c in range(components))
    blocks = ((width + 7) // 8) * ((height + 7) // 8)
    bits = first + (codes[0] + "0") * components * (blocks - 1)
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")

    def segment(marker, payload):
        return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload

    ids = range(1, components + 1)
    return b"".join([
        b"\xff\xd8", segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"), segment(0xDB, b"\0" + b"\1" * 64),
        segment(0xC0, struct.pack(">BHHB", 8, height, width, components) + b"".join(bytes([i, 0x11, 0]) for i in ids)),
        segment(0xC4, b"\0" + bytes(lengths) + bytes(range(12))),
        segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0"),
        segment(0xDA, bytes([components]) + b"".join(bytes([i, 0]) for i in ids) + b"\0\x3f\0"), scan, b"\xff\xd9",
    ])


def _scan_start(data: bytes) -> int:
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        size = struct.unpack(">H", data[position + 2:position + 4])[0]
        if data[position + 1] == 0xDA:
            return position + 2 + size
        position += 2 + size
    return len(data)


def flip_scan(data: bytes, flips: int, seed: int) -> bytes:
    """`data` with up to `flips` bytes of its scan inverted; length, headers and end marker stay."""
    start, end = _scan_start(data), len(data) - 2
    changed = bytearray(data)
    for position in random.Random(seed).sample(range(start, end), max(0, min(flips, end - start))):
        changed[position] ^= 0xFF
    return bytes(changed)


def truncate_scan(data: bytes, fraction: float) -> bytes:
    """`data` with only a part of its scan, an end marker, and zeros up to the old length."""
    start, end = _scan_start(data), len(data) - 2
    cut = start + int((end - start) * fraction)
    if cut > start and data[cut - 1] == 0xFF:
        cut -= 1
    return (data[:cut] + b"\xff\xd9").ljust(len(data), b"\0")[:len(data)]
