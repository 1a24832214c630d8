"""Independent reference for the expected checksums of RealSkeletonTests: the labels of whole skeletons with numpy.

    reference.py WIDTH HEIGHT DEPTH FILE.swc

prints the CRC-32C of all runs of the default labels (see RealSkeletonTests.checksum) in a frame of SubImages, whose
origin is (1, 1, 0).
The signed distance is the published closed form of the rounded cone (Quilez, "distance functions"). It is evaluated for
every voxel centre in the box around each edge; no intervals are computed.
"""
import struct
import sys

import numpy as np

S = (0.1144, 0.1144, 0.28)
FLOOR = 0.5 * (S[0] ** 2 + S[1] ** 2 + S[2] ** 2) ** 0.5


def rounded_cone(p, a, b, r1, r2):
    """Signed distance of points p (n, 3) to the hull of the balls (a, r1) and (b, r2)."""
    ba = b - a
    l2 = ba @ ba
    rr = r1 - r2
    pa = p - a
    if l2 <= rr * rr:
        centre, radius = (a, r1) if r1 >= r2 else (b, r2)
        return np.linalg.norm(p - centre, axis=1) - radius
    a2 = l2 - rr * rr
    il2 = 1.0 / l2
    y = pa @ ba
    z = y - l2
    x = pa * l2 - ba * y[:, None]
    x2 = np.einsum("ij,ij->i", x, x)
    y2 = y * y * l2
    z2 = z * z * l2
    k = np.sign(rr) * rr * rr * x2
    side = (np.sqrt(x2 * a2 * il2) + y * rr) * il2 - r1
    end_b = np.sqrt(x2 + z2) * il2 - r2
    end_a = np.sqrt(x2 + y2) * il2 - r1
    return np.where(np.sign(z) * a2 * z2 > k, end_b, np.where(np.sign(y) * a2 * y2 < k, end_a, side))


def labels(path, shape):
    """Voxel number -> code for every labelled voxel."""
    rows = [line.split() for line in open(path) if line.strip() and not line.startswith("#")]
    nodes = {int(r[0]): (int(float(r[1])), np.array(list(map(float, r[2:5]))), float(r[5]), int(r[6])) for r in rows}

    def code(i):
        while i in nodes and nodes[i][0] in (5, 6):
            i = nodes[i][3]
        return nodes[i][0] if i in nodes and nodes[i][0] in (1, 2, 3, 4) else 255

    width, height, depth = shape
    numbers, codes = [], []
    for i, (kind, b, r2, parent) in nodes.items():
        r2 = max(r2, FLOOR)
        a, r1 = b, r2
        if parent in nodes:
            a = nodes[parent][1]
            r1 = r2 if nodes[parent][0] == 1 and kind != 1 else max(nodes[parent][2], FLOOR)
        low = np.minimum(a - r1, b - r2) / S - (1, 1, 0)
        high = np.maximum(a + r1, b + r2) / S - (1, 1, 0)
        low = np.maximum(np.floor(low).astype(int), 0)
        high = np.minimum(np.ceil(high).astype(int) + 1, shape)
        if (low >= high).any():
            continue
        k, j, i2 = np.meshgrid(*(np.arange(low[d], high[d]) for d in (2, 1, 0)), indexing="ij")
        k, j, i2 = k.ravel(), j.ravel(), i2.ravel()
        p = np.stack(((i2 + 1) * S[0], (j + 1) * S[1], k * S[2]), axis=1)
        inside = rounded_cone(p, a, b, r1, r2) <= 1e-6
        numbers.append((k[inside] * height + j[inside]) * width + i2[inside])
        codes.append(np.full(inside.sum(), code(i), dtype=np.int64))
    numbers, codes = np.concatenate(numbers), np.concatenate(codes)
    order = np.lexsort((codes, numbers))
    numbers, codes = numbers[order], codes[order]
    first = np.concatenate(([True], numbers[1:] != numbers[:-1]))
    return numbers[first], codes[first]


def crc32c(data):
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ 0x82F63B78 if n & 1 else n >> 1
        table.append(n)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def main():
    width, height, depth = map(int, sys.argv[1:4])
    numbers, codes = labels(sys.argv[4], (width, height, depth))
    starts = np.concatenate(
        ([True], (numbers[1:] != numbers[:-1] + 1) | (codes[1:] != codes[:-1]) | (numbers[1:] % width == 0)))
    begin = np.flatnonzero(starts)
    end = np.concatenate((begin[1:], [len(numbers)]))
    out = bytearray()
    for b, e in zip(begin, end):
        n = int(numbers[b])
        plane, row, column = n // (width * height), n // width % height, n % width
        out += struct.pack("<5I", plane, row, column, column + int(e - b), int(codes[b]))
    print(f"0x{crc32c(out):08X}  {len(begin)} runs  {len(numbers)} voxels")


if __name__ == "__main__":
    main()
