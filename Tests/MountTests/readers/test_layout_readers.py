"""Every reader in `readers.py` must yield exactly the same array from our files.

Needs `NEURONFS_READER_CASES`, the path of a JSON list of cases; without it everything is skipped:

    {"name": "soma slice", "kind": "plane", "path": "/mount/.../labels/0138.tif", "expected": "/somewhere/0138.npy",
     "mapped": true, "pair": "/mount/.../stack/0138.tif", "spacing": [0.28, 0.1144, 0.1144]}

`kind` is plane, volume or zarr; `expected` an array saved with numpy.save, of shape (y, x) or (z, y, x). Optional:
`mapped` (default true; false for compressed files or mounts without shared mappings), `pair`, a file that must have
the same shape and resolution, and `spacing` in micrometres (z, y, x), which the metadata must state.
"""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest

import readers

TABLES = {
    "plane": (readers.PLANE, readers.PLANE_MAPPED),
    "volume": (readers.VOLUME, readers.VOLUME_MAPPED),
    "zarr": (readers.ZARR, {}),
}


def _cases():
    path = os.environ.get("NEURONFS_READER_CASES")
    if not path:
        return []
    with open(path) as file:
        return json.load(file)


def _readings():
    for case in _cases():
        plain, mapped = TABLES[case["kind"]]
        chosen = {**plain, **({f"{name} (mapped)": f for name, f in mapped.items()} if case.get("mapped", True) else {})}
        for name, function in chosen.items():
            yield pytest.param(case, function, id=f"{case['name']}-{name}")


def _some(cases):
    return cases or [pytest.param(None, marks=pytest.mark.skip("NEURONFS_READER_CASES is not set"))]


def _named(*kinds):
    return _some([pytest.param(case, id=case["name"]) for case in _cases() if case["kind"] in kinds])


READINGS = list(_readings()) or [pytest.param(None, None, marks=pytest.mark.skip("NEURONFS_READER_CASES is not set"))]


@pytest.mark.parametrize("case, function", READINGS)
def test_reader_yields_the_expected_array(case, function):
    expected = np.load(case["expected"], mmap_mode="r")
    array = function(case["path"])
    assert array.shape == expected.shape
    assert array.dtype == expected.dtype
    differing = np.count_nonzero(array != expected)
    assert differing == 0, f"{differing} of {expected.size} voxels differ"


@pytest.mark.parametrize("case", _named("plane", "volume"))
def test_tiff_metadata(case):
    tifffile = pytest.importorskip("tifffile")
    with tifffile.TiffFile(case["path"]) as file:
        page = file.pages[0]
        assert page.tags["Software"].value == "NeuronFS"
        assert page.tags["ResolutionUnit"].value == 3
        assert "DateTime" not in page.tags
        # One plane must not be taken for a part of a series of files, nor a stack for an ImageJ hyperstack.
        assert not file.is_ome and not file.is_imagej
        assert len(file.series) == 1
        assert file.is_bigtiff == (case["kind"] == "volume")
        resolution = [page.tags[name].value for name in ("YResolution", "XResolution")]
        if "spacing" in case:
            for spacing, (numerator, denominator) in zip(case["spacing"][1:], resolution):
                assert 1e4 * denominator / numerator == pytest.approx(spacing, rel=1e-14)
            if case["kind"] == "volume":
                assert file.shaped_metadata[0]["spacing"] == case["spacing"][0]
        if "pair" in case:
            with tifffile.TiffFile(case["pair"]) as other:
                assert len(other.pages) == len(file.pages)
                assert other.pages[0].shape == page.shape
                assert [other.pages[0].tags[name].value for name in ("YResolution", "XResolution")] == resolution


@pytest.mark.skipif(shutil.which("tiffinfo") is None, reason="libtiff-tools is not installed")
@pytest.mark.parametrize("case", _named("plane", "volume"))
def test_tiffinfo_has_no_complaint(case):
    result = subprocess.run(["tiffinfo", "-D", case["path"]], capture_output=True, text=True)
    assert result.returncode == 0
    assert result.stderr == ""


@pytest.mark.parametrize("case", _named("zarr"))
def test_ome_zarr_metadata_is_valid(case):
    """The published models of OME-NGFF 0.4 accept the metadata, and say what the case says."""
    models = pytest.importorskip("ome_zarr_models.v04")
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(case["path"], mode="r")
    image = models.Image.from_zarr(group)
    if "image-label" in group.attrs:
        from ome_zarr_models.v04.image_label import ImageLabel

        assert ImageLabel.from_zarr(group).attributes.image_label.version == "0.4"
    datasets = image.attributes.multiscales[0].datasets
    assert [axis.unit for axis in image.attributes.multiscales[0].axes] == ["micrometer"] * 3
    if "spacing" in case:
        assert list(datasets[0].coordinateTransformations[0].scale) == case["spacing"]
    for level, dataset in enumerate(datasets):
        scale, translation = dataset.coordinateTransformations
        # The centre of a coarse voxel is the centre of those it covers.
        for axis in range(3):
            fine = datasets[0].coordinateTransformations
            factor = scale.scale[axis] / fine[0].scale[axis]
            assert factor == pytest.approx(1 if axis == 0 else 2**level)
            shift = translation.translation[axis] - fine[1].translation[axis]
            assert shift == pytest.approx((factor - 1) / 2 * fine[0].scale[axis], abs=1e-9)
        shape = group[dataset.path].shape
        finest = group[datasets[0].path].shape
        assert shape == (finest[0], *(-(-side // 2**level) for side in finest[1:]))


@pytest.mark.parametrize("case", _named("zarr"))
def test_ome_zarr_py_reads_the_levels(case):
    pytest.importorskip("ome_zarr")
    images = readers.ome_zarr_images(case["path"])
    with open(os.path.join(case["path"], ".zattrs")) as file:
        attributes = json.load(file)
    names = [os.path.basename(case["path"])]
    source = attributes.get("image-label", {}).get("source", {}).get("image")
    if source and os.path.exists(os.path.join(case["path"], source)):
        names.insert(0, os.path.basename(source))
    assert list(images) == names
    levels = images[names[-1]]
    assert np.array_equal(np.asarray(levels[0]), np.load(case["expected"], mmap_mode="r"))
    assert len(levels) == len(attributes["multiscales"][0]["datasets"])
