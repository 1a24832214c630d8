"""zarr 2, which many pipelines still pin: the same arrays, without a warning. Runs in an environment of its own
(.venv-zarr2), because zarr 2 and 3 are one package."""

import warnings

import numpy as np
import pytest

import harness
from label_tool import labelled

zarr = pytest.importorskip("zarr")
if int(zarr.__version__.split(".")[0]) != 2:
    pytest.skip("this environment has another zarr: see .venv-zarr2", allow_module_level=True)

SMALL = 900_000_112


@pytest.mark.parametrize("series", ["stack", "labels"])
def test_zarr2_reads_what_the_planes_hold(origin, series):
    with harness.Mount(origin.url) as mount, warnings.catch_warnings():
        warnings.simplefilter("error")
        folder = mount / "mouse" / str(SMALL)
        group = zarr.open_consolidated(str(folder / f"{series}.ome.zarr"), mode="r")
        array = group["0"]
        single = zarr.open_group(str(folder / f"{series}.ome.zarr"), mode="r")
        assert dict(group.attrs) == dict(single.attrs)
        assert [(name, array.shape) for name, array in group.arrays()] == [
            (name, array.shape) for name, array in single.arrays()]
        depth, height, width = array.shape
        assert array.dtype == np.uint8 and len(group.attrs["multiscales"][0]["datasets"]) == len(list(group.arrays()))
        for index in (0, 37, depth - 1):
            data = (folder / series / f"{index:04}.tif").read_bytes()
            # The pixels are the end of an uncompressed TIFF of one strip.
            plane = np.frombuffer(data[len(data) - height * width:], np.uint8).reshape(height, width)
            assert np.array_equal(array[index], plane)


def test_zarr2_opens_what_the_tool_writes(tmp_path):
    swc = tmp_path / "cell.swc"
    swc.write_text("1 1 10 10 2 3 -1\n2 3 120 60 4 0.2 1\n")
    labelled(swc, tmp_path / "x.ome.zarr", shape=(5, 700, 520), spacing=(1, 0.5, 0.5), force=False)
    group = zarr.open_consolidated(str(tmp_path / "x.ome.zarr"), mode="r")
    single = zarr.open_group(str(tmp_path / "x.ome.zarr"), mode="r")
    assert len(list(group.arrays())) == 3 and dict(group.attrs) == dict(single.attrs)
    for name, array in group.arrays():
        assert array.shape == single[name].shape and np.array_equal(array[:], single[name][:]) and array[:].any()
