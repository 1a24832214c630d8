"""Volumes as TIFF: what microscopy software takes the pages for. Bio-Formats is what Fiji, OMERO and QuPath read with."""

import hashlib
import json
import os
import pathlib
import subprocess

import numpy as np
import ome_types
import pytest
import tifffile

import brute
import neurons
from harness import ROOT
from label_tool import SHAPE, labelled

SMALL = 900_000_112
# Where scripts/setup --tests puts it.
JAR = pathlib.Path(os.environ.get("NEURONFS_BIOFORMATS", ROOT / ".bioformats")) / "bioformats_package.jar"
OTHER_SPACING = (0.5, 0.2, 0.3)


@pytest.fixture(scope="module")
def volumes(demo, tmp_path_factory):
    """Path -> (shape, spacing in z, y, x, type) of volumes from a mount and from `neuronfs label`."""
    mounted = demo / "mouse" / str(SMALL)
    stack = json.loads((mounted / "meta.json").read_text())["stack"]
    found = {mounted / name: (stack["shape"], stack["voxel_spacing_um"], "uint8") for name in ["stack.tif", "labels.tif"]}
    folder = tmp_path_factory.mktemp("volumes")
    swc = folder / "cell & <soma>.swc"
    for name, spacing, options, kind in [
        ("plain.tif", brute.ALLEN_SPACING, [], "uint8"), ("named.ome.tif", OTHER_SPACING, [], "uint8"),
        ("sections.ome.tif", brute.ALLEN_SPACING, ["--variant", "instance"], "uint16"),
    ]:
        swc.write_text(neurons.awkward(3, SHAPE, spacing))
        labelled(swc, folder / name, spacing=spacing, options=options)
        found[folder / name] = (list(SHAPE), list(spacing), kind)
    swc.write_text("1 1 1 1 0 0.5 -1\n")
    labelled(swc, folder / "one.tif", shape=(1, 30, 20))
    found[folder / "one.tif"] = ([1, 30, 20], list(brute.ALLEN_SPACING), "uint8")
    return found


def test_bioformats_reads_planes_of_one_stack(volumes):
    """SizeZ and micrometres, and the pixels that tifffile gives."""
    assert JAR.exists(), "run scripts/setup --tests"
    source = ROOT / "Tests" / "MountTests" / "readers" / "BioFormats.java"
    result = subprocess.run(["java", "-cp", JAR, source, *volumes], capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(reports) == len(volumes)
    for report, (path, (shape, spacing, kind)) in zip(reports, volumes.items()):
        assert report["zyxct"] == [*shape, 1, 1], path
        assert report["um"] == pytest.approx(spacing, rel=1e-12), path
        assert (report["series"], report["type"], report["format"]) == (1, kind, "OME-TIFF"), path
        assert report["little"]
        for plane, digest in report["planes"]:
            pixels = tifffile.imread(path, key=plane)
            assert digest == hashlib.sha256(pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()).hexdigest(), path


def test_ome_xml_is_valid(volumes):
    """Against the schema of OME 2016-06, and with the meaning that its model gives it."""
    for path, (shape, spacing, kind) in volumes.items():
        xml = tifffile.tiffcomment(path)
        ome_types.validate_xml(xml)
        model = ome_types.from_xml(xml)
        assert len(model.images) == 1
        pixels = model.images[0].pixels
        assert [pixels.size_z, pixels.size_y, pixels.size_x, pixels.size_c, pixels.size_t] == [*shape, 1, 1]
        assert pixels.type.value == kind and not pixels.big_endian
        sizes = [pixels.physical_size_z, pixels.physical_size_y, pixels.physical_size_x]
        units = {pixels.physical_size_z_unit, pixels.physical_size_y_unit, pixels.physical_size_x_unit}
        assert sizes == pytest.approx(spacing, rel=1e-12) and {unit.name for unit in units} == {"MICROMETER"}
        assert [(block.ifd, block.plane_count, block.uuid) for block in pixels.tiff_data_blocks] == [(0, shape[0], None)]
        told = model.images[0].description
        assert told.startswith(("image stack of specimen 900000112 ", "neuronfs labels; variant=")), told


def test_tifffile_maps_one_series_of_planes(volumes):
    for path, (shape, _, kind) in volumes.items():
        with tifffile.TiffFile(path) as file:
            assert file.is_ome and file.is_bigtiff and len(file.pages) == shape[0]
            series, = file.series
            # A single plane has no third axis for tifffile.
            assert (series.axes, list(series.shape)) == (("ZYX", shape) if shape[0] > 1 else ("YX", shape[1:]))
        mapped = tifffile.memmap(path, mode="r")
        assert mapped.dtype == kind and list(mapped.shape[-2:]) == shape[1:]
        middle = shape[0] // 2
        assert np.array_equal(mapped.reshape(shape)[middle], tifffile.imread(path, key=middle))
