"""Cells of a folder through a real mount: labels by brute force, where their spacing is from, names, and the catalogue."""

import csv
import json
import os
import stat
import subprocess

import numpy as np
import pytest
import tifffile
import zarr

import brute
import neurons
from expected import meta, plane_name
from folder_pairs import ONE_NODE, SPACING, FolderMount, assert_same, by_tifffile, volume, write_meta, write_pair
from harness import Mount, binary

SHAPE = (6, 140, 230)
VARIANTS = ["", "-classes3", "-binary", "-instance", "-centerline", "-distance", "-nodes", "-ignore"]


def converted(swc, units):
    """The skeleton with its numbers in other units than um."""
    factors = {"um": (1, 1, 1, 1), "nm": (1000,) * 4, "px": (1 / SPACING[2], 1 / SPACING[1], 1 / SPACING[0], 1 / SPACING[2])}
    lines = []
    for line in swc.splitlines()[1:]:
        number, kind, *place, parent = line.split()
        place = [f"{float(value) * factor:.6f}" for value, factor in zip(place, factors[units])]
        lines.append(" ".join([number, kind, *place, parent]))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def skeletons(tmp_path_factory):
    """A mount of one skeleton in each unit; of one with a marker file; and of one whose image is a part of its frame."""
    folder = tmp_path_factory.mktemp("source") / "own"
    swc = neurons.awkward(3, SHAPE, SPACING)
    texts = {units: converted(swc, units) for units in ("um", "px", "nm")}
    for units, text in texts.items():
        write_pair(folder / units, volume(SHAPE, np.uint16), text, skeleton_units=units)
    texts["unsaid"] = texts["um"]
    write_pair(folder / "unsaid", volume(SHAPE), texts["um"])
    (folder / "unsaid" / "cut.marker").write_text("##x,y,z,radius,shape,name,comment\n15,12,1.5,0,1,10,\n")
    offset = {"stack": {"voxel_spacing_um": SPACING, "offset_in_full_frame_px": [17, 5]}}
    texts["moved"] = neurons.awkward(4, SHAPE, SPACING, (0, 17, 5))
    write_pair(folder / "moved", volume(SHAPE), texts["moved"], None, **offset)
    with FolderMount(folder) as mount:
        yield mount.shown, texts, folder


@pytest.mark.parametrize("name", ["um", "px", "nm", "unsaid", "moved"])
def test_labels_are_those_of_brute_force(skeletons, name):
    """In volumes, in planes, and on every level of labels.ome.zarr; x spacing and y spacing differ."""
    shown, texts, _ = skeletons
    cell, units, swc = shown / name, name if name in ("px", "nm") else "um", texts[name].encode()
    origin = (0, 17, 5) if name == "moved" else (0, 0, 0)
    truth = brute.label_volume(swc, SHAPE, SPACING, origin, units=units)
    assert 1000 < np.count_nonzero(truth) < truth.size and len(np.unique(truth)) > 4
    assert_same(np.load(cell / "labels.npy", mmap_mode="r"), truth, "labels.npy")
    assert_same(tifffile.memmap(cell / "labels.tif", mode="r"), truth, "labels.tif")
    for index in range(SHAPE[0]):
        assert_same(tifffile.imread(cell / "labels" / plane_name(index)), truth[index], f"plane {index}")
    group = zarr.open_group(str(cell / "labels.ome.zarr"), mode="r")
    for level in sorted(group.array_keys()):
        shape, spacing, start = brute.level_geometry(SHAPE, SPACING, origin, int(level))
        wanted = brute.label_volume(swc, shape, spacing, start, units=units, pixel=SPACING)
        assert_same(group[level][:], wanted, f"level {level}")


def test_variants_are_those_of_brute_force(skeletons):
    shown, texts, _ = skeletons
    cell, swc = shown / "unsaid", texts["unsaid"].encode()
    assert (cell / "skeleton.swc").read_bytes() == swc
    marker = (cell / "skeleton.marker").read_bytes()
    for variant in ("classes3", "binary", "instance", "ignore"):
        markers = brute.parse_markers(marker, SPACING)
        truth = brute.label_volume(swc, SHAPE, SPACING, variant=variant, markers=markers)
        assert_same(stacked(cell / f"labels-{variant}"), truth, variant)
    assert_same(stacked(cell / "labels-centerline"), brute.centerline_volume(swc, SHAPE, SPACING), "centerline")
    # A distance that is a whole number of steps may round to either side.
    field = brute.distance_field(swc, SHAPE, SPACING)
    found, steps = stacked(cell / "labels-distance").astype(int), brute.distance_steps(field)
    wrong = np.abs(found - brute.distance_codes(field).astype(int))
    assert wrong.max() <= 1 and np.abs(steps - np.round(steps))[wrong > 0].max(initial=0) < 1e-6
    assert np.abs(stacked(cell / "labels-nodes") - brute.node_peaks(swc, SHAPE, SPACING)).max() < 0.501


def stacked(folder):
    return np.stack([tifffile.imread(folder / name) for name in sorted(os.listdir(folder))])


@pytest.mark.parametrize("name", ["um", "moved"])
def test_image_and_labels_agree_in_names_shape_and_place(skeletons, name):
    """The image of "um" has 16 bits, its labels have 8."""
    cell = skeletons[0] / name
    names = sorted(os.listdir(cell / "stack"))
    assert sorted(path.name for path in cell.iterdir() if path.name.startswith("labels") and path.is_dir()) == sorted(
        [f"labels{variant}" for variant in VARIANTS] + ["labels.ome.zarr"])
    assert not (cell / "projections").exists()
    for variant in VARIANTS:
        assert sorted(os.listdir(cell / f"labels{variant}")) == names
        with tifffile.TiffFile(cell / "stack" / names[2]) as image, \
                tifffile.TiffFile(cell / f"labels{variant}" / names[2]) as label:
            one, other = image.pages[0], label.pages[0]
            assert one.shape == other.shape and one.dataoffsets[0] == other.dataoffsets[0]
            for tag in ("XResolution", "YResolution", "ResolutionUnit", "RowsPerStrip"):
                assert one.tags[tag].value == other.tags[tag].value, tag
    scales = [json.loads((cell / f"{store}.ome.zarr" / ".zattrs").read_text())["multiscales"][0]["datasets"]
              for store in ("stack", "labels")]
    assert scales[0] == scales[1]


def test_meta_and_preview(skeletons, tmp_path):
    shown, _, source = skeletons
    found = meta(shown / "px")
    assert found["stack"]["dtype"] == "uint16" and found["stack"]["shape"] == list(SHAPE)
    assert found["stack"]["voxel_spacing_um"] == list(SPACING) and found["skeleton"]["units"] == "px"
    assert found["skeleton"]["findings"]["units"] == "px" and found["projections"] == []
    assert found["provenance"] == {
        "source": "a folder of this machine", "folder": str(source), "images": "px/image.tif", "skeleton": "px/neuron.swc",
        "meta": "px/meta.json", "voxel_spacing_from": "meta.json"}
    assert meta(shown / "unsaid")["provenance"]["marker"] == "unsaid/cut.marker"
    moved = meta(shown / "moved")["stack"]
    assert moved["offset_in_full_frame_px"] == [17, 5] and moved["full_frame_px"] == [SHAPE[1] + 17, SHAPE[2] + 5]
    # A meta.json of a mount is one for a folder.
    again = tmp_path / "again" / "moved"
    again.mkdir(parents=True)
    for name in ("stack.tif", "skeleton.swc", "meta.json"):
        (again / name).write_bytes((shown / "moved" / name).read_bytes())
    with FolderMount(again.parent) as mount:
        for name in ("stack.npy", "labels.npy"):
            assert (mount.shown / "moved" / name).read_bytes() == (shown / "moved" / name).read_bytes()
    picture = tmp_path / "preview.png"
    result = subprocess.run([binary(), "preview", shown / "px", "-o", picture], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")


# --- spacing ----------------------------------------------------------------------------------------------------------

OME = {"axes": "ZYX", "PhysicalSizeX": 0.2, "PhysicalSizeY": 300, "PhysicalSizeYUnit": "nm", "PhysicalSizeZ": 0.9}
# What the tags say, and [z, y, x] of the stack without and with spacing=3,2,1; None where there is no stack.
TAGS = {
    "imagej": ({"imagej": True, "resolution": (5, 4), "metadata": {"axes": "ZYX", "spacing": 0.7, "unit": "um"}},
               [0.7, 0.25, 0.2], [0.7, 0.25, 0.2], "TIFF tags"),
    "ome": ({"ome": True, "metadata": OME}, [0.9, 0.3, 0.2], [0.9, 0.3, 0.2], "TIFF tags"),
    "resolution": ({"resolution": (20000, 10000), "resolutionunit": "CENTIMETER"}, None, [1, 1, 0.5],
                   "TIFF tags and mount option"),
    "of a printer": ({"resolution": (300, 300), "resolutionunit": "INCH"}, None, [1, 2, 3], "mount option"),
    "none": ({}, None, [1, 2, 3], "mount option"),
}


@pytest.mark.parametrize("option", ["", "spacing=3,2,1"])
def test_where_the_spacing_is_from(tmp_path, option):
    """meta.json before the tags, the tags before the option; without any the log says so and there is no stack."""
    for name, (tags, *_) in TAGS.items():
        for has_meta in (False, True):
            cell = tmp_path / "own" / f"{name}{', meta' if has_meta else ''}"
            write_meta(cell, (7, 6, 5) if has_meta else None)
            by_tifffile(cell / "image.tif", volume((3, 20, 30)), **tags)
            (cell / "neuron.swc").write_text(ONE_NODE)
    with FolderMount(tmp_path / "own", option) as mount:
        for name, (_, alone, with_option, source) in TAGS.items():
            wanted = with_option if option else alone
            cell = mount.shown / name
            assert meta(mount.shown / f"{name}, meta")["stack"]["voxel_spacing_um"] == [7, 6, 5]
            assert meta(mount.shown / f"{name}, meta")["provenance"]["voxel_spacing_from"] == "meta.json"
            if wanted:
                assert meta(cell)["stack"]["voxel_spacing_um"] == pytest.approx(wanted), name
                assert meta(cell)["provenance"]["voxel_spacing_from"] == source
                continue
            for _ in range(3):
                assert not (cell / "stack").exists() and not (cell / "labels").exists()
            assert (cell / "skeleton.swc").read_text() == ONE_NODE and "stack" not in meta(cell)
            lines = [line for line in mount.log_text().splitlines() if f'{name}/image.tif' in line]
            assert len(lines) == 1 and "how far apart" in lines[0] and "spacing=X,Y,Z" in lines[0], lines


# --- names and the catalogue ------------------------------------------------------------------------------------------

NAMES = ["Größe Δ 細胞 🧠", "two words", " line\nbreak", "x" * 255, "ö" * 127, "-dash", "a\\b*?'\"", "10", "900000101"]


def test_names(tmp_path):
    """Any UTF-8 of up to 255 bytes, as it is. What is not UTF-8 is left out, with a line in the log."""
    for number, name in enumerate(NAMES):
        write_pair(tmp_path / "own" / name, volume((1, 8, 9), seed=number), ONE_NODE)
    for number, name in enumerate(["flat ñ", "y" * 250]):
        by_tifffile(tmp_path / "own" / f"{name}.tif", volume((1, 8, 9), seed=50 + number))
        (tmp_path / "own" / f"{name}.json").write_text(json.dumps({"stack": {"voxel_spacing_um": SPACING}}))
    raw = os.fsencode(tmp_path / "own")
    os.mkdir(raw + b"/latin\xff")
    (tmp_path / "own" / "latin").mkdir()
    for path in (raw + b"/latin\xff/a.swc", raw + b"/caf\xe9.swc", raw + b"/latin/b\xff.swc"):
        with open(path, "w") as file:
            file.write(ONE_NODE)
    for path in (".hidden", "two words/.hidden.swc"):
        (tmp_path / "own" / path).write_text(ONE_NODE)
    wanted = {*NAMES, "flat ñ", "y" * 250}
    with FolderMount(tmp_path / "own") as mount:
        assert set(os.listdir(mount.shown)) == wanted
        for name in wanted:
            is_flat = name not in NAMES
            pixels = tifffile.imread(tmp_path / "own" / (f"{name}.tif" if is_flat else f"{name}/image.tif"))
            assert_same(np.load(mount.shown / name / "stack.npy"), pixels.reshape(1, 8, 9), name)
        assert set(os.listdir(mount / "trainable" / "own")) == set(NAMES)
        left_out = [line for line in mount.log_text().splitlines() if "not UTF-8" in line]
        assert len(left_out) == 3 and any("caf" in line for line in left_out)


def test_catalogue_views_and_links(tmp_path, origin):
    """The cells of a folder stand beside those of the database in cells.csv, trainable/, splits/, by-*/ and find;
    cells.json is the database's alone."""
    own = tmp_path / "own"
    described = {"structure__acronym": "VISp2/3", "structure__layer": "2/3", "line_name": "Mine", "tag__dendrite_type": "spiny"}
    write_pair(own / "described", volume((1, 8, 9)), ONE_NODE, species="mouse", donor="D1", catalogue=described)
    write_pair(own / "plain", volume((1, 8, 9)), ONE_NODE)
    write_pair(own / "image alone", volume((1, 8, 9)))
    write_pair(own / "sister", volume((1, 8, 9)), ONE_NODE, donor="D1")
    with Mount(origin.url) as mount:
        before = (mount / "cells.json").read_bytes()
        rows_before = list(csv.DictReader((mount / "cells.csv").read_text().splitlines()))
    with FolderMount(own, endpoint=origin.url, options=["--source", "allen"]) as mount:
        assert (mount / "cells.json").read_bytes() == before
        rows = list(csv.DictReader((mount / "cells.csv").read_text().splitlines()))
        ours = {row["specimen__name"]: row for row in rows if row["specimen__name"] in os.listdir(own)}
        assert len(rows) == len(rows_before) + 4 and len(ours) == 4
        assert ours["described"]["donor__name"] == "D1" and ours["plain"]["donor__name"] == "plain"
        assert all(ours["described"][column] == value for column, value in described.items())
        assert all(2**33 <= int(row["specimen__id"]) < 2**53 for row in ours.values())
        assert set(os.listdir(mount / "trainable" / "own")) == {"described", "plain", "sister"}
        parts = {name: part for part in ("train", "val", "test") for name in os.listdir(mount / "splits" / part)}
        assert {name for name in parts if not name.isdigit()} == {"own-described", "own-plain", "own-sister"}
        assert parts["own-described"] == parts["own-sister"], "one donor"
        place = mount / "splits" / parts["own-plain"] / "own-plain"
        assert not place.is_symlink() and os.path.samefile(place / "stack.tif", mount.shown / "plain" / "stack.tif")
        links = {}
        for folder in ("by-layer", "by-structure", "by-line", "by-dendrite-type"):
            for path, folders, files in os.walk(mount / folder):
                links |= {os.path.join(path, name): os.path.realpath(os.path.join(path, name)) for name in folders + files
                          if os.path.islink(os.path.join(path, name))}
        assert sorted(os.path.relpath(link, mount.path) for link, target in links.items() if "/own/" in target) == [
            "by-dendrite-type/spiny/own-described", "by-layer/2-3/own-described", "by-line/Mine/own-described",
            "by-structure/VISp2-3/own-described"]
        result = subprocess.run([binary(), "find", mount.path, "--json", "--layer", "2/3"], capture_output=True, text=True)
        assert result.returncode == 0 and "described" in {row.get("name") for row in json.loads(result.stdout)}, result


def test_several_folders_beside_the_database(tmp_path, origin):
    """Their cells may have the same names. No two files share a number. There is nothing to fetch and to pin."""
    own, other = tmp_path / "one" / "own", tmp_path / "two" / "own"
    pixels = {own: volume((2, 30, 40), seed=1), other: volume((2, 30, 40), seed=2)}
    for folder, data in pixels.items():
        write_pair(folder / "cell", data, ONE_NODE)
    with FolderMount(own, endpoint=origin.url, options=["--source", "allen", "--source", f"folder:{other},name=other"]) as mount:
        shown = {own: mount / "own" / "cell", other: mount / "other" / "cell"}
        assert {"own", "other", "mouse", "human"} <= set(os.listdir(mount.path))
        for folder, data in pixels.items():
            assert_same(np.load(shown[folder] / "stack.npy"), data, folder)
            assert meta(shown[folder])["provenance"]["folder"] == str(folder)
        assert set(os.listdir(mount / "trainable")) == {"mouse", "human", "own", "other"}
        views = [name for part in ("train", "val", "test") for name in os.listdir(mount / "splits" / part)]
        assert sorted(name for name in views if not name.isdigit()) == ["other-cell", "own-cell"]
        numbers = {}
        for folder in shown.values():
            for place, folders, files in os.walk(folder):
                for path in (os.path.join(place, name) for name in folders + files):
                    status = os.stat(path)
                    # Most files of labels have a second name in the store of the image.
                    is_second = "/stack.ome.zarr/labels/" in path and stat.S_ISREG(status.st_mode) and status.st_nlink == 6
                    if not is_second:
                        numbers[path] = status.st_ino
        assert len(numbers) > 100 and len(set(numbers.values())) == len(numbers)
        for command in (["prefetch", shown[other]], ["cache", "pin", shown[own]]):
            result = subprocess.run([binary(), *command], capture_output=True, text=True)
            assert result.returncode != 0 and "folder" in result.stderr and result.stderr.count("\n") == 1, result
        assert mount.status()["cache"]["blocks"] == 0
