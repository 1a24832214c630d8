"""Writes folders of pairs, and mounts them alone or beside the stand-in database.

    volume(shape, dtype, seed)      pixels (z, y, x) that no compression takes for others
    LAYOUTS                         name -> (writes an array as one TIFF, dtype, what a reader gets of it)
    write_layout(name, path, data)  writes `data` in a layout; returns the pixels that it stands for
    FolderMount(folder)             a mount with `--source folder:...` alone, of an endpoint that nobody answers
    read_all(folder)                every file of a mount's folder, each within a few seconds
    listing(folder)                 what a write into a folder would change
"""

import contextlib
import functools
import json
import os
import time
import warnings

import numpy as np
import tifffile
from PIL import Image

import harness
from reliability import outcome

# Nobody listens there: a mount that asks it gets no answer at all.
NOWHERE = "http://127.0.0.1:1/"
# (z, y, x), um; no two are equal.
SPACING = (0.5, 0.25, 0.125)
# Seconds within which a change in a folder must show.
SOON = 15
# Seconds within which a read must end, also of what is refused.
QUICKLY = 5
# A skeleton inside every image of the tests.
ONE_NODE = "1 1 0.5 0.5 0 0.5 -1\n"


def volume(shape, dtype=np.uint8, seed=1):
    """A gradient with noise: neighbours are alike, as in an image, and all values of the type occur."""
    random = np.random.default_rng(seed)
    z, y, x = np.indices(shape)
    data = (x * 7 + y * 13 + z * 31) * (257 if dtype == np.uint16 else 1) + random.integers(0, 9, shape)
    return (data % (np.iinfo(dtype).max + 1)).astype(dtype)


def by_tifffile(path, data, **options):
    tifffile.imwrite(path, data, photometric=options.pop("photometric", "minisblack"), **options)


def by_pillow(path, data, compression):
    """One page a plane, encoded by the libtiff in Pillow."""
    pages = [Image.fromarray(plane) for plane in data]
    pages[0].save(path, "TIFF", compression=compression, save_all=True, append_images=pages[1:])


def _tifffile(dtype="u1", **options):
    return functools.partial(by_tifffile, **options), np.dtype(dtype)


def _pillow(compression, dtype="u1"):
    return functools.partial(by_pillow, compression=compression), np.dtype(dtype)


LAYOUTS = {
    "classic-little": _tifffile(byteorder="<"),
    "classic-big-16": _tifffile("u2", byteorder=">"),
    "bigtiff-little-16": _tifffile("u2", bigtiff=True, byteorder="<"),
    "bigtiff-big": _tifffile(bigtiff=True, byteorder=">"),
    "strips-of-7": _tifffile(rowsperstrip=7),
    "strips-of-1-16": _tifffile("u2", rowsperstrip=1, byteorder=">"),
    "tiles": _tifffile(tile=(32, 48)),
    "tiles-16-big": _tifffile("u2", tile=(64, 16), byteorder=">", bigtiff=True),
    "zlib": _tifffile(compression="zlib"),
    "zlib-predictor": _tifffile(compression="zlib", predictor=True, rowsperstrip=10),
    "zlib-predictor-16-big": _tifffile("u2", compression="zlib", predictor=True, byteorder=">"),
    "zlib-predictor-tiles-16": _tifffile("u2", compression="zlib", predictor=True, tile=(32, 32)),
    "lzw-predictor-16": _tifffile("u2", compression="lzw", predictor=True, rowsperstrip=16),
    "lzw-tiles-big": _tifffile(compression="lzw", tile=(48, 64), byteorder=">"),
    "packbits-16": _tifffile("u2", compression="packbits", rowsperstrip=5),
    "zstd-predictor-tiles-16": _tifffile("u2", compression="zstd", predictor=True, tile=(64, 64)),
    "lzma-16": _tifffile("u2", compression="lzma"),
    "jpeg-strips": _tifffile(compression="jpeg", rowsperstrip=16),
    "jpeg-tiles": _tifffile(compression="jpeg", tile=(64, 64)),
    "imagej-16": _tifffile("u2", imagej=True, metadata={"axes": "ZYX"}),
    "ome": _tifffile(ome=True, metadata={"axes": "ZYX"}, tile=(64, 64)),
    "white-is-zero": _tifffile(photometric="miniswhite"),
    "pillow-raw": _pillow("raw"),
    "pillow-raw-16": _pillow("raw", "u2"),
    "pillow-lzw": _pillow("tiff_lzw"),
    "pillow-lzw-16": _pillow("tiff_lzw", "u2"),
    "pillow-packbits": _pillow("packbits"),
    "pillow-deflate": _pillow("tiff_adobe_deflate"),
    "pillow-old-deflate-16": _pillow("tiff_deflate", "u2"),
    "pillow-jpeg": _pillow("jpeg"),
    "pillow-zstd": _pillow("zstd"),
    "pillow-lzma": _pillow("lzma"),
}


def write_layout(name, path, data):
    """Writes `data` (z, y, x) as a TIFF. Returns what it stands for: of JPEG what Pillow makes of the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        LAYOUTS[name][0](path, data)
    if name == "white-is-zero":
        return np.iinfo(data.dtype).max - data
    return pillow_pages(path) if "jpeg" in name else data


def pillow_pages(path):
    with Image.open(path) as image:
        pages = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            pages.append(np.array(image))
    return np.stack(pages)


def write_meta(folder, spacing=SPACING, **members):
    folder.mkdir(parents=True, exist_ok=True)
    stack = {"stack": {"voxel_spacing_um": list(spacing)}} if spacing else {}
    (folder / "meta.json").write_text(json.dumps(stack | members))


def write_pair(folder, data, swc=None, spacing=SPACING, **members):
    """A directory with an uncompressed image.tif, skeleton and meta.json."""
    write_meta(folder, spacing, **members)
    by_tifffile(folder / "image.tif", data)
    if swc is not None:
        (folder / "neuron.swc").write_text(swc)


def replace(path, write):
    """Another file under the name, from one moment to the next: `write` gets the path of a file that is renamed."""
    fresh = path.with_name(f".new{path.suffix}")
    write(fresh)
    os.rename(fresh, path)


class FolderMount(harness.Mount):
    """A mount of `folder`; a text after a comma in `more` belongs to the source, such as "spacing=1,1,1"."""

    def __init__(self, folder, more="", endpoint=NOWHERE, options=(), **arguments):
        self.source = folder
        source = f"folder:{folder}" + (f",{more}" if more else "")
        super().__init__(endpoint, options=["--source", source, *options], **arguments)

    @property
    def shown(self):
        return self.path / self.source.name


def listing(folder):
    """Every name below `folder` with what a write would change."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in [".", *folders, *files]:
            status = os.lstat(os.path.join(place, name))
            found[os.path.join(place, name)] = (
                status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    return found


@contextlib.contextmanager
def opened(*paths):
    """Descriptors for reading, closed at the end."""
    descriptors = []
    try:
        for path in paths:
            descriptors.append(os.open(path, os.O_RDONLY))
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def assert_same(found, expected, what):
    found = np.asarray(found)
    assert found.shape == expected.shape and found.dtype == expected.dtype, (what, found.shape, found.dtype)
    wrong = np.argwhere(found != expected)
    assert len(wrong) == 0, f"{what}: {len(wrong)} of {found.size} differ, the first at {wrong[0]}"


def read_all(folder):
    """Reads every file below `folder`, in no more than QUICKLY seconds each: path -> bytes or the name of the errno."""
    found = {}
    for place, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(place, name)
            begin = time.monotonic()
            with_bytes, code = outcome(lambda: open(path, "rb").read())
            assert time.monotonic() - begin < QUICKLY * harness.PATIENCE, path
            found[os.path.relpath(path, folder)] = code or with_bytes
    return found


def log_lines(mount, *words):
    return [line for line in mount.log_text().splitlines() if all(word in line for word in words)]


def assert_alive(mount):
    """The daemon is there and answers, and nothing made it crash."""
    assert mount.status()["state"] == "serving"
    assert "crash" not in mount.log_text()
