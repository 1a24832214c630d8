"""A plane that the database does not have: said aloud, and unknown in volumes rather than background."""

import json
import subprocess

import numpy as np
import pytest
import tifffile
import zarr

from expected import meta, plane_name, planes
from harness import Mount, binary

# The trainable cell of the demo with a missing plane.
GAP = 900_000_120


@pytest.fixture(scope="module", params=["classes", "classes3", "binary"])
def cell(request, origin):
    """The folder of the cell in a mount whose labels/ holds a variant."""
    with Mount(origin.url, options=["--labels", request.param]) as mount:
        yield mount / "mouse" / str(GAP)


def test_volumes_of_labels(cell):
    """In labels.tif and on every level of labels.ome.zarr: the unknown value where there is no plane, else the planes."""
    missing, = meta(cell)["stack"]["missing_planes"]
    volume = tifffile.memmap(cell / "labels.tif", mode="r")
    assert (volume[missing] == 255).all()
    group = zarr.open_group(str(cell / "labels.ome.zarr"), mode="r")
    levels = sorted(group.array_keys())
    assert len(levels) > 1
    for level in levels:
        assert (group[level][missing] == 255).all(), level
        assert group[level].dtype == volume.dtype
    for plane in (missing - 1, missing + 1):
        file = tifffile.imread(cell / "labels" / plane_name(plane))
        assert np.array_equal(volume[plane], file) and np.array_equal(group["0"][plane], file)
        assert 0 < np.count_nonzero(file) < file.size
    assert meta(cell)["stack"]["planes_without_image"] == [missing]
    assert meta(cell)["labels"]["value_without_image"] == 255
    assert "take z from a file's name" in (cell.parent.parent / "README.txt").read_text()


def test_chunks_of_a_missing_plane_are_there(cell):
    """An absent chunk means background, so each one that has voxels of the plane exists; beyond the volume it is 0."""
    missing, = meta(cell)["stack"]["missing_planes"]
    for level in sorted(path.name for path in (cell / "labels.ome.zarr").iterdir() if path.is_dir()):
        array = cell / "labels.ome.zarr" / level
        layout = json.loads((array / ".zarray").read_text())
        depth, height, width = layout["chunks"]
        place = array / str(missing // depth)
        grid = [-(-side // step) for side, step in zip(layout["shape"], layout["chunks"])]
        assert sorted(int(path.name) for path in place.iterdir()) == list(range(grid[1]))
        for row in place.iterdir():
            assert sorted(int(path.name) for path in row.iterdir()) == list(range(grid[2]))
        corner = place / str(grid[1] - 1) / str(grid[2] - 1)
        data = corner.read_bytes()
        assert len(data) == corner.stat().st_size == depth * height * width * np.dtype(layout["dtype"]).itemsize
        plane = np.frombuffer(data, layout["dtype"]).reshape(layout["chunks"])[missing % depth]
        rows, columns = layout["shape"][1] - (grid[1] - 1) * height, layout["shape"][2] - (grid[2] - 1) * width
        assert (plane[:rows, :columns] == 255).all()
        assert np.count_nonzero(plane) == rows * columns


def test_the_images_are_black_there(demo):
    folder = demo / "mouse" / str(GAP)
    missing, = meta(folder)["stack"]["missing_planes"]
    assert missing not in planes(folder) and not (folder / "stack" / plane_name(missing)).exists()
    assert not tifffile.memmap(folder / "stack.tif", mode="r")[missing].any()
    assert not (folder / "stack.ome.zarr" / "0" / str(missing) / "0" / "0").exists()


def test_find_complete(demo):
    """The cells whose stack has every plane, by their files; a cell without images has no stack."""
    def find(*options):
        result = subprocess.run([binary(), "find", demo.path, "--json", *options], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return {row["id"]: row for row in json.loads(result.stdout)}

    cells, found = find(), find("--complete")
    for identifier, row in cells.items():
        folder = demo / row["species"] / str(identifier)
        names = sorted(path.name for path in (folder / "stack").iterdir()) if (folder / "stack").exists() else []
        complete = bool(names) and names == [plane_name(index) for index in range(meta(folder)["stack"]["shape"][0])]
        assert (identifier in found) == complete, identifier
    assert GAP in cells and GAP not in found and len(found) > 3
