"""trainable/ and splits/: real directories, whose files are hard links to those of mouse/ and human/."""

import collections
import ctypes
import filecmp
import mmap
import os
import pathlib
import stat
import subprocess
import tarfile

import numpy as np
import pytest

import neurons
from command_line import ok
from folder_pairs import SPACING, FolderMount, volume, write_pair
from harness import Mount
from test_prefetch import summary
from test_tree import walk

CELL = "900000112"
PLACES = [f"mouse/{CELL}", f"trainable/mouse/{CELL}", f"splits/train/{CELL}"]
# What is small of a cell: stacks and labels have gigabytes.
SMALL = ["--exclude=stack*", "--exclude=labels*"]
PAGE = mmap.PAGESIZE


def trainable_cells(mount):
    return [f"{species}/{cell}" for species in ("mouse", "human") for cell in os.listdir(mount / "trainable" / species)]


def test_every_way_to_search_finds_every_cell(demo):
    cells = trainable_cells(demo)
    expected = sorted(f"{demo.path}/trainable/{cell}/stack.tif" for cell in cells)
    found = subprocess.run(["find", demo / "trainable", "-name", "stack.tif"], capture_output=True, text=True, check=True)
    assert sorted(found.stdout.splitlines()) == expected
    for folder in (demo / "trainable" / "human", demo / "splits" / "val"):
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("skeleton.swc"))
        assert names == sorted(f"{cell}/skeleton.swc" for cell in os.listdir(folder)) and names
    for top in ("trainable", "splits"):
        assert sum(path.endswith("/labels/0000.tif") for path in walk(demo / top)) == len(cells)


def node_table(text):
    """Number, type, x, y, z, radius and parent of each node of an SWC file."""
    return np.loadtxt(text.splitlines(), dtype=np.float32, ndmin=2)


def test_navis_reads_all_skeletons_of_a_view(origin, tmp_path):
    """Of the database, and of a folder beside it."""
    # Here, because every worker of pytest loads all files, and navis takes seconds.
    import navis

    shape = (3, 200, 300)
    for seed in range(3):
        write_pair(tmp_path / "own" / f"cell {seed}", volume(shape), neurons.awkward(seed, shape, SPACING))
    with FolderMount(tmp_path / "own", endpoint=origin.url, options=["--source", "allen"]) as mount:
        parts = [path for part in ("train", "val", "test") for path in (mount / "splits" / part).glob("own-*")]
        folders = [mount / "trainable" / "own", *parts, mount / "trainable" / "human", mount / "splits" / "val"]
        assert len(parts) == 3
        for folder in folders:
            places = sorted(folder.rglob("skeleton.swc"))
            found = {neuron.origin: neuron for neuron in navis.read_swc(folder, include_subdirs=True, parallel=False)}
            assert places and sorted(found) == [str(path) for path in places]
            for path in places:
                nodes = found[str(path)].nodes[["node_id", "label", "x", "y", "z", "radius", "parent_id"]]
                wanted = node_table(path.read_text())
                assert len(wanted) > 20 and np.array_equal(nodes.to_numpy(np.float32), wanted), path


def test_a_file_has_one_number_under_all_its_names_and_a_directory_one_at_each_place(demo):
    own, *views = [
        {os.path.relpath(path, demo / place): os.stat(path) for path in walk(demo / place, skip="stack.ome.zarr")}
        for place in PLACES]
    assert own["stack/0001.tif"] and own["labels.ome.zarr/0"]
    for view in views:
        assert view.keys() == own.keys()
        for name, status in view.items():
            if stat.S_ISDIR(status.st_mode):
                assert status.st_ino != own[name].st_ino and status.st_nlink == own[name].st_nlink, name
            else:
                # A chunk of labels, and most of their metadata, stand in stack.ome.zarr/labels/ too.
                names = 6 if name.startswith("labels.ome.zarr/") and os.path.basename(name) not in (".zattrs", ".zmetadata") else 3
                assert (status.st_ino, status.st_nlink) == (own[name].st_ino, names), name
                assert status.st_size == own[name].st_size and status.st_mtime == own[name].st_mtime, name


def test_names_that_share_a_number_are_the_names_that_the_link_count_counts(demo):
    names = collections.defaultdict(list)
    for path in walk(demo.path):
        names[os.lstat(path).st_ino].append(path)
    for paths in names.values():
        status = os.lstat(paths[0])
        assert len(paths) == (status.st_nlink if stat.S_ISREG(status.st_mode) else 1), paths
    assert {len(paths) for paths in names.values()} == {1, 3}


def is_resident(path, offset):
    """Whether the page cache has the page of `path` at `offset`, without reading it."""
    count = min(PAGE, os.path.getsize(path) - offset)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), count, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE,
                                             offset=offset) as pages:
        answer = (ctypes.c_ubyte * 1)()
        start = ctypes.c_byte.from_buffer(pages)
        result = ctypes.CDLL(None, use_errno=True).mincore(ctypes.c_void_p(ctypes.addressof(start)), count, answer)
        del start
        assert result == 0, os.strerror(ctypes.get_errno())
        return bool(answer[0] & 1)


def test_what_is_read_under_one_name_is_in_the_page_cache_under_the_others(origin):
    with Mount(origin.url, options=["--read-ahead", "0"]) as mount:
        for number, place in enumerate(PLACES):
            path, offset = mount / place / "stack" / f"000{number}.tif", 64 * PAGE
            others = [mount / other / "stack" / path.name for other in PLACES]
            assert not any(is_resident(other, offset) for other in others)
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
            data = os.pread(descriptor, PAGE, offset)
            os.close(descriptor)
            assert all(is_resident(other, offset) for other in others), place
            assert not any(is_resident(other, offset + 512 * PAGE) for other in others)
            assert all((mount / other / "stack" / path.name).read_bytes()[offset:offset + PAGE] == data for other in PLACES)


def assert_copied(mount, copy, places):
    """Whether `copy` has the small files of the cells at `places`, byte for byte."""
    for place in places:
        names = {os.path.relpath(path, mount / place) for path in walk(mount / place)}
        names = {name for name in names if not name.startswith(("stack", "labels"))}
        assert {os.path.relpath(path, copy / place) for path in walk(copy / place)} == names
        for name in names:
            assert (copy / place / name).is_dir() or filecmp.cmp(mount / place / name, copy / place / name, shallow=False)
            assert not (copy / place / name).is_symlink()


def views(mount):
    cells = [f"trainable/{cell}" for cell in trainable_cells(mount)]
    return cells + [f"splits/{part}/{cell}" for part in ("train", "val", "test") for cell in os.listdir(mount / "splits" / part)]


@pytest.mark.parametrize("options", [["-a"], ["-aH"]], ids=["rsync -a", "rsync -aH"])
def test_rsync_copies_views_and_keeps_hard_links_where_it_is_asked_to(demo, tmp_path, options):
    subprocess.run(["rsync", *options, *SMALL, demo / "trainable", demo / "splits", tmp_path], check=True)
    assert_copied(demo, tmp_path, views(demo))
    one, other = [os.stat(tmp_path / place / "skeleton.swc") for place in PLACES[1:]]
    assert (one.st_ino == other.st_ino) == (options == ["-aH"])


def test_tar_stores_the_second_name_of_a_file_as_a_hard_link(demo, tmp_path):
    archive = tmp_path / "views.tar"
    subprocess.run(["tar", "-C", demo.path, "-cf", archive, *SMALL, "trainable", "splits"], check=True)
    with tarfile.open(archive) as tar:
        member = tar.getmember(f"{PLACES[2]}/skeleton.swc")
        assert member.islnk() and member.linkname == f"{PLACES[1]}/skeleton.swc"
        assert not any(member.issym() for member in tar)
    subprocess.run(["tar", "-C", tmp_path, "-xf", archive], check=True)
    assert_copied(demo, tmp_path, views(demo))


def test_cp_copies_the_directories_of_a_view(demo, tmp_path):
    for name in ("projections", "labels.ome.zarr"):
        subprocess.run(["cp", "-r", demo / PLACES[2] / name, tmp_path], check=True)
        result = subprocess.run(["diff", "-r", demo / PLACES[0] / name, tmp_path / name], capture_output=True, text=True)
        assert (result.returncode, result.stdout) == (0, ""), result.stderr
        assert sum(path.is_file() for path in (tmp_path / name).rglob("*")) > 3


def test_a_copy_of_links_needs_a_flag_that_follows_them(demo, tmp_path):
    """What README.txt, README and TROUBLESHOOTING say of by-*/."""
    group = next(path for path in sorted((demo / "by-layer").iterdir()) if (path / CELL).exists())
    found = {flag: subprocess.run(["find", *flag, group / CELL, "-maxdepth", "1", "-name", "skeleton.swc"],
                                  capture_output=True, text=True, check=True).stdout for flag in ((), ("-L",))}
    assert found[()] == "" and found[("-L",)].splitlines() == [str(group / CELL / "skeleton.swc")]
    subprocess.run(["rsync", "-a", "-L", *SMALL, group / CELL, tmp_path], check=True)
    assert filecmp.cmp(tmp_path / CELL / "skeleton.swc", demo / PLACES[0] / "skeleton.swc", shallow=False)


def test_a_working_directory_in_a_view_knows_its_path(demo):
    for place in PLACES:
        folder = demo / place / "stack"
        answer = subprocess.run(["sh", "-c", "pwd -P; cd ..; pwd -P; cd ../..; pwd -P"], cwd=folder, capture_output=True,
                                text=True, check=True).stdout.splitlines()
        assert [pathlib.Path(path) for path in answer] == [folder, folder.parent, folder.parents[2]]
        assert folder.resolve() == folder


def test_prefetch_takes_the_paths_of_views_and_reads_a_file_once(origin):
    with Mount(origin.url, options=["--read-ahead", "0"]) as mount:
        projections = [mount / place / "projections" for place in PLACES]
        plane = [mount / place / "stack" / "0001.tif" for place in PLACES]
        done, total, network = summary(ok("prefetch", *projections, *plane))
        assert done == total == len(os.listdir(projections[0])) + 1 and network != "0 B"
        labels = [mount / place / "labels" / "0001.tif" for place in PLACES]
        done, total, _ = summary(ok("prefetch", *labels))
        sources = [name for name in ("skeleton.swc", "skeleton.marker") if (mount / PLACES[0] / name).exists()]
        assert done == total == 1 + len(sources)
