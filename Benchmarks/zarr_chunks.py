#!/usr/bin/env python3
"""Which chunk sides are best for crops and whole planes?

Builds directory stores of raw chunks (Zarr v2, no compression, "/" separator, absent chunk = 0) of one synthetic
volume, one chunk shape after another. Then it times random 512 x 512 x 32 crops and whole planes through zarr, dask and
tensorstore. Name every interpreter whose libraries you want to measure (zarr 2 and 3 cannot share one):

    zarr_chunks.py --directory /dev/shm/chunks --python venv3/bin/python --python venv2/bin/python
    zarr_chunks.py --directory /dev/shm/chunks --python venv3/bin/python --sparse    (label-like: tubes on zeros)

The times are those of a local memory file system. It also counts two costs of a mount that no local disk shows. `files`
are the files opened for each request. `tiles` are the 512 x 512 single-plane images that the origin must deliver for
them. A crop touches 4 x 32 = 128 tiles and a plane 64; more tiles than that are fetched in vain.
"""

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np

SHAPE = (64, 4096, 4096)
CROP = (32, 512, 512)
TILE = (1, 512, 512)
CROPS, PLANES = 24, 6
DENSE = [(1, 512, 512), (2, 512, 512), (4, 512, 512), (8, 512, 512), (32, 512, 512), (1, 1024, 1024), (32, 256, 256)]
SPARSE = [(1, 512, 512), (16, 128, 128), (64, 64, 64), (32, 128, 128), (16, 256, 256), (32, 256, 256), (32, 512, 512)]


def volume(sparse):
    """Noise, or tubes of 1 to 5 pixels across on zeros with about the density of an axon in its stack."""
    random = np.random.default_rng(1)
    if not sparse:
        plane = random.integers(0, 256, SHAPE[1:], dtype=np.uint8)
        return np.stack([np.roll(plane, 97 * z) for z in range(SHAPE[0])])
    voxels = np.zeros(SHAPE, np.uint8)
    for _ in range(40):
        position = random.uniform(0, 1, 3) * SHAPE
        direction = random.normal(size=3) * (0.05, 1, 1)
        for _ in range(400):
            direction += random.normal(size=3) * (0.01, 0.2, 0.2)
            position = np.clip(position + 3 * direction / np.linalg.norm(direction[1:]), 0, np.array(SHAPE) - 6)
            z, y, x = position.astype(int)
            voxels[z : z + 2, y : y + 4, x : x + 4] = 2
    return voxels


def build(directory, voxels, chunk):
    """Writes the store; returns how many of how many chunks exist."""
    grid = [-(-side // part) for side, part in zip(SHAPE, chunk)]
    written = 0
    for index in itertools.product(*map(range, grid)):
        part = voxels[tuple(slice(i * c, (i + 1) * c) for i, c in zip(index, chunk))]
        if not part.any():
            continue
        whole = np.zeros(chunk, np.uint8)
        whole[tuple(map(slice, part.shape))] = part
        path = os.path.join(directory, *map(str, index))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        whole.tofile(path)
        written += 1
    with open(os.path.join(directory, ".zarray"), "w") as file:
        metadata = {"zarr_format": 2, "shape": SHAPE, "chunks": chunk, "dtype": "|u1", "compressor": None, "filters": None}
        json.dump(metadata | {"fill_value": 0, "order": "C", "dimension_separator": "/"}, file)
    return written, int(np.prod(grid))


def requests():
    random = np.random.default_rng(2)
    crops = [[int(random.integers(0, side - size + 1)) for side, size in zip(SHAPE, CROP)] for _ in range(CROPS)]
    planes = [int(z) for z in random.permutation(SHAPE[0])[:PLANES]]
    yield "crop", [tuple(slice(a, a + n) for a, n in zip(start, CROP)) for start in crops]
    yield "plane", [(slice(z, z + 1), slice(0, SHAPE[1]), slice(0, SHAPE[2])) for z in planes]


def touched(request, chunk):
    """Chunks that a request needs, and the origin's tiles that those need."""
    chunks = [(part.start // side, -(-part.stop // side)) for part, side in zip(request, chunk)]
    tiles = 1
    for (first, end), side, tile, limit in zip(chunks, chunk, TILE, SHAPE):
        tiles *= -(-min(end * side, limit) // tile) - first * side // tile
    return int(np.prod([end - first for first, end in chunks])), tiles


def open_with(name, directory):
    """A function from a request to an array; the array is opened once, as a training loop would."""
    if name == "zarr":
        import zarr

        array = zarr.open_array(directory, mode="r")
        return lambda request: array[request]
    if name == "dask":
        import dask.array

        array = dask.array.from_zarr(directory)
        return lambda request: array[request].compute()
    import tensorstore

    spec = {"driver": "zarr", "kvstore": {"driver": "file", "path": directory}}
    store = tensorstore.open(spec, read=True, open=True).result()
    return lambda request: store[request].read().result()


def read(directory, expected):
    """Runs in a child interpreter: times every reader of that interpreter and prints JSON."""
    voxels = np.load(expected, mmap_mode="r")
    results = {}
    for name in ("zarr", "dask", "tensorstore"):
        try:
            reader = open_with(name, directory)
            module = sys.modules[name]
        except ImportError:
            continue
        label = f"{name} {getattr(module, '__version__', '')}".strip()
        for kind, parts in requests():
            times = []
            for part in parts:
                begin = time.perf_counter()
                array = reader(part)
                times.append(time.perf_counter() - begin)
                assert np.array_equal(array, voxels[part]), (name, part)
            results[f"{label} {kind}"] = round(1e3 * float(np.median(times)), 2)
    print(json.dumps(results))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--directory", required=True, help="where stores are built; needs 2 GB, is emptied afterwards")
    parser.add_argument("--python", action="append", default=[], help="an interpreter to measure with; repeatable")
    parser.add_argument("--sparse", action="store_true", help="label-like volume")
    parser.add_argument("--read", metavar="EXPECTED", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    store = os.path.join(arguments.directory, "store")
    if arguments.read:
        return read(store, arguments.read)

    os.makedirs(arguments.directory)
    try:
        voxels = volume(arguments.sparse)
        expected = os.path.join(arguments.directory, "expected.npy")
        np.save(expected, voxels)
        for chunk in SPARSE if arguments.sparse else DENSE:
            written, total = build(store, voxels, chunk)
            row = {"chunk": chunk, "stored": f"{written}/{total}", "MB": written * int(np.prod(chunk)) >> 20}
            for kind, parts in requests():
                counts = np.array([touched(part, chunk) for part in parts]).mean(axis=0)
                row[f"files {kind}"], row[f"tiles {kind}"] = (round(float(count), 1) for count in counts)
            for python in arguments.python or [sys.executable]:
                command = [python, __file__, "--directory", arguments.directory, "--read", expected]
                row |= json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            print(json.dumps(row), flush=True)
            shutil.rmtree(store)
    finally:
        shutil.rmtree(arguments.directory)


if __name__ == "__main__":
    main()
