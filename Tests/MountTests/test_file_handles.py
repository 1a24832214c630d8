"""File handles, as NFS servers use them: name_to_handle_at(2) and open_by_handle_at(2).

Every number of the stand-in is computed, and every number of a folder's cells is hashed.
"""

import ctypes
import errno
import os
import pathlib
import struct

import pytest

from folder_pairs import ONE_NODE, FolderMount, volume, write_pair
from harness import Mount, wait_until
from test_views import is_resident

CELL = "900000112"
LIBC = ctypes.CDLL(None, use_errno=True)
# FILEID_INO64_GEN of fuse: the inode number as two 32-bit words, the high one first, then the generation.
FORM = "=III"
AT_FDCWD = -100

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root opens by a handle and drops the kernel's caches")


class Handle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]


def handle_of(path):
    handle, mount_id = Handle(bytes=128), ctypes.c_int()
    if LIBC.name_to_handle_at(AT_FDCWD, os.fsencode(path), ctypes.byref(handle), ctypes.byref(mount_id), 0) != 0:
        raise OSError(ctypes.get_errno(), f"name_to_handle_at {path}")
    return handle


def number_in(handle, number):
    """Puts another inode number into a handle."""
    handle.data[:12] = struct.pack(FORM, number >> 32, number & 0xFFFFFFFF, 0)
    return handle


def look(mount, handle, flags=os.O_RDONLY):
    """What a handle leads to: its number, and the names or the first bytes there. Or the name of the errno."""
    place = os.open(mount.path, os.O_RDONLY)
    try:
        descriptor = LIBC.open_by_handle_at(place, ctypes.byref(handle), flags)
        if descriptor < 0:
            return errno.errorcode[ctypes.get_errno()]
    finally:
        os.close(place)
    try:
        number = os.fstat(descriptor).st_ino
        if flags & os.O_PATH:
            return number, os.readlink("", dir_fd=descriptor)
        if flags & os.O_DIRECTORY:
            return number, sorted(os.listdir(descriptor)), os.readlink(f"/proc/self/fd/{descriptor}")
        return number, os.pread(descriptor, 4096, 0)
    finally:
        os.close(descriptor)


def flags_of(path):
    return os.O_PATH | os.O_NOFOLLOW if path.is_symlink() else os.O_DIRECTORY if path.is_dir() else os.O_RDONLY


def forget(mount):
    """Lets the kernel forget every inode of the mount. The pages of a file go with its inode, and so tell when."""
    witness = mount / "cells.csv"
    witness.read_bytes()
    assert is_resident(witness, 0)

    def is_forgotten():
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("2\n")
        return not is_resident(witness, 0)
    wait_until(is_forgotten, what="the kernel to forget its inodes")


def computed(mount):
    """Paths whose inode numbers are computed, of every kind."""
    layer = next(f"by-layer/{name}" for name in sorted(os.listdir(mount / "by-layer")) if (mount / "by-layer" / name / CELL).exists())
    cell = f"mouse/{CELL}"
    return ["README.txt", "mouse", cell, f"{cell}/meta.json", f"{cell}/skeleton.swc", f"{cell}/stack", f"{cell}/stack.tif",
            f"{cell}/stack/0001.tif", f"{cell}/labels/0040.tif", f"{cell}/projections", f"{cell}/projections/min_xy.jpg",
            f"{cell}/stack.ome.zarr", f"{cell}/stack.ome.zarr/.zattrs", f"{cell}/stack.ome.zarr/0/1/0",
            f"{cell}/stack.ome.zarr/0/1/0/1", f"{cell}/labels.ome.zarr/1",
            f"{cell}/stack.ome.zarr/labels", f"{cell}/stack.ome.zarr/labels/.zattrs",
            f"{cell}/stack.ome.zarr/labels/classes/0", f"{cell}/stack.ome.zarr/labels/classes/.zmetadata",
            "trainable", "trainable/mouse", "splits/train",
            f"trainable/mouse/{CELL}", f"trainable/mouse/{CELL}/stack", f"trainable/mouse/{CELL}/stack/0002.tif",
            f"splits/train/{CELL}/skeleton.swc", f"splits/train/{CELL}/labels.ome.zarr/1",
            f"splits/train/{CELL}/stack.ome.zarr/labels/classes/1", "by-layer", layer,
            f"{layer}/{CELL}", ".neuronfs", ".neuronfs/config.json"]


def test_a_handle_of_a_computed_number_outlives_the_kernels_caches_and_the_mount(origin, tmp_path):
    with Mount(origin.url, cache=tmp_path / "cache") as mount:
        names = computed(mount)
        flags = {name: flags_of(mount / name) for name in names}
        handles = {name: handle_of(mount / name) for name in names}
        before = {name: look(mount, handles[name], flags[name]) for name in names}
        for name, seen in before.items():
            assert seen[0] == os.lstat(mount / name).st_ino
            if flags[name] == os.O_DIRECTORY:
                assert seen[1:] == (sorted(os.listdir(mount / name)), str(mount / name))
        forget(mount)
        # In reverse, so that what is deep is found while nothing above it is known.
        for name in reversed(names):
            assert look(mount, handles[name], flags[name]) == before[name], name
        assert handle_of(mount / names[2]).data[:12] == handles[names[2]].data[:12]
    with Mount(origin.url, cache=tmp_path / "cache") as other:
        for name in reversed(names):
            number, content, *path = look(other, handles[name], flags[name])
            assert number == before[name][0] and path in ([], [str(other / name)]), name
            # The options name the mount point.
            assert content == before[name][1] or name == ".neuronfs/config.json", name


def test_a_handle_of_a_hashed_number_is_stale_until_its_path_is_looked_up_again(tmp_path):
    """While the kernel knows the inode it opens the same file; a new mount gives the path the same number."""
    write_pair(tmp_path / "own" / "cell", volume((3, 60, 80)), ONE_NODE)
    cell, view = "own/cell", "trainable/own/cell"
    names = ["own", cell, f"{cell}/meta.json", f"{cell}/skeleton.swc", f"{cell}/stack", f"{cell}/stack/0001.tif",
             f"{cell}/stack.npy", f"{cell}/labels/0002.tif", f"{cell}/stack.ome.zarr/0/1/0/0", "trainable/own", view,
             f"{view}/labels"]
    with FolderMount(tmp_path / "own", cache=tmp_path / "cache") as mount:
        flags = {name: flags_of(mount / name) for name in names}
        handles = {name: handle_of(mount / name) for name in names}
        before = {name: look(mount, handles[name], flags[name]) for name in names}
        for name, seen in before.items():
            assert seen[0] == os.stat(mount / name).st_ino and seen[0] >> 62 == 1, name
        forget(mount)
        assert {name: look(mount, handles[name], flags[name]) for name in names} == dict.fromkeys(names, "ESTALE")
        for name in names:
            os.stat(mount / name)
            assert look(mount, handles[name], flags[name]) == before[name], name
    with FolderMount(tmp_path / "own", cache=tmp_path / "cache") as other:
        assert {name: look(other, handles[name], flags[name]) for name in names} == dict.fromkeys(names, "ESTALE")
        for name in names:
            os.stat(other / name)
            number, content, *_ = look(other, handles[name], flags[name])
            assert number == before[name][0] and content == before[name][1], name


def test_a_handle_that_means_nothing_is_stale(demo):
    cell = os.stat(demo / "mouse" / CELL).st_ino
    plane = os.stat(demo / "mouse" / CELL / "stack" / "0001.tif").st_ino
    handle = handle_of(demo / "mouse" / CELL)
    view = os.stat(demo / "splits" / "train" / CELL).st_ino
    for number in (2, cell + 1, cell + (1 << 24), plane + 9_000, view + (8 << 56), view + (7 << 56), 1 << 62, (1 << 63) + 1):
        assert look(demo, number_in(handle, number)) == "ESTALE", number
    assert look(demo, number_in(handle, plane))[0] == plane
