"""The tree: names, sizes, numbers, links, attributes."""

import csv
import errno
import json
import os
import pathlib
import stat
import subprocess

import numpy as np
import pytest
import tifffile

from harness import Mount


def walk(path, skip=".ome.zarr"):
    """Every path below `path`, links not followed, but for what is in stores, which have thousands of directories."""
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            yield os.path.join(folder, name)
        folders[:] = [name for name in folders if not name.endswith(skip)]


def test_top(demo):
    names = set(os.listdir(demo.path))
    assert names == {"README.txt", "CITATION.txt", "cells.csv", "cells.json", "mouse", "human", "trainable", "by-name",
                     "by-structure", "by-layer", "by-line", "by-dendrite-type", "splits", ".neuronfs"}


def test_a_trainable_cell_has_everything(trainable):
    names = set(os.listdir(trainable))
    assert {"meta.json", "skeleton.swc", "ephys.nwb", "stack", "labels", "projections"} <= names
    assert sorted(os.listdir(trainable / "stack")) == sorted(os.listdir(trainable / "labels"))


def test_absent_is_enoent_not_empty(demo):
    catalogue = json.loads((demo / "cells.json").read_text())
    bare = [row for row in catalogue if not row["nrwkf__id"]]
    assert bare
    for row in bare[:3]:
        species = "mouse" if row["donor__species"] == "Mus musculus" else "human"
        folder = demo / species / str(row["specimen__id"])
        assert not (folder / "skeleton.swc").exists()
        assert not (folder / "labels").exists()
        assert "skeleton.swc" not in os.listdir(folder)
        if not row["si__path"]:
            assert not (folder / "stack").exists()


def test_sizes_are_true_before_a_byte_is_read(origin):
    with Mount(origin.url) as mount:
        folder = mount / "trainable" / "mouse"
        folder = folder / sorted(os.listdir(folder))[0]
        for name in ["meta.json", "skeleton.swc", "labels/0003.tif", "stack/0003.tif", "projections/min_xy.jpg",
                     "labels-instance.json", "labels-instance/0003.tif", "ephys.nwb"]:
            size = os.stat(folder / name).st_size
            assert size > 0, name
            assert len((folder / name).read_bytes()) == size, name


def test_inode_numbers_are_unique_and_stable(origin):
    def numbers(mount):
        return {os.path.relpath(path, mount.path): os.lstat(path).st_ino
                for path in walk(mount / "splits" / "val")} | {
            str(path.relative_to(mount.path)): path.lstat().st_ino
            for folder in [mount / "mouse"] for path in folder.iterdir()}
    with Mount(origin.url) as mount:
        first = numbers(mount)
    with Mount(origin.url) as mount:
        second = numbers(mount)
    assert first == second
    assert len(set(first.values())) == len(first)


def test_readdir_and_stat_agree(trainable):
    for entry in os.scandir(trainable):
        status = entry.stat(follow_symlinks=False)
        assert entry.inode() == status.st_ino
        assert entry.is_dir() == stat.S_ISDIR(status.st_mode)


def test_link_counts(demo, trainable):
    views = [demo / "trainable", trainable.parent, demo / "splits" / "train"]
    for folder in [demo.path, demo / "mouse", *views, trainable, trainable / "stack"]:
        children = [entry for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
        assert os.stat(folder).st_nlink == 2 + len(children), folder
    assert os.stat(trainable / "meta.json").st_nlink == 3
    assert os.stat(demo / "cells.csv").st_nlink == 1
    bare = next(cell for cell in (demo / "mouse").iterdir() if not (cell / "stack").exists())
    assert os.stat(bare / "meta.json").st_nlink == 1


def test_find_agrees_with_os_walk(trainable):
    """find(1) trusts link counts to skip stats: a wrong one hides directories."""
    folder = trainable
    found = subprocess.run(["find", folder, "-mindepth", "1", "-not", "-path", "*.ome.zarr*"], capture_output=True,
                           text=True, check=True).stdout.split("\n")[:-1]
    assert sorted(found) == sorted(path for path in walk(folder) if ".ome.zarr" not in path)


def test_read_only(trainable):
    for action in [lambda: open(trainable / "meta.json", "w"), lambda: (trainable / "x").mkdir(),
                   lambda: (trainable / "meta.json").unlink(), lambda: os.rename(trainable / "meta.json", trainable / "y")]:
        with pytest.raises(OSError) as caught:
            action()
        assert caught.value.errno == errno.EROFS


def test_statfs(demo):
    result = os.statvfs(demo.path)
    assert result.f_namemax == 255
    assert result.f_flag & os.ST_RDONLY
    # A monitor that divides would read "100 % used" out of blocks of which none is free.
    for option in ("-P", "-i"):
        line = subprocess.run(["df", option, demo.path], capture_output=True, text=True, check=True).stdout.splitlines()[1]
        assert line.split()[4] == "-", line


def test_extended_attributes(trainable):
    url = os.getxattr(trainable / "skeleton.swc", "user.neuronfs.url").decode()
    assert url.endswith("/api/v2/well_known_file_download/" + url.rsplit("/", 1)[1])
    data = (trainable / "skeleton.swc").read_bytes()
    assert int(os.getxattr(trainable / "skeleton.swc", "user.neuronfs.cached")) >= len(data)  # on disk, in whole pages
    assert os.getxattr(trainable / "skeleton.swc", "user.neuronfs.etag")
    assert "user.neuronfs.url" in os.listxattr(trainable / "skeleton.swc")
    with pytest.raises(OSError) as caught:
        os.getxattr(trainable / "meta.json", "user.none")
    assert caught.value.errno == errno.ENODATA


def test_links_lead_to_the_specimen(demo):
    catalogue = {row["specimen__id"]: row for row in json.loads((demo / "cells.json").read_text())}
    seen = 0
    for folder in ["by-name", "by-structure", "by-layer", "by-line", "by-dendrite-type"]:
        for path in walk(demo / folder):
            if os.path.islink(path):
                target = pathlib.Path(path).resolve()
                assert int(target.name) in catalogue
                assert (target / "meta.json").exists()
                seen += 1
    assert seen > 3 * len(catalogue)


def test_splits_cover_the_trainable_cells_and_part_no_donor(demo):
    catalogue = {row["specimen__id"]: row for row in json.loads((demo / "cells.json").read_text())}
    trainable = {int(name) for species in ["mouse", "human"] for name in os.listdir(demo / "trainable" / species)}
    parts = {name: {int(cell) for cell in os.listdir(demo / "splits" / name)} for name in ["train", "val", "test"]}
    assert sum(map(len, parts.values())) == len(trainable)
    assert set.union(*parts.values()) == trainable
    donors = [{catalogue[cell]["donor__id"] for cell in part} for part in parts.values()]
    assert not (donors[0] & donors[1] or donors[0] & donors[2] or donors[1] & donors[2])


def test_catalogue_tables_agree(demo):
    rows = list(csv.DictReader((demo / "cells.csv").read_text().splitlines()))
    cells = json.loads((demo / "cells.json").read_text())
    assert {int(row["specimen__id"]) for row in rows} == {cell["specimen__id"] for cell in cells}
    listed = {int(name) for species in ["mouse", "human"] for name in os.listdir(demo / species)}
    assert listed == {cell["specimen__id"] for cell in cells}


def test_meta(trainable):
    meta = json.loads((trainable / "meta.json").read_text())
    assert meta["specimen_id"] == int(trainable.name)
    depth, height, width = meta["stack"]["shape"]
    names = sorted(os.listdir(trainable / "stack"))
    assert len(names) == depth - len(meta["stack"]["missing_planes"])
    assert tifffile.imread(trainable / "stack" / names[0]).shape == (height, width)
    assert meta["stack"]["voxel_spacing_um"] == [0.28, 0.1144, 0.1144]
    matrix = np.array(meta["skeleton"]["to_voxel"]["matrix_um_to_voxel_xyz"])
    oy, ox = meta["stack"]["offset_in_full_frame_px"]
    assert np.allclose(matrix @ [ox * 0.1144, oy * 0.1144, 0, 1], [0, 0, 0])
    for key in ["specimen__name", "structure__acronym", "donor__id", "tag__dendrite_type"]:
        assert key in meta["catalogue"]


def test_a_missing_plane_is_missing_in_both_folders(demo):
    gaps = 0
    for species in ["mouse", "human"]:
        for cell in os.listdir(demo / "trainable" / species):
            folder = demo / species / cell
            meta = json.loads((folder / "meta.json").read_text())
            for index in meta["stack"]["missing_planes"]:
                gaps += 1
                assert not (folder / "stack" / f"{index:04}.tif").exists()
                assert not (folder / "labels" / f"{index:04}.tif").exists()
    assert gaps > 0


def test_modification_times_are_the_databases(trainable):
    assert os.stat(trainable / "labels" / "0000.tif").st_mtime == os.stat(trainable / "skeleton.swc").st_mtime


def test_names_that_cannot_be_cost_nothing(trainable):
    for name in [".git", "__init__.py", "stack/thumbs.db", "stack/00001.tif", "stack/1.tif", "labels/-001.tif",
                 "labels/9999.tif", "stack.ome.zarr/9", "stack.ome.zarr/0/00", "labels.ome.zarr/0/.zmetadata"]:
        assert not (trainable / name).exists(), name


def test_ls_long_recursive(trainable):
    result = subprocess.run(["ls", "-lR", trainable / "stack"], capture_output=True, text=True)
    assert result.returncode == 0
    assert result.stdout.count(".tif") == len(os.listdir(trainable / "stack"))
