"""`neuronfs label` on small skeletons of the kinds that other programs write, and on the images they are for.

The skeletons are those of public bug reports, cut down: NeuroM 614, 735, 837, MorphIO 273, 299, jaxley 477, arbor 2471,
nat 391, and FlyWire's ids.
"""

import json
import os
import struct
import subprocess

import numpy as np
import pytest
import tifffile
import zarr

import brute
import neurons
from harness import binary
from label_tool import SHAPE, SPACING, labelled, refused, xyz

# (z, y, x)
BOX, UNIT = (25, 50, 50), (1, 1, 1)

NEURITE = "4 3 26 20 10 0.5 1\n5 3 35 20 10 0.5 4\n"
ONE_POINT = "1 1 20 20 10 5 -1\n" + NEURITE
THREE_POINTS = "1 1 20 20 10 5 -1\n2 1 20 15 10 5 1\n3 1 20 25 10 5 1\n" + NEURITE
TYPE_5 = "1 1 20 20 10 4 -1\n2 3 25 20 10 0.5 1\n3 3 30 20 10 0.5 2\n4 5 20 25 10 0.5 1\n5 5 20 32 10 0.5 4\n"
TYPE_6 = "1 1 20 20 10 4 -1\n2 6 25 20 10 0.5 1\n3 6 35 20 10 0.5 2\n4 6 35 30 10 0.5 3\n"
FORKS = "1 1 20 20 10 4 -1\n2 5 25 20 10 0.5 1\n3 2 30 20 10 0.5 2\n4 6 33 20 10 0.5 3\n5 4 25 30 10 0.5 2\n"
NANOMETRES = "1 1 8000.0 8000.0 4000.0 1893 -1\n2 0 12000.0 8000.0 4000.0 94 1\n3 6 15000.0 9000.0 4000.0 74 2\n"
OFFSET = "# OFFSET 10.0 5.0 2.0\n# COLOR 1.0,1.0,1.0\n1 2 10 10 5 1 -1\n2 2 20 10 5 1 1\n"
NO_LINE_END = "# header without a line end 1 1 20 20 10 4 -1\n2 3 30 20 10 0.5 1\n3 3 34 20 10 0.5 2\n"
BIG_IDS = "720575940661139073 1 20 20 10 4 -1\n720575940661139074 3 30 20 10 0.5 720575940661139073\n"
OUTLINE = "".join(
    f"{n + 1} 1 {20 + 6 * np.cos(n * np.pi / 12):.4f} {20 + 5 * np.sin(n * np.pi / 12):.4f} 10 0 {n if n else -1}\n"
    for n in range(24)) + "25 3 26.5 20 10 0.4 1\n26 3 35 20 10 0.4 25\n"

CASES = {
    "three points": THREE_POINTS, "type 5": TYPE_5, "type 6": TYPE_6, "forks": FORKS, "offset": OFFSET,
    "no line end": NO_LINE_END, "big ids": BIG_IDS, "outline": OUTLINE,
    "nm in the header": '# Meta: {"units": "1 nanometer"}\n' + NANOMETRES,
}


def run(tmp_path, text, *options, box=True, force=False):
    """The finished process; the skeleton is cell.swc, the output cell.npy."""
    (tmp_path / "cell.swc").write_text(text)
    grid = ["--shape", xyz(BOX), "--spacing", xyz(UNIT)] if box else []
    command = [binary(), "label", str(tmp_path / "cell.swc"), "-o", str(tmp_path / "cell.npy"), *grid]
    return subprocess.run(command + [str(option) for option in options], capture_output=True, text=True, timeout=120)


def voxels(tmp_path, text, *options, warnings=0, **arguments):
    result = run(tmp_path, text, *options, **arguments)
    assert result.returncode == 0, result.stderr
    lines = result.stderr.splitlines()
    assert len(lines) == warnings and all(line.startswith("neuronfs: warning: ") for line in lines), result.stderr
    return np.load(tmp_path / "cell.npy")


def report(tmp_path):
    return json.loads((tmp_path / "cell.json").read_text())


@pytest.mark.parametrize("variant", ["classes", "binary", "instance", "centerline", "distance", "nodes"])
@pytest.mark.parametrize("case", CASES)
def test_against_the_brute_force(tmp_path, case, variant):
    text = CASES[case]
    found = voxels(tmp_path, text, "--variant", variant, warnings={"no line end": 2, "outline": 1}.get(case, 0))
    if variant == "centerline":
        expected = brute.centerline_volume(text, BOX, UNIT)
    elif variant == "distance":
        expected = brute.distance_codes(brute.distance_field(text, BOX, UNIT))
    elif variant == "nodes":
        expected = np.floor(brute.node_peaks(text, BOX, UNIT) + 0.5).astype(np.uint8)
    else:
        expected = brute.label_volume(text, BOX, UNIT, variant=variant)
    assert np.array_equal(found, expected) and found.any()


@pytest.mark.parametrize("options", [["--slab"], ["--no-floor"], ["--taper"]], ids=str)
def test_an_outline_with_other_rules(tmp_path, options):
    found = voxels(tmp_path, OUTLINE, *options, warnings=1)
    flags = {option[2:].replace("no-floor", "floor"): option != "--no-floor" for option in options}
    assert np.array_equal(found, brute.label_volume(OUTLINE, BOX, UNIT, **flags))


# Right values, whatever the brute force says


def test_a_soma_of_three_points_is_one_ball(tmp_path):
    found = voxels(tmp_path, THREE_POINTS)
    assert np.count_nonzero(found == 1) == 515
    assert np.array_equal(found, voxels(tmp_path, ONE_POINT))
    peaks = voxels(tmp_path, THREE_POINTS, "--variant", "nodes")
    assert np.argwhere(peaks == 255).tolist() == [[10, 20, 20], [10, 20, 35]]


def test_the_soma_is_never_inherited(tmp_path):
    for text, others in ((TYPE_6, {255}), (TYPE_5, {3, 255}), (FORKS, {2, 4})):
        found = voxels(tmp_path, text)
        assert np.count_nonzero(found == 1) == 257, "a ball of radius 4"
        assert set(np.unique(found)) - {0, 1} == others
    skeleton = report(tmp_path)["skeleton"]
    assert skeleton["inferred_classes"] == 2 and skeleton["unknown_classes"] == 0
    # The fork takes the nearest class below, of axon and apical dendrite the lower code.
    assert found[10, 20, 25] == 2 and found[10, 25, 25] == 4


def test_an_outline_is_filled_and_told(tmp_path):
    result = run(tmp_path, OUTLINE)
    assert "outline of 24 nodes" in result.stderr
    found = np.load(tmp_path / "cell.npy")
    y, x = np.mgrid[:50, :50]
    assert (found[10][((x - 20) / 6) ** 2 + ((y - 20) / 5) ** 2 < 0.95] == 1).all()
    skeleton = report(tmp_path)["skeleton"]
    assert (skeleton["outlined_somata"], skeleton["outline_nodes"]) == (1, 24)
    tilted = OUTLINE.replace("10 0 23", "11 0 23")
    refused(run(tmp_path, tilted), "outline of 24 nodes", "one plane")


def test_nanometres(tmp_path):
    asked = voxels(tmp_path, NANOMETRES, "--units", "nm")
    assert np.array_equal(asked, brute.label_volume(NANOMETRES, BOX, UNIT, units="nm"))
    stated = voxels(tmp_path, CASES["nm in the header"])
    assert np.array_equal(asked, stated) and set(np.unique(asked)) == {0, 1, 255}
    assert report(tmp_path)["skeleton"]["units"] == "nm" and report(tmp_path)["skeleton"]["units_from"] == "header"
    # By a limit, and by the image: either says which units the numbers fit.
    refused(run(tmp_path, NANOMETRES), "radius is 1893", "--units nm")
    refused(run(tmp_path, NANOMETRES.replace("1893", "900")), "does not fit", "--units nm")
    assert "--units nm" not in run(tmp_path, NANOMETRES.replace("8000.0 4000.0 94", "9e9 1 94")).stderr
    result = run(tmp_path, "# units: nm\n" + ONE_POINT, "--units", "um")
    assert result.returncode == 0 and "states units of nm" in result.stderr


def test_an_offset_is_added_and_told(tmp_path):
    result = run(tmp_path, OFFSET)
    assert result.returncode == 0 and "OFFSET 10.0, 5.0, 2.0" in result.stdout
    plain = OFFSET.replace("# OFFSET 10.0 5.0 2.0\n", "").replace(" 10 10 5 ", " 20 15 7 ").replace(" 20 10 5 ", " 30 15 7 ")
    assert np.array_equal(np.load(tmp_path / "cell.npy"), voxels(tmp_path, plain))
    assert "SCALE 2.0 2.0 1.0" in run(tmp_path, "# SCALE 2 2 1\n" + ONE_POINT).stderr


def test_what_a_header_swallowed_is_counted_and_told(tmp_path):
    result = run(tmp_path, NO_LINE_END)
    assert result.returncode == 0 and "1 node names a parent" in result.stderr and "1 comment line" in result.stderr
    skeleton = report(tmp_path)["skeleton"]
    assert (skeleton["parents_not_in_file"], skeleton["nodes_in_comments"], skeleton["roots"]) == (1, 1, 1)
    assert len(skeleton["warnings"]) == 2


def test_ids_beyond_a_double(tmp_path):
    assert set(np.unique(voxels(tmp_path, BIG_IDS))) == {0, 1, 3}
    refused(run(tmp_path, BIG_IDS.replace("720575940661139074", "9223372036854775808")), "line 2", "64-bit")


def test_label_rules(tmp_path):
    voxels(tmp_path, ONE_POINT)
    assert report(tmp_path)["label_rules"] == 2
    subprocess.run([binary(), "label", tmp_path / "cell.swc", "--shape", "9,9,3", "--force", "-o", tmp_path / "x.tif"],
                   check=True, capture_output=True)
    with tifffile.TiffFile(tmp_path / "x.tif") as tiff:
        assert "label_rules=2" in tiff.pages[0].description


# The image that labels are for


SPACED = (0.5, 0.2, 0.25)


@pytest.fixture
def neuron(tmp_path):
    path = tmp_path / "cell.swc"
    path.write_text(neurons.awkward(3, SHAPE, SPACED))
    return path


def image_j(path, **options):
    unit = options.pop("unit", "um")
    scale = {"um": 1, "nm": 1000, "\\u00B5m": 1, "micron": 1}[unit]
    sides = [side * scale for side in SPACED[:0:-1]]
    if options.get("resolutionunit") == "CENTIMETER":
        sides = [side / 1e4 for side in SPACED[:0:-1]]
    tifffile.imwrite(
        path, np.zeros(SHAPE, np.uint8), imagej=True, resolution=[1 / side for side in sides],
        metadata={"spacing": SPACED[0] * scale, "unit": unit, "axes": "ZYX"}, **options)


def ome(path, **options):
    tifffile.imwrite(
        path, np.zeros(SHAPE, np.uint8), ome=True, bigtiff=options.get("bigtiff", False), metadata={
            "axes": "ZYX", "PhysicalSizeX": SPACED[2], "PhysicalSizeXUnit": "µm", "PhysicalSizeY": SPACED[1] * 1000,
            "PhysicalSizeYUnit": "nm", "PhysicalSizeZ": SPACED[0], "PhysicalSizeZUnit": "µm"})


def ngff(path, version=2):
    group = zarr.open_group(str(path), mode="w", zarr_format=version)
    group.create_array("0", shape=(2, *SHAPE), chunks=(1, 4, 16, 16), dtype="u1")
    image = {
        "axes": [{"name": "c", "type": "channel"}] + [
            {"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"],
        "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, *SPACED]}]}]}
    group.attrs["ome" if version == 3 else "multiscales"] = {"multiscales": [image]} if version == 3 else [image]


LIKE = {
    "imagej.tif": image_j, "imagej_cm.tif": lambda path: image_j(path, resolutionunit="CENTIMETER"),
    "imagej_nm.tif": lambda path: image_j(path, unit="nm"),
    "imagej_micro.tif": lambda path: image_j(path, unit="\\u00B5m"), "be.tif": lambda path: image_j(path, byteorder=">"),
    "x.ome.tif": ome, "big.ome.tif": lambda path: ome(path, bigtiff=True), "x.ome.zarr": ngff,
    "v3.zarr": lambda path: ngff(path, 3),
}


@pytest.mark.parametrize("name", LIKE)
def test_like_an_image(tmp_path, neuron, name):
    LIKE[name](tmp_path / name)
    found = voxels(tmp_path, neuron.read_text(), "--like", tmp_path / name, "--force", box=False)
    assert found.shape == SHAPE
    said = report(tmp_path)
    assert said["voxel_spacing_um"] == pytest.approx(SPACED, rel=1e-6) and name in said["spacing_from"]
    assert np.array_equal(found, brute.label_volume(neuron.read_text(), SHAPE, said["voxel_spacing_um"]))


def test_like_a_hyperstack(tmp_path, neuron):
    """Channels and time points are no planes."""
    for number, (axes, shape) in enumerate({"TZCYX": (3, 5, 2), "ZCYX": (5, 2), "CYX": (2,)}.items()):
        path = tmp_path / f"{number}.tif"
        tifffile.imwrite(
            path, np.zeros(shape + (40, 46), np.uint8), imagej=True, resolution=(4, 5),
            metadata={"axes": axes, "spacing": 0.5, "unit": "um"})
        found = voxels(tmp_path, neuron.read_text(), "--like", path, "--force", box=False)
        assert found.shape == (5 if "Z" in axes else 1, 40, 46), axes


@pytest.mark.parametrize("name", ["x.tif", "x.ome.zarr"])
def test_like_what_the_tool_wrote(tmp_path, neuron, name):
    """What one run writes is the image of the next, its origin with it where the format says one."""
    origin = (2, 3, -1) if name.endswith("zarr") else (0, 0, 0)
    first = labelled(neuron, tmp_path / "first.npy", shape=SHAPE, spacing=SPACED, origin=origin)
    labelled(neuron, tmp_path / name, shape=SHAPE, spacing=SPACED, origin=origin)
    assert np.array_equal(voxels(tmp_path, neuron.read_text(), "--like", tmp_path / name, "--force", box=False), first)


def test_an_image_and_options_that_contradict_it(tmp_path, neuron):
    image_j(tmp_path / "i.tif")
    text = neuron.read_text()

    def like(*options, name="i.tif"):
        return run(tmp_path, text, "--like", tmp_path / name, "--force", *options, box=False)

    assert like("--shape", xyz(SHAPE), "--spacing", xyz(SPACED), "--origin", "1,2,3").returncode == 0
    refused(like("--shape", "46,40,15"), "--shape", "contradicts", "46,40,14")
    refused(like("--spacing", "0.25,0.2,0.4"), "--spacing", "contradicts", "i.tif")
    ngff(tmp_path / "i.zarr")
    assert like(name="i.zarr").returncode == 0


def test_images_without_a_spacing(tmp_path, neuron):
    text = neuron.read_text()
    plain, lateral = tmp_path / "plain.tif", tmp_path / "lateral.tif"
    tifffile.imwrite(plain, np.zeros(SHAPE, np.uint8), metadata=None, resolution=(72, 72), resolutionunit="INCH")
    tifffile.imwrite(
        lateral, np.zeros(SHAPE, np.uint8), metadata=None, resolution=(1e4 / SPACED[2], 1e4 / SPACED[1]),
        resolutionunit="CENTIMETER")
    zarr.create_array(str(tmp_path / "a.zarr"), shape=SHAPE, dtype="u1", zarr_format=2)
    for name, part in (("plain.tif", "no spacing"), ("lateral.tif", "only the spacing in x and y"), ("a.zarr", "no spacing")):
        refused(run(tmp_path, text, "--like", tmp_path / name, box=False), name, part, "--spacing")
        found = voxels(tmp_path, text, "--like", tmp_path / name, "--spacing", xyz(SPACED), "--force", box=False)
        assert np.array_equal(found, brute.label_volume(text, SHAPE, SPACED)), name
    refused(run(tmp_path, text, "--like", lateral, "--spacing", "0.3,0.2,0.5", box=False), "contradicts")


def test_what_is_no_image(tmp_path, neuron):
    text = neuron.read_text()
    (tmp_path / "text.tif").write_text("no image\n" * 99)
    (tmp_path / "empty.tif").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "bad.zarr").mkdir()
    (tmp_path / "bad.zarr" / ".zattrs").write_text('{"multiscales": [{"datasets": [{"path": "../no"}]}]}')
    for name in ("text.tif", "empty.tif", "folder", "fifo", "bad.zarr", "absent.tif"):
        refused(run(tmp_path, text, "--like", tmp_path / name, box=False), name)


def test_hostile_tiffs(tmp_path, neuron):
    """Cut, with a loop of directories, with offsets and counts beyond the file, and with random bytes flipped: an answer or
    a sentence, never a crash."""
    image_j(tmp_path / "i.tif")
    text, good = neuron.read_text(), (tmp_path / "i.tif").read_bytes()
    tifffile.imwrite(tmp_path / "p.tif", np.zeros((3, 8, 8), np.uint8), metadata=None, photometric="minisblack")
    pages = bytearray((tmp_path / "p.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "p.tif") as tiff:
        last = tiff.pages[2]
        end = last.offset + 2 + 12 * len(last.tags)
        loop = pages[:end] + struct.pack("<I", tiff.pages[0].offset) + pages[end + 4 :]
    random = np.random.default_rng(1)
    files = [good[:size] for size in (3, 7, 9, 60, 200)] + [bytes(loop)]
    files += [b"II*\0" + struct.pack("<I", offset) + b"\xff" * 40 for offset in (0, 4, 8, 0xFFFFFFFF)]
    files += [b"II+\0\x08\0\0\0" + struct.pack("<Q", offset) + b"\xff" * 40 for offset in (0, 16, 2**63 - 1, 2**64 - 1)]
    for _ in range(40):
        data = bytearray(good[:2000])
        for place in random.integers(0, 400, 6):
            data[place] = random.integers(256)
        files.append(bytes(data) + good[2000:])
    for data in files:
        (tmp_path / "h.tif").write_bytes(data)
        result = run(tmp_path, text, "--like", tmp_path / "h.tif", "--force", box=False)
        assert result.returncode in (0, 2), (result.returncode, result.stderr, data[:64])


def test_the_allen_spacing_is_assumed_aloud(tmp_path):
    text = "1 1 2 2 2 0.5 -1\n"
    result = run(tmp_path, text, "--shape", xyz(SHAPE), box=False)
    assert result.returncode == 0 and "no --spacing: the Allen stacks' 0.1144, 0.1144, 0.28 um assumed" in result.stdout
    assert report(tmp_path)["spacing_from"].startswith("assumed")
    assert "assumed" not in run(tmp_path, text, "--shape", xyz(SHAPE), "--spacing", xyz(SPACING), box=False).stdout
    result = run(tmp_path, text, box=False)
    assert result.returncode == 64 and "--like" in result.stderr
