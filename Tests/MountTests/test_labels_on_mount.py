"""Label files against brute force, and against the images they belong to."""

import functools
import json
import os

import cv2
import numpy as np
import pytest
import tifffile

import brute
import harness
from expected import ORIGIN, SPACING, Tracing, components, meta, plane_name, planes, tile

# The demo's trainable cells with what is odd about them; `test_the_cells_are_what_the_tests_take_them_for` checks it.
CELLS = {
    900_000_101: "a full axon",
    900_000_105: "ids from 0",
    900_000_112: "several roots",
    900_000_120: "CRLF, and a missing plane",
    900_000_131: "a parent after its child",
    900_000_152: "a dendrite alone",
    900_000_203: "a stack from section 26",
    900_000_207: "human, full",
    900_000_221: "human, dendrite",
}
HUMAN = {900_000_203, 900_000_207, 900_000_221}
REAL = sorted(
    int(path.stem) for path in (harness.real_data() / "swc").glob("*.swc") if path.stem.isdigit()
) if harness.real_data() else []

cells = pytest.mark.parametrize("cell", CELLS, ids=str)
real_cells = pytest.mark.parametrize(
    "cell", REAL or [pytest.param(None, marks=pytest.mark.skip("no real data beside the checkout"))], ids=str)


def demo_folder(mount, cell):
    return mount / ("human" if cell in HUMAN else "mouse") / str(cell)


def real_folder(mount, cell):
    return next(mount / species / str(cell) for species in ["mouse", "human"] if (mount / species / str(cell)).exists())


@functools.lru_cache(maxsize=4)
def tracing_of(swc):
    return Tracing(swc)


def tracing(folder):
    return tracing_of((folder / "skeleton.swc").read_bytes())


def soma_plane(folder):
    node = next(i for i, node in enumerate(tracing(folder).nodes) if node.type == 1)
    return tracing(folder).voxel(node)[0]


def assert_same(found, expected, what):
    assert found.shape == expected.shape and found.dtype == expected.dtype, what
    wrong = np.argwhere(found != expected)
    assert len(wrong) == 0, (
        f"{what}: {len(wrong)} voxels differ, first at {wrong[0]}: {found[tuple(wrong[0])]}, "
        f"should be {expected[tuple(wrong[0])]}")


# --- every voxel ------------------------------------------------------------------------------------------------------


def test_the_cells_are_what_the_tests_take_them_for(demo):
    found = {int(name) for species in ["mouse", "human"] for name in os.listdir(demo / "trainable" / species)}
    assert found == set(CELLS)
    swc = {cell: (demo_folder(demo, cell) / "skeleton.swc").read_bytes() for cell in CELLS}
    nodes = {cell: brute.parse(data) for cell, data in swc.items()}
    assert min(node.id for node in nodes[900_000_105]) == 0
    assert sum(node.parent < 0 for node in nodes[900_000_112]) > 1
    assert b"\r\n" in swc[900_000_120]
    assert meta(demo_folder(demo, 900_000_120))["stack"]["missing_planes"]
    assert any(node.parent > index for index, node in enumerate(nodes[900_000_131]))
    assert meta(demo_folder(demo, 900_000_203))["stack"]["first_section_number"] == 26
    assert {code for data in nodes.values() for code in brute.classes(data)} >= {1, 2, 3, 4}


@cells
def test_meta_says_what_was_found_and_which_rules(demo, cell):
    folder = demo_folder(demo, cell)
    trace, found = tracing(folder), meta(folder)
    assert (folder / "meta.json").stat().st_size == len((folder / "meta.json").read_bytes())
    assert found["skeleton"]["findings"] == {
        "nodes": len(trace.nodes), "roots": trace.roots, "parents_not_in_file": 0, "inferred_classes": 0,
        "unknown_classes": trace.codes.count(255), "nodes_in_comments": 0, "three_point_somata": 0, "outlined_somata": 0,
        "outline_nodes": 0, "thin_soma_nodes": 0, "units": "um", "units_from": "assumed", "warnings": []}
    assert found["skeleton"]["refused"] is None and found["labels"]["label_rules"] == 2
    plane = plane_name(sorted(planes(folder))[0])
    for name in (f"labels/{plane}", f"labels-nodes/{plane}", "labels.tif"):
        with tifffile.TiffFile(folder / name) as tiff:
            assert "label_rules=2" in tiff.pages[0].description, name
    with tifffile.TiffFile(folder / "stack" / plane) as tiff:
        assert "label_rules" not in tiff.pages[0].description


@cells
def test_whole_planes(demo, cell):
    folder = demo_folder(demo, cell)
    depth, *shape = meta(folder)["stack"]["shape"]
    there = sorted(planes(folder))
    random = np.random.default_rng(cell)
    for index in sorted({there[0], soma_plane(folder), there[-1], *random.choice(there, 3).tolist()}):
        found = tifffile.imread(folder / "labels" / plane_name(index))
        assert_same(found, tracing(folder).plane(index, shape), f"{cell}, plane {index}")


def test_every_plane_of_a_cell(demo):
    """All 80 planes: no voxel of a quarter of a milliard differs."""
    folder = demo_folder(demo, 900_000_112)
    depth, *shape = meta(folder)["stack"]["shape"]
    labelled = 0
    for index in range(depth):
        found = tifffile.imread(folder / "labels" / plane_name(index))
        assert_same(found, tracing(folder).plane(index, shape), f"plane {index}")
        labelled += np.count_nonzero(found)
    assert labelled > 100_000


def windows(trace, shape, count, seed, side=96):
    """Windows (z, y, x) to compare: around nodes, and at every border and corner of the volume."""
    random = np.random.default_rng(seed)
    depth, height, width = shape
    for index in random.integers(0, len(trace.nodes), count):
        z, y, x = trace.voxel(index)
        jitter = random.integers(-side, side, 2)
        yield (int(np.clip(z + random.integers(-1, 2), 0, depth - 1)),
               int(np.clip(y - side + jitter[0], 0, height - 1)), int(np.clip(x - side + jitter[1], 0, width - 1)))
    # Nodes farthest out: where a frame or an offset would be wrong first.
    places = np.array([node.xyz for node in trace.nodes])
    for axis in range(3):
        for index in (places[:, axis].argmin(), places[:, axis].argmax()):
            z, y, x = trace.voxel(int(index))
            yield (int(np.clip(z, 0, depth - 1)), int(np.clip(y - side, 0, height - 1)),
                   int(np.clip(x - side, 0, width - 1)))
    for z in (0, depth - 1):
        for y in (0, height - side):
            for x in (0, width - side):
                yield z, y, x


@real_cells
def test_windows_of_real_skeletons(real, cell):
    """Windows on the neuron, over strip borders, and at the borders of the planes and of the stack, by memory map."""
    folder = real_folder(real, cell)
    trace = tracing(folder)
    depth, height, width = meta(folder)["stack"]["shape"]
    labelled = 0
    for z, y, x in windows(trace, (depth, height, width), 40, cell):
        size = min(192, height - y), min(192, width - x)
        mapped = tifffile.memmap(folder / "labels" / plane_name(z), mode="r")
        assert mapped.shape == (height, width)
        found = np.array(mapped[y : y + size[0], x : x + size[1]])
        assert_same(found, trace.window((z, y, x), (1, *size))[0], f"{cell}, window at {z, y, x}")
        labelled += np.count_nonzero(found)
    assert labelled > 1000


@real_cells
def test_a_whole_plane_of_a_real_skeleton(real, cell):
    folder = real_folder(real, cell)
    _, *shape = meta(folder)["stack"]["shape"]
    index = soma_plane(folder)
    found = tifffile.imread(folder / "labels" / plane_name(index))
    assert_same(found, tracing(folder).plane(index, shape), f"{cell}, plane {index}")
    assert 1 in found


# --- OME-Zarr: the chunks that there are, and levels with their own floor ---------------------------------------------


def chunks(folder, level):
    """(chunk index, chunk) for every chunk file of labels.ome.zarr that exists."""
    array = folder / "labels.ome.zarr" / str(level)
    layout = json.loads((array / ".zarray").read_text())
    for z in sorted(os.listdir(array)):
        if not z.startswith("."):
            for y in sorted(os.listdir(array / z)):
                for x in sorted(os.listdir(array / z / y)):
                    data = np.frombuffer((array / z / y / x).read_bytes(), layout["dtype"])
                    yield (int(z), int(y), int(x)), data.reshape(layout["chunks"])


def level_of(folder, level):
    return json.loads((folder / "labels.ome.zarr" / str(level) / ".zarray").read_text())


def compare_chunk(trace, place, chunk, shape):
    start = [index * side for index, side in zip(place, chunk.shape)]
    size = [min(side, length - first) for side, length, first in zip(chunk.shape, shape, start)]
    inside = tuple(slice(0, length) for length in size)
    assert_same(chunk[inside], trace.window(start, size), f"chunk {place}")
    outside = chunk.copy()
    outside[inside] = 0
    assert not outside.any(), f"chunk {place} holds labels beyond the volume's edge"


def test_every_chunk_of_every_level(demo):
    folder = demo_folder(demo, 900_000_112)
    shape = meta(folder)["stack"]["shape"]
    levels = json.loads((folder / "labels.ome.zarr" / ".zattrs").read_text())["multiscales"][0]["datasets"]
    assert len(levels) >= 3
    for level in range(len(levels)):
        trace, level_shape = tracing(folder).level(level, shape)
        layout = level_of(folder, level)
        assert tuple(layout["shape"]) == tuple(level_shape)
        present = {}
        for place, chunk in chunks(folder, level):
            compare_chunk(trace, place, chunk, level_shape)
            assert chunk.any(), f"level {level}: chunk {place} exists and is empty"
            present[place] = True
        # What is absent is background, by brute force: no solid leaves a voxel there.
        counts = [-(-side // step) for side, step in zip(level_shape, layout["chunks"])]
        absent = [place for place in np.ndindex(*counts) if place not in present]
        assert present and (absent or level > 0)
        for place in absent:
            start = [index * side for index, side in zip(place, layout["chunks"])]
            size = [min(step, side - first) for step, side, first in zip(layout["chunks"], level_shape, start)]
            assert not trace.window(start, size).any(), f"level {level}: chunk {place} is missing"


@real_cells
def test_chunks_of_real_skeletons(real, cell):
    """Some chunks of each level, the first and last among them."""
    folder = real_folder(real, cell)
    shape = meta(folder)["stack"]["shape"]
    levels = json.loads((folder / "labels.ome.zarr" / ".zattrs").read_text())["multiscales"][0]["datasets"]
    random = np.random.default_rng(cell)
    for level in range(len(levels)):
        trace, level_shape = tracing(folder).level(level, shape)
        assert tuple(level_of(folder, level)["shape"]) == tuple(level_shape)
        present = list(chunk_places(folder, level))
        assert present
        chosen = {0, len(present) - 1, *random.integers(0, len(present), 2).tolist()}
        for place in [present[index] for index in sorted(chosen)]:
            layout = level_of(folder, level)
            path = folder / "labels.ome.zarr" / str(level) / "/".join(map(str, place))
            chunk = np.frombuffer(path.read_bytes(), np.uint8).reshape(layout["chunks"])
            compare_chunk(trace, place, chunk, level_shape)


def chunk_places(folder, level):
    array = folder / "labels.ome.zarr" / str(level)
    for z in sorted((name for name in os.listdir(array) if name != ".zarray"), key=int):
        for y in sorted(os.listdir(array / z), key=int):
            for x in sorted(os.listdir(array / z / y), key=int):
                yield int(z), int(y), int(x)


# --- connected --------------------------------------------------------------------------------------------------------


def labelled_voxels(folder, level):
    layout = level_of(folder, level)
    parts = [np.argwhere(chunk) + np.array(place) * layout["chunks"] for place, chunk in chunks(folder, level)]
    return np.concatenate(parts)


@cells
def test_no_more_pieces_than_roots(demo, cell):
    folder = demo_folder(demo, cell)
    if json.loads((folder / "meta.json").read_text())["stack"]["missing_planes"]:
        pytest.skip("a plane that the database does not have cuts the neuron")
    for level in range(3):
        voxels = labelled_voxels(folder, level)
        assert 0 < components(voxels) <= tracing(folder).roots, f"level {level}"


@real_cells
def test_no_more_pieces_than_roots_of_real_skeletons(real, cell):
    folder = real_folder(real, cell)
    # The finest level of a large neuron is a gigabyte of chunks: small ones and coarser levels are the short form.
    finest = 1 if len(tracing(folder).nodes) > 2000 and not os.environ.get("NEURONFS_LONG_TESTS") else 0
    for level in range(finest, finest + 2):
        voxels = labelled_voxels(folder, level)
        assert 0 < components(voxels) <= tracing(folder).roots, f"level {level}"


# --- pairs ------------------------------------------------------------------------------------------------------------


@cells
def test_pairs_agree_name_by_name_and_tag_by_tag(demo, cell):
    folder = demo_folder(demo, cell)
    names = sorted(os.listdir(folder / "stack"))
    variants = [name for name in os.listdir(folder) if name.startswith("labels") and (folder / name).is_dir()
                and not name.endswith(".zarr")]
    assert len(variants) == 8
    for variant in variants:
        assert sorted(os.listdir(folder / variant)) == names, variant
    for name in names[:: max(1, len(names) // 4)]:
        with tifffile.TiffFile(folder / "stack" / name) as image:
            for variant in variants:
                with tifffile.TiffFile(folder / variant / name) as label:
                    assert_tags_agree(image.pages[0], label.pages[0], f"{variant}/{name}")


def assert_tags_agree(image, label, what):
    """All tags but those that say how wide a sample is and where its strips are."""
    own = {"BitsPerSample", "StripOffsets", "StripByteCounts", "ImageDescription", "SampleFormat", "DocumentName"}
    names = {tag.name for tag in image.tags} | {tag.name for tag in label.tags}
    assert image.shape == label.shape, what
    for name in names - own:
        assert name in image.tags and name in label.tags, f"{what}: {name}"
        assert image.tags[name].value == label.tags[name].value, f"{what}: {name}"
    assert (image.tags["XResolution"].value, image.tags["ResolutionUnit"].value) == ((12_500_000, 143), 3)


# --- aligned ----------------------------------------------------------------------------------------------------------


def test_a_plane_is_the_section_of_its_number(demo, origin):
    """The stack begins at section 26: plane 0 is the image the database numbers 26, found by a query of our own."""
    import requests

    folder = demo_folder(demo, 900_000_203)
    reply = requests.get(
        f"{origin.url}/api/v2/data/query.json",
        {"criteria": "model::SubImage,rma::criteria,data_set[specimen_id$eq900000203],rma::options[num_rows$eqall]"},
        timeout=60).json()
    rows = {row["section_number"]: row for row in reply["msg"]}
    assert min(rows) == 26
    assert sorted(os.listdir(folder / "stack")) == sorted(plane_name(number - 26) for number in rows)
    for number in [26, 27, 100]:
        row = rows[number]
        assert (row["x"], row["y"]) == (1, 1)
        path = folder / "stack" / plane_name(number - 26)
        # Full frame, one request: the plane's first pixel is its pixel (1, 1). Not the tiles' JPEGs, so not exactly.
        whole = tile(origin.url, row["id"], 0, 0, row["image_width"], row["image_height"]).astype(int)
        found = tifffile.imread(path).astype(int)
        cut = whole[1 : 1 + found.shape[0], 1 : 1 + found.shape[1]]
        error = np.abs(found - cut).mean()
        for dy, dx in [(0, 1), (1, 0), (2, 1), (1, 2), (0, 0), (2, 2)]:
            moved = whole[dy : dy + found.shape[0], dx : dx + found.shape[1]]
            both = tuple(slice(0, side) for side in moved.shape)
            assert error < np.abs(found[both] - moved).mean(), (dy, dx)


def test_labels_lie_one_pixel_into_the_frame(demo):
    """Brute force with the plane's corner at (0, 0) of the frame gives another plane: the test would notice."""
    folder = demo_folder(demo, 900_000_203)
    depth, *shape = meta(folder)["stack"]["shape"]
    index = soma_plane(folder)
    found = tifffile.imread(folder / "labels" / plane_name(index))
    assert_same(found, tracing(folder).plane(index, shape), "with the corner at (1, 1)")
    swc = (folder / "skeleton.swc").read_bytes()
    for origin in [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 1, 1), (-1, 1, 1)]:
        assert not np.array_equal(Tracing(swc, SPACING, origin).plane(index, shape), found), origin
    assert ORIGIN == (0, 1, 1)


@pytest.mark.parametrize("cell", [900_000_112, 900_000_120, 900_000_203], ids=str)
def test_the_image_is_dark_under_its_label(demo, cell):
    """Stained neurites are dark. Moved by a few pixels or planes, labels lie on brighter image."""
    folder = demo_folder(demo, cell)
    trace = tracing(folder)
    depth, height, width = meta(folder)["stack"]["shape"]
    nodes = [trace.voxel(index) for index, node in enumerate(trace.nodes) if node.type != 1]
    shifts = [(0, 0, 0), (0, 0, 12), (0, 0, -12), (0, 12, 0), (0, -12, 0), (4, 0, 0), (-4, 0, 0)]
    sums, counts = dict.fromkeys(shifts, 0.0), dict.fromkeys(shifts, 0)
    around = pixels = 0

    def crop(series, z, y, x):
        mapped = tifffile.memmap(folder / series / plane_name(z), mode="r")
        return np.array(mapped[y : y + 384, x : x + 384])

    for node in np.random.default_rng(cell).permutation(len(nodes)):
        z, y, x = nodes[node]
        y, x = min(max(0, y - 192), height - 384), min(max(0, x - 192), width - 384)
        if not all((folder / "stack" / plane_name(z + shift)).exists() for shift in (-4, 0, 4)):
            continue
        label = crop("labels", z, y, x) > 0
        image = {shift: crop("stack", z + shift, y, x) for shift in (-4, 0, 4)}
        ring = cv2.dilate(label.view(np.uint8), np.ones((81, 81), np.uint8)).astype(bool)
        ring &= ~cv2.dilate(label.view(np.uint8), np.ones((41, 41), np.uint8)).astype(bool)
        around += image[0][ring].mean() * label.sum()
        pixels += label.sum()
        for shift in shifts:
            moved = np.roll(label, shift[1:], (0, 1))
            sums[shift] += image[shift[0]][moved].sum()
            counts[shift] += moved.sum()
        if pixels > 20_000:
            break
    means = {shift: sums[shift] / counts[shift] for shift in shifts}
    assert means[0, 0, 0] < around / pixels - 10
    assert min(means, key=means.get) == (0, 0, 0), means
