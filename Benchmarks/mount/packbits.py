#!/usr/bin/env python3
"""Is `labels-packed/` useful? Whole planes as contiguous labels, compared with the same labels as PackBits files.

    run.sh packbits.py [--rounds 7] [--write]

The PackBits files have strips of 64 rows, and all empty strips are at one place. They come from the C control, which
answers from memory: no folder of this project could be faster. Contiguous labels come from the mount and, as a second
control, from the C server with the same bytes.
"""

import argparse
import os
import pathlib
import statistics
import struct
import tempfile

import cv2
import numpy as np
import SimpleITK
import tifffile
from PIL import Image

import common
import harness
import run

ROWS = 64


def packed_row(row):
    """A row in which every stretch of equal pixels is repeated, 128 pixels at a time."""
    edges = np.flatnonzero(np.diff(row)) + 1
    bounds = [0, *edges.tolist(), len(row)]
    out = bytearray()
    for start, end in zip(bounds, bounds[1:]):
        value, left = int(row[start]), end - start
        while left:
            count = min(128, left)
            # TIFF 6.0, section 9: -n + 1 for n equal bytes; a single one is a literal.
            out += bytes(((257 - count) & 255 if count > 1 else 0, value))
            left -= count
    return bytes(out)


def packed_file(plane):
    """The bytes of a TIFF of PackBits strips, the empty ones shared."""
    height, width = plane.shape
    strips = range(-(-height // ROWS))
    empty = packed_row(np.zeros(width, np.uint8))
    first = 4096
    while first < 8 + 2 + 12 * 12 + 4 + 8 * len(strips) + 64:
        first += 4096
    body = bytearray(empty * ROWS)
    offsets, sizes = [], []
    for strip in strips:
        rows = plane[strip * ROWS:(strip + 1) * ROWS]
        if rows.any():
            data = b"".join(packed_row(row) if row.any() else empty for row in rows)
            offsets.append(first + len(body))
            body += data
        else:
            data = empty * len(rows)
            offsets.append(first)
        sizes.append(len(data))
    values = 8 + 2 + 12 * 10 + 4
    counts = values + 4 * len(strips)
    fields = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 32773), (262, 3, 1, 1),
              (273, 4, len(strips), values), (277, 3, 1, 1), (278, 4, 1, ROWS), (279, 4, len(strips), counts), (339, 3, 1, 1)]
    head = b"II" + struct.pack("<HIH", 42, 8, len(fields))
    head += b"".join(struct.pack("<HHI", tag, kind, count)
                     + (struct.pack("<HH", value, 0) if kind == 3 else struct.pack("<I", value))
                     for tag, kind, count, value in fields) + struct.pack("<I", 0)
    head += struct.pack(f"<{len(offsets)}I", *offsets) + struct.pack(f"<{len(sizes)}I", *sizes)
    return head.ljust(first, b"\0") + bytes(body)


def readers():
    Image.MAX_IMAGE_PIXELS = None
    return {
        "tifffile": tifffile.imread,
        "OpenCV": lambda path: cv2.imread(str(path), cv2.IMREAD_UNCHANGED),
        "Pillow": lambda path: np.asarray(Image.open(path)),
        "SimpleITK": lambda path: SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true")
    options = common.options(parser)
    facts = common.machine()
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 40))
    with harness.Origin(data=harness.real_data()) as origin, harness.Mount(origin.url) as mount, \
            tempfile.TemporaryDirectory() as scratch:
        folder = run.specimen(mount, run.LARGE) / "labels"
        names = sorted(os.listdir(folder))
        # Among every twentieth plane, the one with the most labels, which is the hardest for PackBits.
        name = max(names[::20], key=lambda name: np.count_nonzero(tifffile.imread(folder / name)))
        ours = folder / name
        plane = tifffile.imread(ours)
        packed, plain = pathlib.Path(scratch) / "packed.tif", pathlib.Path(scratch) / "plain.tif"
        packed.write_bytes(packed_file(plane))
        plain.write_bytes(ours.read_bytes())
        lines = [f"f\t{path.name}\t{path.stat().st_size}\t{path}" for path in (packed, plain)]
        rows = []
        with common.Control(lines, common.read_ahead(mount.path)) as control:
            paths = {"ours": ours, "contiguous": control / "plain.tif", "PackBits": control / "packed.tif"}
            for reader, read in readers().items():
                for path in paths.values():
                    assert np.array_equal(read(path), plane), (reader, path)
                for cold in (True, False):
                    seconds = common.interleaved(
                        {key: lambda path=path: read(path) for key, path in paths.items()}, options.rounds,
                        prepare=(lambda key: common.forget(paths[key])) if cold else None)
                    middle = {key: statistics.median(values) for key, values in seconds.items()}
                    rows.append([f"{reader}, pages {'dropped' if cold else 'kept'}",
                                 *(common.spread(seconds[key], 1e3, 0) for key in paths),
                                 f"{middle['ours'] / middle['PackBits']:.2f}"])
        sizes = ours.stat().st_size, packed.stat().st_size
    text = (f"### PackBits\n\nA label plane of {plane.shape[1]} x {plane.shape[0]} px with {np.count_nonzero(plane)} labelled "
            f"pixels: {sizes[0] / 1e6:.1f} MB contiguous, {sizes[1] / 1e6:.2f} MB as PackBits. Milliseconds of a whole-plane "
            "read; every array is compared with the contiguous one.\n\n"
            + common.table(["reader", "neuronfs labels/", "C, contiguous", "C, PackBits", "ours / PackBits"], rows))
    foot = (f"`Benchmarks/mount/run.sh packbits.py --rounds {options.rounds}{' --realtime' * options.realtime}` on {facts}.")
    print(f"{text}\n\n{foot}")
    if options.write:
        common.write_section("packbits", f"{text}\n\n{foot}")


if __name__ == "__main__":
    main()
