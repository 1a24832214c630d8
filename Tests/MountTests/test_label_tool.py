"""`neuronfs label`: every variant against the brute force, every format through real readers."""

import json
import os

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

import brute
import neurons
from harness import real_data
from label_tool import SHAPE, SPACING, label, labelled, write


@pytest.fixture
def neuron(tmp_path):
    path = tmp_path / "cell.swc"
    path.write_text(neurons.awkward(5, SHAPE, SPACING))
    return path


# The brute force itself


def test_brute_force_against_a_search():
    """The closed form of the signed distance against the minimum that a search finds."""
    random = np.random.default_rng(3)
    for trial in range(40):
        a, b = random.uniform(-2, 2, (2, 3))
        ra, rb = random.uniform(0, 3, 2) if trial % 3 else random.uniform(0, 0.3, 2)
        solid = brute.Solid(a, ra, a if trial % 7 == 0 else b, rb, 0)
        x, y, z = random.uniform(-5, 5, (3, 2000))
        exact, searched = brute.signed_distance(solid, x, y, z), brute.searched_distance(solid, x, y, z)
        assert np.abs(exact - searched).max() < 1e-9


def test_brute_force_by_hand():
    """One ball of radius 1 um around voxel (5, 5, 5) of a 0.5 um grid: the 33 voxels within two steps."""
    volume = brute.label_volume(b"1 1 2.5 2.5 2.5 1 -1", (11, 11, 11), (0.5, 0.5, 0.5), floor=False)
    z, y, x = np.nonzero(volume)
    assert len(z) == 33 and set(volume[volume > 0]) == {1}
    assert ((z - 5) ** 2 + (y - 5) ** 2 + (x - 5) ** 2).max() == 4


# Variants


@pytest.mark.parametrize("options", [{}, {"taper": True}, {"slab": True}, {"floor": False},
                                     {"slab": True, "floor": False, "taper": True}], ids=str)
@pytest.mark.parametrize("variant", ["classes", "classes3", "binary", "instance"])
def test_solids(tmp_path, variant, options):
    flags = [{"taper": "--taper", "slab": "--slab", "floor": "--no-floor"}[name] for name in options]
    for seed in range(4):
        swc = write(tmp_path, seed)
        voxels = labelled(swc, tmp_path / f"{seed}.npy", options=["--variant", variant, *flags])
        expected = brute.label_volume(swc.read_bytes(), SHAPE, variant=variant, **options)
        assert voxels.dtype == expected.dtype and voxels.shape == SHAPE
        assert np.array_equal(voxels, expected), (seed, np.argwhere(voxels != expected)[:5])
        assert len(np.unique(expected)) > 1


@pytest.mark.parametrize("geometry", [
    ((9, 33, 70), (0.5, 0.2, 0.3), (-2, 3.5, 17)), ((5, 64, 20), (1, 0.25, 0.25), (4, -9, 2)),
])
def test_spacing_and_origin(tmp_path, geometry):
    shape, spacing, origin = geometry
    for seed in range(3):
        swc = write(tmp_path, seed, *geometry)
        voxels = labelled(swc, tmp_path / "x.npy", shape=shape, spacing=spacing, origin=origin)
        assert np.array_equal(voxels, brute.label_volume(swc.read_bytes(), shape, spacing, origin))
        assert voxels.any()


def test_centerline(tmp_path):
    for seed in range(6):
        swc = write(tmp_path, seed, count=40)
        voxels = labelled(swc, tmp_path / "x.npy", options=["--variant", "centerline"])
        assert np.array_equal(voxels, brute.centerline_volume(swc.read_bytes(), SHAPE))
        assert voxels.any()


@pytest.mark.parametrize("clip", [2.0, 0.7])
def test_distance(tmp_path, clip):
    for seed in range(4):
        swc = write(tmp_path, seed, count=12)
        voxels = labelled(swc, tmp_path / "x.npy", options=["--variant", "distance", "--clip", clip])
        field = brute.distance_field(swc.read_bytes(), SHAPE, clip=clip)
        expected = brute.distance_codes(field, clip)
        # Where the step is a whole number but for rounding, either neighbour is right.
        steps = brute.distance_steps(field, clip)
        tie = np.abs(steps - np.round(steps)) < 1e-9
        assert np.array_equal(voxels[~tie], expected[~tie])
        assert np.abs(voxels.astype(int) - expected).max() <= 1
        assert tie[(steps > 0) & (steps < 127)].mean() < 1e-3
        inside = brute.label_volume(swc.read_bytes(), SHAPE, variant="binary")
        assert np.array_equal(voxels >= 128, inside == 1)


def test_nodes(tmp_path):
    for seed in range(4):
        swc = write(tmp_path, seed, count=20)
        voxels = labelled(swc, tmp_path / "x.npy", options=["--variant", "nodes", "--sigma", 0.4])
        peaks = brute.node_peaks(swc.read_bytes(), SHAPE, sigma=0.4)
        clear = np.abs(peaks % 1 - 0.5) > 1e-9
        assert np.array_equal(voxels[clear], np.floor(peaks + 0.5)[clear])
        assert clear.mean() > 0.999 and voxels.max() > 200


MARKERS = """##x,y,z,radius,shape,name,comment, color_r,color_g,color_b
2.2880,1.8304,1.6800,0.0, 1, 10, , 97,211,104
4.0040,3.4320,2.8000,0.0, 1, 20, , 97,211,104
1.1440,3.4320,2.8000,0.0, 1, 30, surface, 97,211,104
0.5720,0.5720,0.5600,0.0, 1, , ,
"""


@pytest.mark.parametrize("value", [255, 5])
def test_ignore(tmp_path, neuron, value):
    markers = tmp_path / "markers"
    markers.write_text(MARKERS)
    options = ["--variant", "ignore", "--markers", markers, "--ignore-radius", 0.6, "--ignore-value", value]
    voxels = labelled(neuron, tmp_path / "x.npy", options=options)
    parsed = brute.parse_markers(MARKERS.encode(), SPACING)
    expected = brute.label_volume(
        neuron.read_bytes(), SHAPE, variant="ignore", markers=parsed, ignore_radius=0.6, ignore_value=value)
    assert np.array_equal(voxels, expected)
    report = json.loads((tmp_path / "x.json").read_text())
    assert report["markers"] == {"file": "markers", "count": 4, "ignored_around": 2}
    # The ball around the first marker, one voxel less than the file says.
    assert voxels[5, 15, 19] == value


def test_real_neuron(tmp_path):
    """Crops at the soma and along the axon of a real cell, voxel by voxel."""
    data = real_data()
    if data is None:
        pytest.skip("no real data beside the checkout")
    swc = data / "swc" / "313862022.swc"
    nodes = brute.parse(swc.read_bytes())
    for node in (nodes[0], nodes[len(nodes) // 2], nodes[-1]):
        centre = (node.xyz[::-1] / SPACING).astype(int)
        origin = tuple(int(value) for value in centre - (8, 60, 70))
        shape = (16, 120, 140)
        voxels = labelled(swc, tmp_path / "x.npy", shape=shape, origin=origin)
        assert np.array_equal(voxels, brute.label_window(nodes, origin, shape)) and voxels.any()


# Units, crops, levels


def test_units_px(tmp_path):
    """A skeleton in columns, rows and planes and the same in um give the same labels, as do its markers."""
    nodes = brute.parse(neurons.awkward(8, SHAPE, (1, 1, 1)))
    rows = [
        (node.id, node.type, *node.xyz, node.radius, nodes[node.parent].id if node.parent >= 0 else -1) for node in nodes
    ]
    swc = tmp_path / "px.swc"
    swc.write_text(neurons.swc(rows))
    voxels = labelled(swc, tmp_path / "x.npy", options=["--units", "px"])
    assert np.array_equal(voxels, brute.label_volume(swc.read_bytes(), SHAPE, units="px"))
    assert voxels.any()
    (tmp_path / "markers").write_text("21,16,7,0,1,10,,\n")
    options = ["--units", "px", "--variant", "ignore", "--markers", tmp_path / "markers", "--ignore-radius", 0.5]
    voxels = labelled(swc, tmp_path / "y.npy", options=options)
    expected = brute.label_volume(
        swc.read_bytes(), SHAPE, units="px", variant="ignore", ignore_radius=0.5,
        markers=[(20 * SPACING[2], 15 * SPACING[1], 6 * SPACING[0], 10)])
    assert np.array_equal(voxels, expected)


def test_a_crop_equals_the_whole(tmp_path, neuron):
    whole = labelled(neuron, tmp_path / "whole.npy")
    crop = labelled(neuron, tmp_path / "crop.npy", shape=(6, 17, 20), origin=(3, 11, 9))
    assert np.array_equal(crop, whole[3:9, 11:28, 9:29])
    assert np.array_equal(crop, brute.label_window(neuron.read_bytes(), (3, 11, 9), (6, 17, 20)))


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("variant", ["classes", "centerline"])
def test_levels(tmp_path, neuron, level, variant):
    origin = (0, 1, 1)
    voxels = labelled(neuron, tmp_path / "x.npy", origin=origin, options=["--level", level, "--variant", variant])
    geometry = brute.level_geometry(SHAPE, SPACING, origin, level)
    function = brute.centerline_volume if variant == "centerline" else brute.label_volume
    assert np.array_equal(voxels, function(neuron.read_bytes(), *geometry))
    report = json.loads((tmp_path / "x.json").read_text())
    assert tuple(report["shape"]) == geometry[0]
    assert report["voxel_spacing_um"] == pytest.approx(geometry[1])
    assert report["first_voxel_centre_um"] == pytest.approx([o * s for o, s in zip(geometry[2], geometry[1])])
    assert report["full_resolution"]["shape"] == list(SHAPE)


# Formats


@pytest.mark.parametrize("variant", ["classes", "instance"])
def test_every_format_holds_the_same(tmp_path, neuron, variant):
    expected = brute.label_volume(neuron.read_bytes(), SHAPE, variant=variant)
    options = ["--variant", variant]

    labelled(neuron, tmp_path / "a.npy", options=options)
    array = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert isinstance(array, np.memmap) and array.dtype == expected.dtype and array.flags["C_CONTIGUOUS"]
    assert np.array_equal(array, expected)

    labelled(neuron, tmp_path / "b.tif", options=options)
    assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), expected)
    assert np.array_equal(tifffile.memmap(tmp_path / "b.tif", mode="r"), expected)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.is_bigtiff and len(file.pages) == SHAPE[0]
    with Image.open(tmp_path / "b.tif") as image:
        assert image.n_frames == SHAPE[0]
        for plane in range(SHAPE[0]):
            image.seek(plane)
            assert np.array_equal(np.asarray(image), expected[plane])

    labelled(neuron, tmp_path / "c.ome.zarr", options=options)
    group = zarr.open_group(str(tmp_path / "c.ome.zarr"), mode="r")
    assert np.array_equal(group["0"][:], expected) and group["0"].dtype == expected.dtype
    consolidated = zarr.open_consolidated(str(tmp_path / "c.ome.zarr"), zarr_format=2)
    assert np.array_equal(consolidated["0"][:], expected) and dict(consolidated.attrs) == dict(group.attrs)
    scales = group.attrs["multiscales"][0]["datasets"][0]["coordinateTransformations"]
    assert scales[0]["scale"] == pytest.approx(SPACING)

    labelled(neuron, f"{tmp_path}/d/", options=options)
    names = sorted(os.listdir(tmp_path / "d"))
    assert names == [f"{plane:04}.tif" for plane in range(SHAPE[0])]
    for plane, name in enumerate(names):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "d" / name)), expected[plane])
        assert np.array_equal(tifffile.memmap(tmp_path / "d" / name, mode="r"), expected[plane])
    assert np.array_equal(tifffile.TiffSequence(str(tmp_path / "d" / "*.tif")).asarray(), expected)

    for name in "abcd":
        assert json.loads((tmp_path / f"{name}.json").read_text())["variant"] == variant
    assert len(os.listdir(tmp_path)) == 9, "nothing else is left behind"


def test_tall_volume_has_rows_in_every_band(tmp_path):
    """Planes longer than the writer's band, a volume of several chunks, a row longer than a band."""
    for number, shape in enumerate([(3, 700, 400), (2, 3, 65536)]):
        swc = write(tmp_path, number, shape, (1, 1, 1), count=150)
        expected = brute.label_volume(swc.read_bytes(), shape, (1, 1, 1))
        voxels = labelled(swc, tmp_path / f"{number}.npy", shape=shape, spacing=(1, 1, 1))
        assert np.array_equal(voxels, expected) and expected.any()
        labelled(swc, tmp_path / f"{number}-tiff.tif", shape=shape, spacing=(1, 1, 1))
        assert np.array_equal(tifffile.imread(tmp_path / f"{number}-tiff.tif"), expected)


def test_zarr_levels_and_absent_chunks(tmp_path):
    shape, spacing, origin = (40, 700, 520), (1, 0.5, 0.5), (0, 1, 1)
    swc = tmp_path / "cell.swc"
    swc.write_text("1 1 50 50 10 4 -1\n2 3 120 60 12 0.2 1\n3 2 200 300 35 0.2 2\n")
    labelled(swc, tmp_path / "x.ome.zarr", shape=shape, spacing=spacing, origin=origin, force=False)
    group = zarr.open_group(str(tmp_path / "x.ome.zarr"), mode="r")
    report = json.loads((tmp_path / "x.json").read_text())
    datasets = group.attrs["multiscales"][0]["datasets"]
    assert len(datasets) == len(report["levels"]) == 3
    for level, dataset in enumerate(datasets):
        geometry = brute.level_geometry(shape, spacing, origin, level)
        expected = brute.label_volume(swc.read_bytes(), *geometry)
        assert np.array_equal(group[str(level)][:], expected)
        assert dataset["coordinateTransformations"][0]["scale"] == pytest.approx(geometry[1])
        assert dataset["coordinateTransformations"][1]["translation"] == pytest.approx(
            [o * s for o, s in zip(geometry[2], geometry[1])])
        for z in range(-(-shape[0] // 32)):
            for y in range(-(-geometry[0][1] // 256)):
                for x in range(-(-geometry[0][2] // 256)):
                    part = expected[32 * z:32 * z + 32, 256 * y:256 * y + 256, 256 * x:256 * x + 256]
                    exists = (tmp_path / "x.ome.zarr" / str(level) / str(z) / str(y) / str(x)).exists()
                    assert exists == bool(part.any()), (level, z, y, x)
    classes = {item["label-value"]: item["class"] for item in group.attrs["image-label"]["properties"]}
    assert classes[2] == "axon" and classes[255] == "unknown"


def test_existing_empty_directory(tmp_path, neuron):
    (tmp_path / "planes").mkdir()
    result = label("../cell.swc", ".", cwd=tmp_path / "planes")
    assert result.returncode == 0, result.stderr
    assert len(os.listdir(tmp_path / "planes")) == SHAPE[0]
    assert (tmp_path / "planes.json").exists()


# The report


def test_report(tmp_path, neuron):
    voxels = labelled(neuron, tmp_path / "x.npy")
    report = json.loads((tmp_path / "x.json").read_text())
    values, counts = np.unique(voxels[voxels > 0], return_counts=True)
    assert report["voxels"] == {str(value): count for value, count in zip(values, counts)}
    assert report["shape"] == list(SHAPE) and report["dtype"] == "uint8" and report["axes"] == ["z", "y", "x"]
    assert report["values"]["3"] == "basal dendrite"
    assert report["spacing"] == report["voxel_spacing_um"] == list(SPACING), "nnU-Net reads member spacing"
    assert report["parameters"]["radius_floor_um"] == pytest.approx(brute.half_diagonal(SPACING))
    nodes = brute.parse(neuron.read_bytes())
    assert report["skeleton"]["nodes"] == len(nodes)
    assert report["skeleton"]["roots"] == sum(node.parent < 0 for node in nodes)


def test_instance_table(tmp_path, neuron):
    voxels = labelled(neuron, tmp_path / "x.npy", options=["--variant", "instance"])
    rows = json.loads((tmp_path / "x.json").read_text())["sections"]
    nodes = brute.parse(neuron.read_bytes())
    ids, codes = brute.sections(nodes)
    assert [row["id"] for row in rows] == list(range(1, len(codes)))
    lengths = np.zeros(len(codes))
    parents = [0] * len(codes)
    for index, node in enumerate(nodes):
        if node.parent >= 0:
            lengths[ids[index]] += np.linalg.norm(node.xyz - nodes[node.parent].xyz)
            if ids[node.parent] != ids[index]:
                parents[ids[index]] = ids[node.parent]
    for row in rows:
        assert row["class"] == codes[row["id"]]
        assert row["nodes"] == ids.count(row["id"])
        assert row["voxels"] == np.count_nonzero(voxels == row["id"])
        assert row["length_um"] == pytest.approx(lengths[row["id"]], abs=1e-3)
        assert row["parent"] == parents[row["id"]]
