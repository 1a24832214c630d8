"""What the files say of themselves, as published models and the libraries behind Fiji, ITK and napari understand it."""

import json
import os
import shutil
import subprocess
import sys
import pathlib
import warnings

import numpy as np
import ome_zarr_models.v04
import pytest
import tifffile
import zarr
from ome_zarr_models.v04.image_label import ImageLabel

sys.path.insert(0, str(pathlib.Path(__file__).parent / "readers"))

import readers
from expected import meta, planes
from harness import Mount

SMALL = 900_000_112
PAIRS = [("stack/0037.tif", "labels/0037.tif"), ("stack.tif", "labels.tif")]
NESTED = "stack.ome.zarr/labels/classes"
VOLUMES = ["stack.ome.zarr", "labels.ome.zarr", NESTED]


@pytest.fixture
def folder(demo):
    return demo / "mouse" / str(SMALL)


@pytest.mark.parametrize("pair", PAIRS, ids=[stack for stack, _ in PAIRS])
def test_a_pair_of_tiffs_has_one_frame_and_says_its_spacing(folder, pair):
    spacing = meta(folder)["stack"]["voxel_spacing_um"]
    frames = []
    for name in pair:
        with tifffile.TiffFile(folder / name) as file:
            page = file.pages[0]
            assert page.tags["Software"].value == "NeuronFS"
            assert page.tags["ResolutionUnit"].value == 3 and "DateTime" not in page.tags
            # One plane must not be taken for a part of a series of files; a stack says what its pages are (test_ome_tiff.py).
            assert file.is_ome == file.is_bigtiff == ("/" not in name)
            assert not file.is_imagej and len(file.series) == 1
            resolution = [page.tags[tag].value for tag in ("YResolution", "XResolution")]
            for side, (numerator, denominator) in zip(spacing[1:], resolution):
                assert 1e4 * denominator / numerator == pytest.approx(side, rel=1e-14)
            frames.append((len(file.pages), page.shape, resolution))
    assert frames[0] == frames[1]


@pytest.mark.skipif(shutil.which("tiffinfo") is None, reason="libtiff-tools is not installed")
@pytest.mark.parametrize("name", [name for pair in PAIRS for name in pair])
def test_libtiff_has_no_complaint_of_a_directory(folder, name):
    result = subprocess.run(["tiffinfo", "-D", folder / name], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("name", VOLUMES)
def test_ome_zarr_is_valid(folder, name):
    """The published models of OME-NGFF 0.4 accept the metadata, and the levels lie on one another."""
    group = zarr.open_group(str(folder / name), mode="r")
    image = ome_zarr_models.v04.Image.from_zarr(group)
    if name != "stack.ome.zarr":
        assert ImageLabel.from_zarr(group).attributes.image_label.version == "0.4"
    scales = image.attributes.multiscales[0]
    assert [axis.unit for axis in scales.axes] == ["micrometer"] * 3
    finest = scales.datasets[0].coordinateTransformations
    assert list(finest[0].scale) == meta(folder)["stack"]["voxel_spacing_um"]
    for level, dataset in enumerate(scales.datasets):
        scale, translation = dataset.coordinateTransformations
        for axis in range(3):
            factor = scale.scale[axis] / finest[0].scale[axis]
            assert factor == pytest.approx(1 if axis == 0 else 2**level)
            # The centre of a coarse voxel is the centre of those it covers.
            shift = translation.translation[axis] - finest[1].translation[axis]
            assert shift == pytest.approx((factor - 1) / 2 * finest[0].scale[axis], abs=1e-9)
        shape, full = group[dataset.path].shape, group[scales.datasets[0].path].shape
        assert shape == (full[0], *(-(-side // 2**level) for side in full[1:]))


@pytest.mark.parametrize("name", VOLUMES)
@pytest.mark.parametrize("reader", readers.ZARR)
def test_zarr_is_opened_without_a_warning(folder, name, reader):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert readers.ZARR[reader](str(folder / name)).shape == tuple(meta(folder)["stack"]["shape"])


@pytest.mark.parametrize("name", VOLUMES)
def test_consolidated_metadata_are_the_single_files(folder, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group = zarr.open_consolidated(str(folder / name), zarr_format=2)
    single = zarr.open_group(str(folder / name), mode="r", use_consolidated=False)
    assert group.metadata.consolidated_metadata is not None and dict(group.attrs) == dict(single.attrs)
    assert sorted(group.array_keys()) == sorted(single.array_keys()) and len(list(group.array_keys())) > 1
    for level in group.array_keys():
        assert group[level].metadata == single[level].metadata
    assert np.array_equal(group["2"][37], single["2"][37])
    # The listing has the file, with its true size.
    data = (folder / name / ".zmetadata").read_bytes()
    assert {entry.name: entry.stat().st_size for entry in os.scandir(folder / name)}[".zmetadata"] == len(data)
    files = {path: json.loads((folder / name / path).read_text()) for path in json.loads(data)["metadata"]}
    assert json.loads(data) == {"metadata": files, "zarr_consolidated_format": 1}
    own = {".zgroup", ".zattrs", *(f"{level}/.zarray" for level in single.array_keys())}
    if name == "stack.ome.zarr":
        labels = json.loads((folder / NESTED / ".zmetadata").read_bytes())["metadata"]
        own |= {"labels/.zgroup", "labels/.zattrs", *(f"labels/classes/{path}" for path in labels)}
        # Who opens the image as consolidated comes to its labels.
        assert np.array_equal(group["labels/classes/2"][37], single["labels/classes/2"][37])
    assert set(files) == own


def plane_37(folder, name):
    plane = sorted(planes(folder))[37]
    series = "stack" if name == "stack.ome.zarr" else "labels"
    return plane, tifffile.imread(folder / series / f"{plane:04}.tif")


@pytest.mark.parametrize("name", VOLUMES)
def test_ome_zarr_py_opens_all_levels_and_finds_an_image_and_its_labels_from_either(folder, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images = readers.ome_zarr_images(str(folder / name))
    assert list(images) == ["stack.ome.zarr", "classes", *(["labels.ome.zarr"] if name == "labels.ome.zarr" else [])]
    for place in {name, "stack.ome.zarr", NESTED}:
        levels = images[place.rsplit("/", 1)[-1]]
        attributes = json.loads((folder / place / ".zattrs").read_text())
        assert len(levels) == len(attributes["multiscales"][0]["datasets"])
        plane, pixels = plane_37(folder, place)
        assert np.array_equal(np.asarray(levels[0][plane]), pixels), place
        assert os.path.isdir(folder / place / str(len(levels) - 1))


@pytest.mark.parametrize("name", ["stack.ome.zarr", "stack.ome.zarr/labels", NESTED])
def test_napari_shows_an_image_and_its_labels(folder, name):
    """napari-ome-zarr opens the image from any of these. It looks for the image of `labels.ome.zarr` two directories above,
    which would have to be a group."""
    (kind, image, shown), (other, labels, meanings) = readers.napari_layers(str(folder / name))
    assert (kind, other) == ("image", "labels") and len(image) == len(labels) > 1
    for place, levels in (("stack.ome.zarr", image), (NESTED, labels)):
        plane, pixels = plane_37(folder, place)
        assert np.array_equal(np.asarray(levels[0][plane]), pixels), place
    assert shown["scale"] == meanings["scale"] == meta(folder)["stack"]["voxel_spacing_um"]
    assert meanings["properties"]["class"][:2] == ["soma", "axon"] and len(meanings["colormap"]) == 5


def test_the_labels_of_an_image_are_those_beside_it_but_for_the_place_of_the_image(folder):
    """Files that are the same are one file: a copy that keeps hard links, as `cp -a`, has each of them once."""
    def files(place):
        return {os.path.relpath(path, folder / place): path for path in map(str, (folder / place).rglob("*")) if os.path.isfile(path)}
    beside, nested = files("labels.ome.zarr"), files(NESTED)
    assert beside.keys() == nested.keys() and len(nested) > 20
    for name, path in nested.items():
        with open(path, "rb") as here, open(beside[name], "rb") as there:
            assert (here.read() == there.read()) == os.path.samefile(path, beside[name]) == (name not in (".zattrs", ".zmetadata"))
    images = [json.loads((folder / place / ".zattrs").read_text())["image-label"]["source"]["image"] for place in VOLUMES[1:]]
    assert images == ["../stack.ome.zarr", "../../"]
    assert all(os.path.samefile(folder / place / image, folder / "stack.ome.zarr") for place, image in zip(VOLUMES[1:], images))
    assert json.loads((folder / "stack.ome.zarr" / "labels" / ".zattrs").read_text()) == {"labels": ["classes"]}


@pytest.mark.parametrize("variant", ["binary", "classes3"])
def test_labels_are_called_by_their_variant(origin, variant):
    with Mount(origin.url, options=["--labels", variant]) as mount:
        group = mount / "mouse" / str(SMALL) / "stack.ome.zarr" / "labels"
        assert sorted(os.listdir(group)) == [".zattrs", ".zgroup", variant]
        assert list(readers.ome_zarr_images(str(group / variant))) == ["stack.ome.zarr", variant]
