"""A folder that changes while it is mounted: new bytes show within seconds, and no handle mixes two versions."""

import csv
import io
import os
import shutil
import threading
import time

import numpy as np
import pytest
import tifffile

import brute
import harness
import neurons
from expected import meta
from folder_pairs import (
    ONE_NODE, SOON, SPACING, FolderMount, assert_same, by_tifffile, opened, replace, volume, write_meta, write_pair)
from harness import wait_until
from reliability import outcome

PAGE = 4096
SHAPE = (3, 500, 900)
NAMES = ["stack.tif", "stack.npy", "stack/0001.tif", "stack.ome.zarr/0/1/0/0"]


def whole(path):
    """The bytes of a file, or the name of the errno."""
    got, code = outcome(path.read_bytes)
    return code or got


def data_start(path):
    """Where the voxels begin: before them a TIFF names its cell."""
    if path.suffix != ".tif":
        return 0
    with tifffile.TiffFile(path) as tiff:
        return tiff.pages[0].dataoffsets[0]


def rewrite(path, write):
    """Writes other bytes into the file that has the name."""
    fresh = path.with_name(f".new{path.suffix}")
    write(fresh)
    data = fresh.read_bytes()
    fresh.unlink()
    with open(path, "r+b") as file:
        file.write(data)
        file.truncate()


def write_stack(cell, data, form, how):
    """The images of a cell as one file, or as a file for each plane; `how` puts a file under its name."""
    if form == "pages":
        how(cell / "image.tif", lambda path: by_tifffile(path, data))
        return
    (cell / "stack").mkdir(exist_ok=True)
    for index, plane in enumerate(data):
        how(cell / "stack" / f"{index}.tif", lambda path: by_tifffile(path, plane))


@pytest.mark.parametrize("how", [replace, rewrite])
@pytest.mark.parametrize("form", ["pages", "planes"])
def test_images_that_change(tmp_path, form, how):
    """A handle goes on with the old bytes or gets ESTALE; a new open gives the new ones."""
    data = {"cell": volume(SHAPE, seed=1), "old": volume(SHAPE, seed=1), "new": volume(SHAPE, seed=2)}
    for name, pixels in data.items():
        write_meta(tmp_path / "own" / name)
        write_stack(tmp_path / "own" / name, pixels, form, replace)
    with FolderMount(tmp_path / "own", options=["--read-ahead", "0"]) as mount:
        cell = mount.shown / "cell"
        old, new = ({name: (mount.shown / which / name).read_bytes() for name in NAMES} for which in ("old", "new"))
        starts = {name: data_start(cell / name) for name in NAMES}
        assert starts == {name: data_start(mount.shown / "new" / name) for name in NAMES}
        for name in NAMES:
            old[name], new[name] = old[name][starts[name]:], new[name][starts[name]:]
            assert old[name] != new[name] and len(old[name]) == len(new[name]) > 100_000
        with opened(*(cell / name for name in NAMES)) as handles:
            for name, handle in zip(NAMES, handles):
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_RANDOM)
                assert os.pread(handle, PAGE, starts[name]) == old[name][:PAGE]
            write_stack(tmp_path / "own" / "cell", data["new"], form, how)
            stale = 0
            for name, handle in zip(NAMES, handles):
                for start in range(0, len(old[name]), 8 * PAGE):
                    got, code = outcome(lambda: os.pread(handle, PAGE, starts[name] + start))
                    assert code == "ESTALE" or got == old[name][start:start + PAGE], (name, start)
                    stale += code == "ESTALE"
            assert stale > 0
        end = time.monotonic() + SOON * harness.PATIENCE
        waiting = set(NAMES)
        while waiting:
            assert time.monotonic() < end, f"{waiting} still have the old pixels"
            for name in sorted(waiting):
                got = whole(cell / name)
                got = got if got == "ESTALE" else got[starts[name]:]
                assert got in (old[name], new[name], "ESTALE"), f"{name} mixes two versions"
                waiting -= {name} if got == new[name] else set()
        assert_same(tifffile.imread(cell / "stack.tif"), data["new"], "stack.tif")


def test_readers_of_a_file_that_is_replaced_again_and_again(tmp_path):
    """Each version has one value in all its voxels: a reader that sees two has a mix."""
    def write(value):
        replace(tmp_path / "own" / "cell" / "image.tif", lambda path: by_tifffile(
            path, np.full(SHAPE, value, np.uint8), compression="zlib"))

    write_meta(tmp_path / "own" / "cell")
    write(0)
    seen, faults = [], []
    done = threading.Event()
    with FolderMount(tmp_path / "own") as mount:
        def read(name):
            last = 0
            while not done.is_set():
                data, code = outcome((mount.shown / "cell" / name).read_bytes)
                if code == "ESTALE":
                    continue
                values = np.unique(pixels_of(data)) if code is None else None
                if values is None or len(values) != 1 or values[0] < last:
                    faults.append((name, code, values, last))
                    return
                last = values[0]
                seen.append(int(last))

        def pixels_of(data):
            return np.load(io.BytesIO(data)) if data.startswith(b"\x93NUMPY") else tifffile.imread(io.BytesIO(data))

        readers = [threading.Thread(target=read, args=[name]) for name in ("stack.npy", "stack.tif", "stack/0002.tif")]
        for reader in readers:
            reader.start()
        for value in range(1, 21):
            time.sleep(0.15)
            write(value)
        wait_until(lambda: seen and max(seen) == 20 or faults, SOON, "the last version")
        done.set()
        for reader in readers:
            reader.join(60 * harness.PATIENCE)
            assert not reader.is_alive()
        assert not faults and len(set(seen)) > 3


def test_images_of_another_shape_and_type(tmp_path):
    write_pair(tmp_path / "own" / "cell", volume(SHAPE), ONE_NODE)
    image = tmp_path / "own" / "cell" / "image.tif"
    with FolderMount(tmp_path / "own") as mount:
        cell = mount.shown / "cell"
        assert np.load(cell / "stack.npy").shape == np.load(cell / "labels.npy").shape == SHAPE
        data = volume((5, 40, 60), np.uint16)
        replace(image, lambda path: by_tifffile(path, data))

        def is_new():
            got = whole(cell / "stack.npy")
            return got != "ESTALE" and np.array_equal(np.load(io.BytesIO(got)), data)
        wait_until(is_new, SOON, "the new shape")
        assert meta(cell)["stack"]["shape"] == list(data.shape) and meta(cell)["stack"]["dtype"] == "uint16"
        assert len(os.listdir(cell / "labels")) == len(os.listdir(cell / "stack")) == len(data)
        assert_same(tifffile.imread(cell / "stack.tif"), data, "stack.tif")
        assert np.load(cell / "labels.npy").shape == data.shape


@pytest.mark.parametrize("how", [replace, rewrite])
def test_a_skeleton_that_changes(tmp_path, how):
    """The labels, whether anyone had them open or not."""
    size = [side * step for side, step in zip(SHAPE[::-1], SPACING[::-1])]
    old, new = (neurons.grown(seed, size) for seed in (1, 2))
    write_pair(tmp_path / "own" / "cell", volume(SHAPE), old)
    with FolderMount(tmp_path / "own", options=["--read-ahead", "0"]) as mount:
        cell = mount.shown / "cell"
        labels = [brute.label_volume(swc, SHAPE, SPACING) for swc in (old, new)]
        start = os.stat(cell / "labels.npy").st_size - labels[0].size
        with opened(cell / "labels.npy", cell / "skeleton.swc") as (handle, skeleton):
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_RANDOM)
            assert os.pread(handle, 100, 0)[:6] == b"\x93NUMPY"
            how(tmp_path / "own" / "cell" / "neuron.swc", lambda path: path.write_text(new))
            got, code = outcome(lambda: os.pread(handle, labels[0].size, start))
            assert code == "ESTALE" or got in (b"", labels[0].tobytes()[:len(got)])
            got, code = outcome(lambda: os.pread(skeleton, len(old), 0))
            assert code == "ESTALE" or got == old.encode()
        wait_until(lambda: whole(cell / "skeleton.swc") == new.encode(), SOON, "the skeleton")
        assert_same(np.load(cell / "labels.npy"), labels[1], "labels.npy")
        for index in range(SHAPE[0]):
            assert_same(tifffile.imread(cell / "labels" / f"{index:04}.tif"), labels[1][index], index)
        # Nothing of the images has changed.
        assert_same(np.load(cell / "stack.npy"), volume(SHAPE), "stack.npy")


def test_pairs_that_come_and_go(tmp_path):
    """In the folder, in the views and in cells.csv; also a skeleton, an image or a plane alone."""
    own = tmp_path / "own"
    write_pair(own / "first", volume(SHAPE), ONE_NODE)
    with FolderMount(own) as mount:
        def names(*parts):
            return set(os.listdir(mount.path.joinpath(*parts)))

        def in_splits():
            return set().union(*(names("splits", part) for part in ("train", "val", "test")))

        assert names("own") == {"first"} and in_splits() == {"own-first"}
        write_pair(own / ".second", volume(SHAPE, seed=3), ONE_NODE)
        os.rename(own / ".second", own / "second")
        (own / "third.swc").write_text(ONE_NODE)
        write_pair(own / ".fourth", volume((1, 9, 9)))
        os.rename(own / ".fourth", own / "fourth")
        wait_until(lambda: names("own") == {"first", "second", "third", "fourth"}, SOON, "the new pairs")
        assert names("trainable", "own") == {"first", "second"} and in_splits() == {"own-first", "own-second"}
        assert_same(np.load(mount.shown / "second" / "stack.npy"), volume(SHAPE, seed=3), "second")
        rows = list(csv.DictReader((mount / "cells.csv").read_text().splitlines()))
        assert {row["specimen__name"] for row in rows} == {"first", "second", "third", "fourth"}
        assert not (mount.shown / "fourth" / "labels").exists()
        (own / "fourth" / "neuron.swc").write_text(ONE_NODE)
        (own / "first" / "neuron.swc").unlink()
        shutil.rmtree(own / "second")
        wait_until(lambda: names("trainable", "own") == {"fourth"}, SOON, "the pairs that are gone")
        assert names("own") == {"first", "third", "fourth"} and in_splits() == {"own-fourth"}
        assert (np.load(mount.shown / "fourth" / "labels.npy") == 1).any()
        assert not (mount.shown / "second").exists() and not (mount.shown / "first" / "labels").exists()
        assert not (mount.shown / "first" / "skeleton.swc").exists()


def test_a_spacing_that_changes(tmp_path):
    swc = neurons.grown(1, [side * step for side, step in zip(SHAPE[::-1], SPACING[::-1])])
    write_pair(tmp_path / "own" / "cell", volume(SHAPE), swc)
    with FolderMount(tmp_path / "own") as mount:
        cell = mount.shown / "cell"
        assert_same(np.load(cell / "labels.npy"), brute.label_volume(swc, SHAPE, SPACING), "labels.npy")
        (tmp_path / "own" / "cell" / "meta.json").write_text('{"stack": {"voxel_spacing_um": [1, 1, 0.5]}}')
        wait_until(lambda: meta(cell)["stack"]["voxel_spacing_um"] == [1, 1, 0.5], SOON, "the spacing")
        assert_same(np.load(cell / "labels.npy"), brute.label_volume(swc, SHAPE, (1, 1, 0.5)), "labels.npy")


def test_a_plane_that_comes_and_goes(tmp_path):
    """A missing plane is a gap, black in the volume, and 255 in its labels; it shows when its file comes."""
    data = volume((4, 60, 80))
    write_meta(tmp_path / "own" / "cell")
    (tmp_path / "own" / "cell" / "neuron.swc").write_text(ONE_NODE)
    stack = tmp_path / "own" / "cell" / "stack"
    stack.mkdir()
    for index in (0, 1, 3):
        by_tifffile(stack / f"z{index}.tif", data[index])
    with FolderMount(tmp_path / "own") as mount:
        cell = mount.shown / "cell"
        assert sorted(os.listdir(cell / "stack")) == sorted(os.listdir(cell / "labels")) == [
            "0000.tif", "0001.tif", "0003.tif"]
        assert meta(cell)["stack"]["missing_planes"] == [2]
        assert not np.load(cell / "stack.npy")[2].any() and (np.load(cell / "labels.npy")[2] == 255).all()
        by_tifffile(stack / ".z2", data[2])
        os.rename(stack / ".z2", stack / "z2.tif")
        (stack / "z1.tif").unlink()
        wait_until(lambda: sorted(os.listdir(cell / "stack")) == ["0000.tif", "0002.tif", "0003.tif"], SOON, "the names")
        data[1] = 0
        assert_same(np.load(cell / "stack.npy"), data, "stack.npy")
        unknown = (np.load(cell / "labels.npy") == 255).all((1, 2))
        assert unknown.tolist() == [False, True, False, False] and meta(cell)["stack"]["missing_planes"] == [1]


def test_a_folder_that_is_unplugged(tmp_path):
    """Its list stays, its files give ENETDOWN, and all is well when it is back."""
    write_pair(tmp_path / "own" / "cell", volume(SHAPE), ONE_NODE)
    with FolderMount(tmp_path / "own") as mount:
        cell = mount.shown / "cell"
        assert_same(np.load(cell / "stack.npy"), volume(SHAPE), "stack.npy")
        os.rename(tmp_path / "own", tmp_path / "away")
        wait_until(lambda: whole(cell / "skeleton.swc") == "ENETDOWN", SOON, "the outage")
        assert os.listdir(mount.shown) == ["cell"]
        assert sum("the folder is out of reach" in line for line in mount.log_text().splitlines()) == 1
        os.rename(tmp_path / "away", tmp_path / "own")
        wait_until(lambda: whole(cell / "skeleton.swc") == ONE_NODE.encode(), SOON, "the folder")
        assert_same(np.load(cell / "stack.npy"), volume(SHAPE), "stack.npy")
        wait_until(lambda: "the folder is back" in mount.log_text(), SOON, "the line in the log")
