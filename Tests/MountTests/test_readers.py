"""The libraries that people read with, from a real mount, against pixels that come from the origin by another way.

Expected images are fetched over HTTP and decoded by Pillow and OpenCV; expected labels are brute force.
"""

import hashlib
import mmap
import multiprocessing
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tifffile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "readers"))

import brute
import readers
from expected import Tracing, meta, plane_name, plane_pixels, planes, stack_pixels, tile
from harness import Mount

# The smallest trainable cell, and the one with a missing plane.
SMALL, GAP = 900_000_112, 900_000_120
PLANES = [0, 37, 79]


@pytest.fixture(scope="module")
def folder(demo):
    return demo / "mouse" / str(SMALL)


@pytest.fixture(scope="module")
def images(origin, folder):
    """Expected pixels of a few planes."""
    there = planes(folder)
    return {index: plane_pixels(origin.url, there[index]) for index in PLANES}


@pytest.fixture(scope="module")
def labels(folder):
    tracing = Tracing((folder / "skeleton.swc").read_bytes())
    shape = meta(folder)["stack"]["shape"][1:]
    return {index: tracing.plane(index, shape) for index in PLANES}


@pytest.fixture(scope="module")
def instances(folder):
    tracing = Tracing((folder / "skeleton.swc").read_bytes())
    shape = meta(folder)["stack"]["shape"][1:]
    ids = brute.sections(tracing.nodes)[0]
    return {index: tracing.plane(index, shape, codes=ids, dtype=np.uint16) for index in PLANES}


def assert_same(found, expected):
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    differing = np.count_nonzero(found != expected)
    assert differing == 0, f"{differing} of {expected.size} voxels differ"


def table(*tables):
    return {f"{name} (mapped)" if number else name: function
            for number, part in enumerate(tables) for name, function in part.items()}


plane_readers = pytest.mark.parametrize("name", table(readers.PLANE, readers.PLANE_MAPPED))


# --- single planes ----------------------------------------------------------------------------------------------------


@plane_readers
def test_image_planes(folder, images, name):
    read = table(readers.PLANE, readers.PLANE_MAPPED)[name]
    for index, expected in images.items():
        assert_same(read(str(folder / "stack" / plane_name(index))), expected)


@plane_readers
def test_label_planes(folder, labels, name):
    read = table(readers.PLANE, readers.PLANE_MAPPED)[name]
    for index, expected in labels.items():
        assert_same(read(str(folder / "labels" / plane_name(index))), expected)


@plane_readers
def test_planes_of_sixteen_bits(folder, instances, name):
    read = table(readers.PLANE, readers.PLANE_MAPPED)[name]
    for index, expected in instances.items():
        assert_same(read(str(folder / "labels-instance" / plane_name(index))), expected)
    assert max(expected.max() for expected in instances.values()) > 4


def test_all_readers_are_here():
    """A library that CI does not install would make the tables above shorter without anyone noticing."""
    wanted = {"tifffile.imread", "Pillow", "cv2.imread", "SimpleITK", "scikit-image", "tifffile.memmap (mapped)"}
    assert wanted <= set(table(readers.PLANE, readers.PLANE_MAPPED))
    assert readers.ZARR and "SimpleITK 3-D" in readers.VOLUME


# --- volumes ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def volume(origin, demo):
    """The stack of the cell with a missing plane, which is zero in a volume; over HTTP, kept for all readers."""
    return stack_pixels(origin.url, demo / "mouse" / str(GAP))


@pytest.fixture(scope="module")
def label_volume(demo):
    folder = demo / "mouse" / str(GAP)
    tracing = Tracing((folder / "skeleton.swc").read_bytes())
    depth, *shape = meta(folder)["stack"]["shape"]
    there = planes(folder)
    # Of a plane without an image nothing is known.
    return np.stack([tracing.plane(z, shape) if z in there else np.full(shape, 255, np.uint8) for z in range(depth)])


volume_readers = pytest.mark.parametrize("name", table(readers.VOLUME, readers.VOLUME_MAPPED))


@volume_readers
def test_stack_in_one_file(demo, volume, name):
    read = table(readers.VOLUME, readers.VOLUME_MAPPED)[name]
    assert_same(read(str(demo / "mouse" / str(GAP) / "stack.tif")), volume)


@volume_readers
def test_labels_in_one_file(demo, label_volume, name):
    read = table(readers.VOLUME, readers.VOLUME_MAPPED)[name]
    assert_same(read(str(demo / "mouse" / str(GAP) / "labels.tif")), label_volume)


@pytest.mark.parametrize("mode", ["r", None])
def test_volumes_as_numpy(demo, volume, label_volume, mode):
    """Mapped and read whole: shape and type come from the header, in the order of the BigTIFF."""
    folder = demo / "mouse" / str(GAP)
    for name, expected in [("stack.npy", volume), ("labels.npy", label_volume)]:
        array = np.load(folder / name, mmap_mode=mode)
        assert isinstance(array, np.memmap) == (mode == "r")
        assert (array.dtype, array.shape, array.flags.c_contiguous) == (expected.dtype, expected.shape, True)
        assert_same(array, expected)


@pytest.mark.parametrize("name", readers.ZARR)
def test_stack_as_zarr(demo, volume, name):
    assert_same(readers.ZARR[name](str(demo / "mouse" / str(GAP) / "stack.ome.zarr")), volume)


@pytest.mark.parametrize("name", readers.ZARR)
def test_labels_as_zarr(demo, label_volume, name):
    assert_same(readers.ZARR[name](str(demo / "mouse" / str(GAP) / "labels.ome.zarr")), label_volume)


@pytest.mark.parametrize("level", [1, 2])
def test_coarser_levels_of_the_stack(origin, demo, level):
    """Level n is what the image service gives at downsample n, tile by tile."""
    zarr = pytest.importorskip("zarr")
    folder = demo / "mouse" / str(SMALL)
    array = zarr.open_group(str(folder / "stack.ome.zarr"), mode="r")[str(level)]
    plane = planes(folder)[37]
    height, width = ((side + (1 << level) - 1) >> level for side in plane["shape"])
    assert array.shape[1:] == (height, width)
    found, side = array[37], 512 << level
    for y in range(0, plane["shape"][0], side):
        for x in range(0, plane["shape"][1], side):
            h, w = min(side, plane["shape"][0] - y), min(side, plane["shape"][1] - x)
            part = tile(origin.url, plane["image_id"], 1 + x, 1 + y, w, h, downsample=level)
            at = found[y >> level : (y >> level) + part.shape[0], x >> level : (x >> level) + part.shape[1]]
            assert_same(at, part)


# --- plain file tools -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["stack", "labels", "labels-instance"])
def file(request, folder):
    """A plane of each kind, and its bytes."""
    path = folder / request.param / plane_name(37)
    return path, path.read_bytes()


def test_pixels_are_the_end_of_the_file(folder, images, labels, instances):
    for series, arrays in [("stack", images), ("labels", labels), ("labels-instance", instances)]:
        for index, array in arrays.items():
            data = (folder / series / plane_name(index)).read_bytes()
            assert data[-array.nbytes :] == array.astype(array.dtype.newbyteorder("<")).tobytes()


def test_cp_cmp_sha256sum(file, tmp_path):
    path, data = file
    subprocess.run(["cp", path, tmp_path / "copy.tif"], check=True)
    assert (tmp_path / "copy.tif").read_bytes() == data
    subprocess.run(["cp", "--sparse=always", path, tmp_path / "sparse.tif"], check=True)
    subprocess.run(["cmp", path, tmp_path / "copy.tif"], check=True)
    subprocess.run(["cmp", path, tmp_path / "sparse.tif"], check=True)
    result = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)
    assert result.stdout.split()[0] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("block, skip, count", [(1, 4095, 3), (7, 585, 1000), (513, 7, 99), (4097, 3, 40),
                                                (99_991, 1, 3), (1 << 20, 2, 1), (1000, 3_100, 200)])
def test_dd_at_odd_offsets(file, block, skip, count):
    path, data = file
    result = subprocess.run(["dd", f"if={path}", f"bs={block}", f"skip={skip}", f"count={count}", "status=none"],
                            capture_output=True, check=True)
    assert result.stdout == data[block * skip : block * (skip + count)]


def test_preads_and_their_ends(file):
    path, data = file
    random = np.random.default_rng(3)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        for _ in range(300):
            offset = int(random.integers(0, len(data) + 2000))
            count = int(random.choice([0, 1, 2, 511, 4096, 4097, 65_537, 1 << 21]))
            assert os.pread(descriptor, count, offset) == data[offset : offset + count]
        assert os.pread(descriptor, 10, len(data)) == b""
        assert os.lseek(descriptor, 0, os.SEEK_END) == len(data)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("flags", [mmap.MAP_SHARED, mmap.MAP_PRIVATE])
def test_mmap(file, flags):
    path, data = file
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, flags=flags, prot=mmap.PROT_READ) as mapped:
        assert len(mapped) == len(data)
        for offset in np.random.default_rng(4).integers(0, len(data), 200).tolist():
            assert mapped[offset : offset + 77] == data[offset : offset + 77]
        assert mapped[:] == data


@pytest.mark.skipif(shutil.which("tiffcmp") is None, reason="libtiff-tools is not installed")
@pytest.mark.parametrize("series", ["stack", "labels", "labels-instance"])
def test_libtiff_tools(folder, series, tmp_path):
    path = folder / series / plane_name(37)
    result = subprocess.run(["tiffinfo", "-D", path], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"Image Width: {meta(folder)['stack']['shape'][2]}" in result.stdout
    subprocess.run(["tiffcp", "-c", "lzw", path, tmp_path / "lzw.tif"], check=True)
    subprocess.run(["tiffcmp", path, tmp_path / "lzw.tif"], check=True)
    assert_same(tifffile.imread(path), tifffile.imread(path, key=0))


@pytest.mark.skipif(shutil.which("tiffinfo") is None, reason="libtiff-tools is not installed")
@pytest.mark.parametrize("name", ["stack.tif", "labels.tif"])
def test_libtiff_reads_the_directories_of_a_volume(folder, name):
    result = subprocess.run(["tiffinfo", folder / name], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("Image Width") == meta(folder)["stack"]["shape"][0]


# --- many at once -----------------------------------------------------------------------------------------------------


def random_crops(arguments):
    """In a process of its own: crops by memory map and by libraries; returns what they held."""
    paths, seed, count = arguments
    random = np.random.default_rng(seed)
    result = []
    for _ in range(count):
        number = int(random.integers(0, len(paths)))
        mapped = tifffile.memmap(paths[number], mode="r")
        y, x = (int(random.integers(0, side - 64)) for side in mapped.shape)
        h, w = (int(random.integers(1, 300)) for _ in range(2))
        result.append((number, y, x, h, w, mapped[y : y + h, x : x + w].tobytes()))
    return result


@pytest.mark.parametrize("series", ["stack", "labels"])
def test_eight_workers_of_random_crops(origin, series):
    """A cold mount, as a data loader meets it; compared with whole planes read afterwards, and these with the origin."""
    with Mount(origin.url) as mount:
        folder = mount / "mouse" / str(SMALL)
        paths = [str(folder / series / plane_name(index)) for index in PLANES]
        with multiprocessing.get_context("spawn").Pool(8) as pool:
            parts = pool.map(random_crops, [(paths, seed, 30) for seed in range(8)])
        whole = [tifffile.imread(path) for path in paths]
        for number, y, x, h, w, data in (crop for part in parts for crop in part):
            assert data == whole[number][y : y + h, x : x + w].tobytes()
        if series == "stack":
            there = planes(folder)
            for index, array in zip(PLANES, whole):
                assert_same(array, plane_pixels(origin.url, there[index]))
        else:
            tracing = Tracing((folder / "skeleton.swc").read_bytes())
            for index, array in zip(PLANES, whole):
                assert_same(array, tracing.plane(index, array.shape))
