"""Every library that users open our files with, as `name -> function(path) -> numpy array`.

Nothing here knows how the files are made: the paths may lie on a mount or on a plain disk. A library that is not
installed is left out of the tables; `MISSING` says why.

    PLANE           one-plane TIFF -> (y, x)
    PLANE_MAPPED    the same through a memory map; uncompressed files only
    VOLUME          whole stack in one BigTIFF -> (z, y, x)
    VOLUME_MAPPED   the same through a memory map
    ZARR            OME-Zarr directory, level 0 -> (z, y, x)
"""

import importlib
import os
import shutil
import subprocess
import tempfile
import warnings

# OpenCV refuses images of more than 2^30 pixels unless this is set before it is imported.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 40))

import numpy as np

MISSING = {}


def _module(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        MISSING[name] = str(error)
        return None


tifffile = _module("tifffile")
PIL_Image = _module("PIL.Image")
cv2 = _module("cv2")
sitk = _module("SimpleITK")
skimage_io = _module("skimage.io")
imageio = _module("imageio.v3")
zarr = _module("zarr")
dask_array = _module("dask.array")
dask_image = _module("dask.array.image")
tensorstore = _module("tensorstore")

if PIL_Image is not None:
    # Pillow warns above 89,478,485 pixels and refuses above twice that, for fear of decompression bombs.
    PIL_Image.MAX_IMAGE_PIXELS = None

PLANE, PLANE_MAPPED, VOLUME, VOLUME_MAPPED, ZARR = {}, {}, {}, {}, {}


def _reader(table, name, *needs):
    def register(function):
        if all(need is not None for need in needs):
            table[name] = function
        return function

    return register


def _windows(shape, side=512):
    """Windows that tile a plane, so that a reader of crops can be compared as a whole."""
    for y in range(0, shape[0], side):
        for x in range(0, shape[1], side):
            yield slice(y, min(y + side, shape[0])), slice(x, min(x + side, shape[1]))


# --- one plane -------------------------------------------------------------------------------------------------------


@_reader(PLANE, "tifffile.imread", tifffile)
def _(path):
    return tifffile.imread(path)


@_reader(PLANE, "tifffile aszarr", tifffile, zarr)
def _(path):
    with tifffile.imread(path, aszarr=True) as store:
        return np.asarray(zarr.open(store, mode="r")[:])


@_reader(PLANE, "Pillow", PIL_Image)
def _(path):
    with PIL_Image.open(path) as image:
        return np.array(image)


@_reader(PLANE, "Pillow crop", PIL_Image)
def _(path):
    with PIL_Image.open(path) as image:
        width, height = image.size
        # Two crops a row of windows at most: every crop of a file with several strips decodes the whole plane.
        middle = (height // 2, width // 2)
        parts = [
            [np.array(image.crop((x0, y0, x1, y1))) for x0, x1 in ((0, middle[1]), (middle[1], width)) if x0 < x1]
            for y0, y1 in ((0, middle[0]), (middle[0], height))
            if y0 < y1
        ]
    return np.block(parts)


@_reader(PLANE, "cv2.imread", cv2)
def _(path):
    return cv2.imread(path, cv2.IMREAD_UNCHANGED)


@_reader(PLANE, "cv2.imread grey", cv2)
def _(path):
    return cv2.imread(path, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)


@_reader(PLANE, "SimpleITK", sitk)
def _(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(path))


@_reader(PLANE, "scikit-image", skimage_io)
def _(path):
    return skimage_io.imread(path)


@_reader(PLANE, "imageio", imageio)
def _(path):
    return imageio.imread(path)


@_reader(PLANE, "dask.array.image", dask_image, skimage_io)
def _(path):
    return dask_image.imread(path).compute()[0]


if shutil.which("tiffcp") and tifffile is not None:

    @_reader(PLANE, "libtiff tiffcp")
    def _(path):
        """Decoded by libtiff and written anew in strips of another size; tiffcp refuses buffers above 256 MB."""
        with tempfile.TemporaryDirectory() as directory:
            copy = os.path.join(directory, "copy.tif")
            result = subprocess.run(
                ["tiffcp", "-c", "none", "-r", "100", path, copy], capture_output=True, text=True, check=True
            )
            assert not result.stderr, result.stderr
            return tifffile.imread(copy)

else:
    MISSING["tiffcp"] = "libtiff-tools is not installed"


@_reader(PLANE_MAPPED, "tifffile.memmap", tifffile)
def _(path):
    mapped = tifffile.memmap(path, mode="r")
    result = np.empty(mapped.shape, mapped.dtype)
    for window in _windows(mapped.shape):
        result[window] = mapped[window]
    return result


@_reader(PLANE_MAPPED, "numpy.memmap", tifffile)
def _(path):
    """By the documented arithmetic: pixels are the last width x height samples of the file."""
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        offset, shape, dtype = page.dataoffsets[0], page.shape, page.dtype
    return np.array(np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape))


# --- the stack in one file -------------------------------------------------------------------------------------------


@_reader(VOLUME, "tifffile.imread", tifffile)
def _(path):
    return tifffile.imread(path)


@_reader(VOLUME, "tifffile pages", tifffile)
def _(path):
    with tifffile.TiffFile(path) as file:
        assert file.series[0].axes == "ZYX", file.series[0].axes
        return np.stack([page.asarray() for page in file.pages])


@_reader(VOLUME, "tifffile aszarr", tifffile, zarr)
def _(path):
    with tifffile.imread(path, aszarr=True) as store:
        return np.asarray(zarr.open(store, mode="r")[:])


@_reader(VOLUME, "Pillow frames", PIL_Image)
def _(path):
    frames = []
    with PIL_Image.open(path) as image:
        for index in range(image.n_frames):
            image.seek(index)
            frames.append(np.array(image))
    return np.stack(frames)


@_reader(VOLUME, "cv2.imreadmulti", cv2)
def _(path):
    ok, frames = cv2.imreadmulti(path, flags=cv2.IMREAD_UNCHANGED)
    assert ok
    return np.stack(frames)


@_reader(VOLUME, "SimpleITK 3-D", sitk)
def _(path):
    array = sitk.GetArrayFromImage(sitk.ReadImage(path))
    # One page is read as a 2-D image.
    return array if array.ndim == 3 else array[None]


@_reader(VOLUME, "scikit-image", skimage_io)
def _(path):
    return skimage_io.imread(path)


@_reader(VOLUME, "imageio", imageio)
def _(path):
    return imageio.imread(path)


@_reader(VOLUME_MAPPED, "tifffile.memmap", tifffile)
def _(path):
    return np.array(tifffile.memmap(path, mode="r"))


# --- OME-Zarr --------------------------------------------------------------------------------------------------------


@_reader(ZARR, "zarr", zarr)
def _(path):
    return np.asarray(zarr.open_group(path, mode="r")["0"][:])


@_reader(ZARR, "zarr array", zarr)
def _(path):
    return np.asarray(zarr.open_array(os.path.join(path, "0"), mode="r")[:])


@_reader(ZARR, "dask.from_zarr", dask_array, zarr)
def _(path):
    return dask_array.from_zarr(path, component="0").compute()


@_reader(ZARR, "tensorstore", tensorstore)
def _(path):
    spec = {"driver": "zarr", "kvstore": {"driver": "file", "path": os.path.abspath(os.path.join(path, "0"))}}
    return tensorstore.open(spec, read=True, open=True).result().read().result()


_OTHER_ZARR = """
import sys, numpy, zarr
numpy.save(sys.argv[2], zarr.open_group(sys.argv[1], mode="r")["0"][:])
"""

if os.environ.get("NEURONFS_ZARR2_PYTHON"):

    @_reader(ZARR, "zarr 2")
    def _(path):
        """Zarr 2 cannot be installed beside zarr 3: in another interpreter."""
        with tempfile.TemporaryDirectory() as directory:
            result = os.path.join(directory, "array.npy")
            subprocess.run([os.environ["NEURONFS_ZARR2_PYTHON"], "-c", _OTHER_ZARR, path, result], check=True)
            return np.load(result)

else:
    MISSING["zarr 2"] = "NEURONFS_ZARR2_PYTHON names no interpreter with zarr 2"


def ome_zarr_images(path):
    """What ome-zarr-py opens at `path`: a dict name -> levels from the finest, in order of layers.

    A label image comes with the image it belongs to, first; an image with the labels in its `labels` group.
    """
    reader = importlib.import_module("ome_zarr.reader")
    io = importlib.import_module("ome_zarr.io")
    return {node.zarr.basename(): node.data for node in reader.Reader(io.parse_url(path))() if node.data}


def napari_layers(path):
    """The layers that napari-ome-zarr gives to napari: a list of (kind, levels, metadata)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # npe2 uses what pydantic has deprecated
        module = importlib.import_module("napari_ome_zarr._reader")
    return [(kind, levels, metadata) for levels, metadata, kind in module.napari_get_reader(path)()]
