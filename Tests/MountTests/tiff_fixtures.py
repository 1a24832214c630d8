"""Stacks in every layout that tifffile writes and libtiff reads, each with its pixels. Usage: tiff_fixtures.py FOLDER

FolderSourceTests reads them from $NEURONFS_TIFF_FIXTURES, as NAME.tif and NAME.raw (pixels in little-endian order).
"""

import itertools
import sys
from pathlib import Path

import numpy as np
import tifffile

COMPRESSIONS = [None, "lzw", "adobe_deflate", "deflate", "packbits", "zstd", "lzma", "jpeg"]
PREDICTED = {"lzw", "adobe_deflate", "deflate", "zstd", "lzma"}


def volume(dtype, depth=3, height=75, width=109):
    """Slopes, edges and noise, different in every plane."""
    z, y, x = np.mgrid[:depth, :height, :width]
    noise = np.random.default_rng(7).integers(0, 9, (depth, height, width))
    values = np.where((x // 20 + y // 17 + z) % 2, x * 311 + y * 97, z * 9000 + y * 200) + noise
    return (values >> (8 if dtype == np.uint8 else 0)).astype(dtype)


def layouts():
    """(name, options of tifffile.imwrite, pixels) of each layout."""
    for dtype, order, big, compression, tile, predictor in itertools.product(
            [np.uint8, np.uint16], "<>", [False, True], COMPRESSIONS, [None, (32, 48)], [False, True]):
        if compression == "jpeg" and dtype == np.uint16 or predictor and compression not in PREDICTED:
            continue
        name = "-".join([np.dtype(dtype).name, "le" if order == "<" else "be", "big" if big else "classic",
                         compression or "none", "tiles" if tile else "strips", "predictor" if predictor else "plain"])
        options = dict(byteorder=order, bigtiff=big, compression=compression, predictor=predictor, metadata=None)
        options |= {"tile": tile} if tile else {"rowsperstrip": 16}
        yield name, options, volume(dtype)
    stack = volume(np.uint16)
    yield "imagej", dict(imagej=True, resolution=(8, 8),
                         metadata={"axes": "ZYX", "spacing": 0.28, "unit": "um"}), stack
    yield "ome", dict(ome=True, metadata={"axes": "ZYX", "PhysicalSizeX": 0.125, "PhysicalSizeY": 0.125,
                                          "PhysicalSizeZ": 280, "PhysicalSizeZUnit": "nm"}), stack
    yield "one-row-strips", dict(rowsperstrip=1, compression="lzw", metadata=None), volume(np.uint16, 2, 700, 600)
    yield "one-strip", dict(rowsperstrip=700, metadata=None), volume(np.uint16, 2, 700, 600)
    yield "one-pixel", dict(metadata=None), volume(np.uint8, 1, 1, 1)
    yield "two-hundred-pages", dict(compression="zstd", metadata=None), volume(np.uint16, 200, 40, 30)


def write(folder):
    """Writes all layouts into `folder`. Returns name -> pixels, as tifffile reads them where JPEG changes them."""
    pixels = {}
    for name, options, voxels in layouts():
        path = folder / f"{name}.tif"
        tifffile.imwrite(path, voxels, photometric="minisblack", **options)
        read = np.stack([page.asarray() for page in tifffile.TiffFile(path).pages])
        if options.get("compression") != "jpeg":
            assert np.array_equal(read, voxels), name
        pixels[name] = read
    return pixels


if __name__ == "__main__":
    target = Path(sys.argv[1])
    for layout, voxels in write(target).items():
        voxels.astype(voxels.dtype.newbyteorder("<")).tofile(target / f"{layout}.raw")
