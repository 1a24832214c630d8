"""`neuronfs label` on small skeletons of the kinds that other programs write.

The skeletons are those of public bug reports, cut down: NeuroM 614, 735, 837, MorphIO 273, 299, jaxley 477, arbor 2471,
nat 391, and FlyWire's ids.
"""

import json
import subprocess

import numpy as np
import pytest
import tifffile

import brute
from harness import binary
from label_tool import refused, xyz

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
    assert report(tmp_path)["skeleton"]["outlined_somata"] == [24]
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
