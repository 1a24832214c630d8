"""Folders of anyone's own pairs, through a real mount: the pixels of every layout that is read, and levels.

Labels, spacing and names: test_folder_cells.py. What changes: test_folder_changes.py. What must not be served:
test_folder_safety.py. What is damaged: test_folder_damage.py.
"""

import os
import tarfile

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

import brute
import harness
import neurons
from expected import plane_name
from folder_pairs import (
    LAYOUTS, SPACING, FolderMount, assert_same, by_tifffile, pillow_pages, volume, write_layout, write_meta)

Image.MAX_IMAGE_PIXELS = None
# Odd sides, so that strips and tiles are cut off at the edges.
SHAPE = (4, 151, 219)
FORMS = ["pages", "planes", "flat"]


# --- pixels -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def layouts(tmp_path_factory):
    """A mount of every layout in three forms, and the pixels of each."""
    folder = tmp_path_factory.mktemp("source") / "layouts"
    folder.mkdir()
    wanted = {}
    for number, (layout, (_, dtype)) in enumerate(LAYOUTS.items()):
        data = volume(SHAPE, dtype, number)
        (folder / f"pages-{layout}").mkdir()
        wanted[f"pages-{layout}"] = write_layout(layout, folder / f"pages-{layout}" / "image.tif", data)
        stack = folder / f"planes-{layout}" / "stack"
        stack.mkdir(parents=True)
        # Without leading zeros: z10 follows z9.
        wanted[f"planes-{layout}"] = np.concatenate(
            [write_layout(layout, stack / f"z{index + 8}.tif", data[index:index + 1]) for index in range(len(data))])
        wanted[f"flat-{layout}"] = write_layout(layout, folder / f"flat-{layout}.tif", data)
        (folder / f"flat-{layout}.swc").write_text("1 1 3 3 1 1 -1\n")
    with FolderMount(folder, "spacing=0.125,0.25,0.5") as mount:
        assert sorted(os.listdir(mount.shown)) == sorted(wanted)
        yield mount, wanted


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_pixels(layouts, layout, form):
    """What tifffile, Pillow, numpy and zarr read in the mount are the pixels that were written."""
    mount, wanted = layouts
    name = f"{form}-{layout}"
    cell, wanted = mount.shown / name, wanted[name]
    assert sorted(os.listdir(cell / "stack")) == [plane_name(index) for index in range(len(wanted))]
    for index, plane in enumerate(wanted):
        path = cell / "stack" / plane_name(index)
        with tifffile.TiffFile(path) as tiff:
            page, = tiff.pages
            assert page.is_contiguous
            start = page.dataoffsets[0]
            assert_same(page.asarray(), plane, path)
        assert_same(np.memmap(path, plane.dtype, "r", start, plane.shape), plane, path)
        assert_same(pillow_pages(path)[0], plane, path)
    assert_same(tifffile.imread(cell / "stack.tif"), wanted, "stack.tif")
    assert_same(tifffile.memmap(cell / "stack.tif", mode="r"), wanted, "stack.tif, mapped")
    assert_same(np.load(cell / "stack.npy"), wanted, "stack.npy")
    assert_same(np.load(cell / "stack.npy", mmap_mode="r"), wanted, "stack.npy, mapped")
    assert_same(zarr.open_array(str(cell / "stack.ome.zarr" / "0"), mode="r")[:], wanted, "stack.ome.zarr")



def test_no_layout_was_refused(layouts):
    mount, _ = layouts
    assert "not shown" not in mount.log_text() and "cannot be" not in mount.log_text()


def halved(plane):
    """The mean of each 2 x 2, rounded half up; at an odd edge the mean of those that exist."""
    height, width = plane.shape
    padded = np.zeros((height + height % 2, width + width % 2), np.int64)
    count = np.zeros_like(padded)
    padded[:height, :width], count[:height, :width] = plane, 1
    sums, counts = (part.reshape(part.shape[0] // 2, 2, -1, 2).sum((1, 3)) for part in (padded, count))
    return ((2 * sums + counts) // (2 * counts)).astype(plane.dtype)


@pytest.mark.parametrize("dtype, options", [
    (np.uint8, {"tile": (256, 256), "compression": "zlib"}), (np.uint16, {"rowsperstrip": 33})])
def test_levels_are_means(tmp_path, dtype, options):
    """On sides that are odd on several levels."""
    data = volume((2, 1237, 2451), dtype)
    write_meta(tmp_path / "own" / "cell")
    by_tifffile(tmp_path / "own" / "cell" / "image.tif", data, **options)
    with FolderMount(tmp_path / "own") as mount:
        group = zarr.open_group(str(mount.shown / "cell" / "stack.ome.zarr"), mode="r")
        assert sorted(group.array_keys()) == ["0", "1", "2", "3"]
        level = list(data)
        for name in sorted(group.array_keys()):
            assert_same(group[name][:], np.stack(level), f"level {name}")
            level = [halved(plane) for plane in level]
        scales = [part["coordinateTransformations"][0]["scale"]
                  for part in group.attrs["multiscales"][0]["datasets"]]
        assert scales == [[SPACING[0], SPACING[1] * 2**level, SPACING[2] * 2**level] for level in range(4)]


def test_a_level_that_needs_too_much_of_the_image_is_not_listed(tmp_path):
    """A chunk of level 4 would need the whole plane, 73 MB; the limit is 64 MiB."""
    data = np.broadcast_to(volume((1, 1, 6100), np.uint16)[0], (6000, 6100))
    write_meta(tmp_path / "own" / "cell")
    by_tifffile(tmp_path / "own" / "cell" / "image.tif", data, compression="zlib", rowsperstrip=64)
    with FolderMount(tmp_path / "own") as mount:
        group = zarr.open_group(str(mount.shown / "cell" / "stack.ome.zarr"), mode="r")
        assert sorted(group.array_keys()) == ["0", "1", "2", "3"]
        level = data
        for _ in range(3):
            level = halved(level)
        assert_same(group["3"][0], level, "level 3")


def test_real_images(tmp_path):
    """32 sections that the Allen Institute published, with a skeleton of their own."""
    archive = harness.real_data() and harness.real_data() / "images" / "brightfield_crop_32_slices.tar.gz"
    if not archive or not archive.exists():
        pytest.skip("no real images beside the checkout")
    with tarfile.open(archive) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    unpacked, = (tmp_path / "unpacked").iterdir()
    cell = tmp_path / "own" / "crop"
    write_meta(cell, brute.ALLEN_SPACING)
    os.rename(unpacked, cell / "stack")
    files = sorted((cell / "stack").glob("*.tif"), key=lambda path: int(path.stem))
    truth = np.stack([tifffile.imread(path) for path in files])
    assert len(truth) == 32
    swc = neurons.awkward(5, truth.shape, brute.ALLEN_SPACING)
    (cell / "neuron.swc").write_text(swc)
    with FolderMount(tmp_path / "own") as mount:
        shown = mount.shown / "crop"
        assert_same(tifffile.imread(shown / "stack.tif"), truth, "stack.tif")
        assert_same(np.load(shown / "stack.npy", mmap_mode="r"), truth, "stack.npy")
        for index, path in enumerate(sorted((shown / "stack").iterdir())):
            assert_same(tifffile.imread(path), truth[index], path)
            assert_same(np.asarray(Image.open(path)), truth[index], path)
        assert_same(np.load(shown / "labels.npy"), brute.label_volume(swc, truth.shape), "labels.npy")
