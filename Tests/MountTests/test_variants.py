"""Every folder of labels against its definition, by brute force."""

import functools
import json

import numpy as np
import pytest
import tifffile

import brute
import harness
from expected import ORIGIN, SPACING, Tracing, meta, plane_name, planes

REAL = sorted(
    int(path.stem) for path in (harness.real_data() / "swc").glob("*.swc") if path.stem.isdigit()
) if harness.real_data() else []
DEMO = [900_000_112, 900_000_131, 900_000_203]
IGNORE_RADIUS = 5.0


@functools.lru_cache(maxsize=4)
def tracing_of(swc):
    return Tracing(swc)


class Cell:
    def __init__(self, mount, cell):
        self.folder = next(mount / species / str(cell) for species in ["mouse", "human"]
                           if (mount / species / str(cell)).exists())
        self.trace = tracing_of((self.folder / "skeleton.swc").read_bytes())
        self.meta = meta(self.folder)
        self.depth, self.height, self.width = self.meta["stack"]["shape"]
        marker = self.folder / "skeleton.marker"
        self.markers = brute.parse_markers(marker.read_bytes(), SPACING) if marker.exists() else []

    def read(self, folder, start, shape):
        """A window of one plane, through a memory map."""
        mapped = tifffile.memmap(self.folder / folder / plane_name(start[0]), mode="r")
        return np.array(mapped[start[1] : start[1] + shape[1], start[2] : start[2] + shape[2]])[None]

    def windows(self, count, extra=()):
        """Windows of one plane: around nodes, and around `extra` places (x, y, z) in um."""
        random = np.random.default_rng(self.meta["specimen_id"])
        there = sorted(planes(self.folder))
        places = [self.trace.voxel(int(index)) for index in random.integers(0, len(self.trace.nodes), count)]
        places += [[int(round(place[2 - n] / SPACING[n] - ORIGIN[n])) for n in range(3)] for place in extra]
        for z, y, x in places:
            z = min(there, key=lambda index: abs(index - z))
            yield ((z, int(np.clip(y - 80, 0, self.height - 160)), int(np.clip(x - 80, 0, self.width - 160))),
                   (1, min(160, self.height), min(160, self.width)))


@pytest.fixture(params=[*DEMO, *REAL], ids=str, scope="module")
def cell(request):
    return Cell(request.getfixturevalue("demo" if request.param in DEMO else "real"), request.param)


def assert_same(found, expected, what):
    assert found.dtype == expected.dtype
    wrong = np.argwhere(found != expected)
    assert len(wrong) == 0, f"{what}: {len(wrong)} voxels differ, first {wrong[0]}: {found[tuple(wrong[0])]}, " \
                            f"should be {expected[tuple(wrong[0])]}"


def test_classes3_and_binary(cell):
    merged = [3 if code == 4 else code for code in cell.trace.codes]
    for start, shape in cell.windows(10):
        assert_same(cell.read("labels-classes3", start, shape), cell.trace.window(start, shape, merged), "classes3")
        binary = cell.trace.window(start, shape, [1] * len(merged))
        assert_same(cell.read("labels-binary", start, shape), binary, "binary")
        assert binary.any()


def test_instance_and_its_table(cell):
    ids, classes = brute.sections(cell.trace.nodes)
    table = json.loads((cell.folder / "labels-instance.json").read_text())
    assert [section["id"] for section in table["sections"]] == list(range(1, len(classes)))
    assert [section["class"] for section in table["sections"]] == classes[1:]
    assert [section["nodes"] for section in table["sections"]] == np.bincount(ids)[1:].tolist()
    for section, length in zip(table["sections"], section_lengths(cell.trace.nodes, ids)):
        # The table's lengths have two decimals at least.
        assert section["length_um"] == pytest.approx(length, abs=0.051), section
    for section in table["sections"]:
        first = ids.index(section["id"])
        parent = cell.trace.nodes[first].parent
        # A section's parent is the section of its topmost node's parent.
        while parent >= 0 and ids[parent] == section["id"]:
            parent = cell.trace.nodes[parent].parent
        assert section["parent"] == (ids[parent] if parent >= 0 else 0), section
    seen = set()
    for start, shape in cell.windows(12):
        expected = cell.trace.window(start, shape, ids, np.uint16)
        assert_same(cell.read("labels-instance", start, shape), expected, "instance")
        seen |= set(np.unique(expected))
    assert len(seen) > 2


def section_lengths(nodes, ids):
    """Length of the edges of each section, that to its parent section included."""
    lengths = np.zeros(max(ids) + 1)
    for node, section in zip(nodes, ids):
        if node.parent >= 0:
            lengths[section] += np.linalg.norm(node.xyz - nodes[node.parent].xyz)
    return lengths[1:]


def test_centerline(cell):
    """The integer lines between voxels, of the edges that come near a window."""
    nodes, codes = cell.trace.nodes, cell.trace.codes
    voxels = [[int(np.floor(node.xyz[2 - n] / SPACING[n] - ORIGIN[n] + 0.5)) for n in range(3)] for node in nodes]
    for start, shape in cell.windows(10):
        expected = np.zeros(shape, np.uint8)
        for index, node in enumerate(nodes):
            last = voxels[index]
            first = voxels[node.parent] if node.parent >= 0 else last
            if any(max(first[n], last[n]) < start[n] or min(first[n], last[n]) >= start[n] + shape[n] for n in range(3)):
                continue
            steps = max(abs(b - a) for a, b in zip(first, last))
            for k in range(steps + 1):
                at = tuple(a - s + ((2 * (b - a) * k + steps) // (2 * steps) if steps else 0)
                           for a, b, s in zip(first, last, start))
                if all(0 <= place < side for place, side in zip(at, shape)):
                    expected[at] = min(expected[at] or 255, codes[index])
        assert_same(cell.read("labels-centerline", start, shape), expected, "centerline")


def test_distance(cell):
    """Signed distance, clipped at 2 um. Where a step is hit to within rounding either neighbour is right."""
    assert cell.meta["labels"]["variants"]["labels-distance"]["clip_um"] == 2.0
    for start, shape in cell.windows(8):
        field = np.full(shape, 2.0)
        for _, box, distance in cell.trace.distances(start, shape, reach=2.0):
            field[box] = np.minimum(field[box], distance)
        field = np.maximum(field, -2.0)
        expected, found = brute.distance_codes(field), cell.read("labels-distance", start, shape)
        steps = brute.distance_steps(field)
        differs = found != expected
        assert np.all(np.abs(found[differs].astype(int) - expected[differs]) == 1)
        assert np.all(np.abs(steps[differs] - np.round(steps[differs])) < 1e-6)
        # The surface itself is where the classes begin.
        assert np.array_equal(found >= 128, cell.trace.window(start, shape) > 0)


def test_nodes(cell):
    sigma = cell.meta["labels"]["variants"]["labels-nodes"]["sigma_um"]
    assert sigma == 0.5
    children = np.zeros(len(cell.trace.nodes), int)
    for node in cell.trace.nodes:
        if node.parent >= 0:
            children[node.parent] += 1
    marked = np.array([node.xyz[::-1] for node, count in zip(cell.trace.nodes, children) if node.type == 1 or count != 1])
    peaks = 0
    for start, shape in cell.windows(4, extra=marked[:: max(1, len(marked) // 4), ::-1][:4]):
        z, y, x = ((np.arange(side) + float(first + origin)) * spacing
                   for side, first, origin, spacing in zip(shape, start, ORIGIN, SPACING))
        low, high = [z[0], y[0], x[0]], [z[-1], y[-1], x[-1]]
        near = marked[np.all((marked > np.array(low) - 4) & (marked < np.array(high) + 4), axis=1)]
        squared = np.full(shape, np.inf)
        for place in near:
            squared = np.minimum(squared, (z[:, None, None] - place[0]) ** 2 + (y[None, :, None] - place[1]) ** 2
                                 + (x[None, None, :] - place[2]) ** 2)
        exact = 255 * np.exp(-squared / (2 * sigma * sigma))
        found = cell.read("labels-nodes", start, shape).astype(float)
        assert np.all(np.abs(found - exact) <= 0.5 + 1e-6)
        peaks += np.count_nonzero(found > 100)
    assert peaks > 0


def test_ignore(cell):
    markers = [np.array(marker[:3]) for marker in cell.markers if marker[3] in (10, 20)]
    ignored = 0
    for start, shape in cell.windows(4, extra=[marker for marker in markers[:6]]):
        expected = cell.trace.window(start, shape)
        z, y, x = ((np.arange(side) + float(first + origin)) * spacing
                   for side, first, origin, spacing in zip(shape, start, ORIGIN, SPACING))
        for marker in markers:
            away = np.sqrt((z[:, None, None] - marker[2]) ** 2 + (y[None, :, None] - marker[1]) ** 2
                           + (x[None, None, :] - marker[0]) ** 2)
            expected[away - IGNORE_RADIUS <= brute.TOLERANCE] = 255
        assert_same(cell.read("labels-ignore", start, shape), expected, "ignore")
        ignored += np.count_nonzero(expected == 255)
    assert bool(ignored) == bool(markers)


@pytest.mark.parametrize("labels", ["classes3", "binary"])
def test_what_labels_holds_is_an_option(origin, labels):
    with harness.Mount(origin.url, options=["--labels", labels]) as mount:
        cell = Cell(mount, 900_000_131)
        for start, shape in cell.windows(4):
            assert np.array_equal(cell.read("labels", start, shape), cell.read(f"labels-{labels}", start, shape))
        assert cell.meta["labels"]["main"].removeprefix("labels-") == labels
