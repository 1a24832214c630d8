"""What the database may hold or send that is no good: it costs the labels it concerns, never a wrong voxel, and says why."""

import csv
import errno
import io
import json
import os
import pathlib
import tempfile

import numpy as np
import pytest
import requests
import tifffile

import harness
from expected import Tracing, meta, plane_name
from fault_proxy import FaultProxy
from harness import Mount, Origin, wait_until

WIDTH, HEIGHT, PLANES = 402, 302, 40

GOOD = b"""# a small neuron
1 1 20.0 15.0 5.0 3.0 -1
2 3 26.0 16.0 5.4 0.4 1
3 3 30.0 20.0 7.0 0.2 2
4 2 14.0 12.0 3.0 0.1144 1
"""


def two_million():
    """A path through the frame, 2,000,001 nodes: right in every line, and more than any neuron has."""
    numbers = np.arange(1, 2_000_002)
    x = 5 + numbers % 200 * 0.1
    return b"".join(
        b"%d 3 %.2f 15 5 0.2 %d\n" % (number, place, number - 1 if number > 1 else -1)
        for number, place in zip(numbers.tolist(), x.tolist()))


def altered(old, new):
    assert old in GOOD
    return GOOD.replace(old, new)


# Name -> bytes, and what the log says of them: words of the reason, and the line at fault where there is one.
BAD = {
    "missing column": (altered(b"30.0 20.0 7.0 0.2 2", b"30.0 20.0 7.0 0.2"), ["parent"], 4),
    "NaN": (altered(b"26.0", b"NaN"), ["x is not a finite number"], 3),
    "infinite": (altered(b"26.0", b"1e999"), ["x is not a finite number"], 3),
    "no number": (altered(b"16.0", b"sixteen"), ["y is not a finite number", "sixteen"], 3),
    "negative radius": (altered(b"7.0 0.2", b"7.0 -0.2"), ["radius is negative"], 4),
    "cycle": (altered(b"5.4 0.4 1", b"5.4 0.4 3"), ["own ancestor"], None),
    "own parent": (altered(b"7.0 0.2 2", b"7.0 0.2 3"), ["own parent"], 4),
    "an id twice": (altered(b"4 2 14.0", b"3 2 14.0"), ["id 3 appears twice"], 5),
    "two million nodes": (two_million(), ["more than", "nodes"], None),
    "binary garbage": (np.random.default_rng(8).integers(0, 256, 30_000).astype(np.uint8).tobytes(), [], None),
    "text of another kind": (b"<html><body>Something went wrong</body></html>\n", ["id is not a finite number"], 1),
    "a NUL byte": (altered(b"20.0 15.0", b"20.0\x0015.0"), ["NUL"], 2),
    "comments alone": (b"# nothing\n# here\n", ["no node"], None),
    "upright": (altered(b"20.0 15.0 5.0", b"-220.0 15.0 5.0"), ["upright", "transformed"], None),
    "in another frame": (altered(b"20.0 15.0 5.0", b"420.0 15.0 5.0"), ["leave the image"], None),
}
# Odd and right: drawn.
ODD = {
    "good": GOOD,
    "dangling parent": altered(b"5.4 0.4 1", b"5.4 0.4 77"),
    "zero radius": altered(b"7.0 0.2", b"7.0 0"),
    "more columns": altered(b"7.0 0.2 2", b"7.0 0.2 2 0 1 9.5"),
    "no newline at the end": GOOD.rstrip(b"\n"),
    "old Macintosh": GOOD.replace(b"\n", b"\r"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "types 0 and 7": altered(b"4 2 14.0", b"4 7 14.0").replace(b"3 3 30.0", b"3 0 30.0"),
}
CASES = {name: data for name, (data, _, _) in BAD.items()} | ODD


def specimen(name):
    return 700_000_001 + list(CASES).index(name)


@pytest.fixture(scope="module")
def data_folder(demo):
    """Files for `serve-demo --data`: a catalogue of one row a case, made of a row of the demo's own."""
    rows = list(csv.DictReader((demo / "cells.csv").read_text().splitlines()))
    model = next(row for row in rows if row["specimen__id"] == "900000112")
    with tempfile.TemporaryDirectory(prefix="neuronfs-data-") as name:
        folder = pathlib.Path(name)
        (folder / "swc").mkdir()
        (folder / "rma").mkdir()
        table = io.StringIO()
        writer = csv.DictWriter(table, list(model))
        writer.writeheader()
        for number, (case, data) in enumerate(CASES.items()):
            cell = specimen(case)
            writer.writerow(model | {
                "specimen__id": cell, "specimen__name": f"cell {number}", "nrwkf__id": 710_000_000 + 10 * number,
                "erwkf__id": "", "si__width": WIDTH, "si__height": HEIGHT})
            (folder / "swc" / f"{cell}.swc").write_bytes(data)
            # The number of planes would otherwise follow from the skeleton.
            plane = {
                "id": 720_000_000 + 1000 * number, "data_set_id": 730_000_000 + number, "section_number": 2, "x": 1, "y": 1,
                "width": WIDTH - 2, "height": HEIGHT - 2, "image_width": WIDTH, "image_height": HEIGHT,
                "resolution": 0.1144, "failed": False, "image_type": "Primary", "number_of_components": 3,
                "bits_per_component": 8, "tier_count": 3, "path": f"/external/mousecelltypes/prod0/{cell}.aff"}
            (folder / "rma" / f"subimage_{cell}_first1of{PLANES}.json").write_text(
                json.dumps({"success": True, "total_rows": PLANES, "num_rows": 1, "start_row": 0, "msg": [plane]}))
        (folder / "cell_types_specimen_details.csv").write_text(table.getvalue())
        yield folder


@pytest.fixture(scope="module")
def bad_origin(data_folder):
    with Origin(data=data_folder) as origin:
        yield origin


@pytest.fixture(scope="module")
def bad(bad_origin):
    with Mount(bad_origin.url) as mount:
        yield mount


def errno_of(action):
    with pytest.raises(OSError) as caught:
        action()
    return caught.value.errno


def log_lines(mount, url):
    return [line for line in mount.log_text().splitlines() if url in line and "skeleton" in line]


@pytest.mark.parametrize("case", BAD)
def test_bad_skeleton(bad, case):
    """Its bytes are served; labels are EIO with one line in the log that names file, line and reason."""
    data, words, line = BAD[case]
    folder = bad / "mouse" / str(specimen(case))
    assert (folder / "skeleton.swc").read_bytes() == data
    assert sorted(os.listdir(folder / "labels")) == [plane_name(index) for index in range(PLANES)]
    assert meta(folder)["specimen_id"] == specimen(case)
    refused = meta(folder)["skeleton"]["refused"]
    assert all(word in refused for word in words) and (line is None or f"line {line}" in refused), refused
    url = os.getxattr(folder / "skeleton.swc", "user.neuronfs.url").decode()
    assert errno_of(lambda: (folder / "labels" / plane_name(18)).read_bytes()) == errno.EIO
    lines = log_lines(bad, url)
    assert len(lines) == 1, lines
    assert "error" in lines[0].lower()
    for word in [*words, str(specimen(case))]:
        assert word in lines[0], lines[0]
    if line is not None:
        assert f"line {line}" in lines[0], lines[0]
    # Every other kind of label, too; images do not depend on the skeleton's file.
    for name in ["labels-instance/0018.tif", "labels-distance/0018.tif", "labels-nodes/0018.tif", "labels-binary/0018.tif",
                 "labels-centerline/0018.tif", "labels.tif"]:
        assert errno_of(lambda: (folder / name).read_bytes()) == errno.EIO, name
    assert (folder / "skeleton.swc").read_bytes() == data
    assert "mouse" in os.listdir(bad.path)


@pytest.mark.parametrize("case", BAD)
def test_ls_of_a_cell_with_a_bad_skeleton(bad, case):
    """A folder of which one file cannot be made still lists."""
    folder = bad / "mouse" / str(specimen(case))
    names = os.listdir(folder)
    assert {"skeleton.swc", "stack", "labels", "meta.json"} <= set(names)
    for name in ["skeleton.swc", "stack", "labels", "meta.json", "labels/0018.tif", "stack/0018.tif"]:
        os.stat(folder / name)


@pytest.mark.parametrize("case", ODD)
def test_odd_skeleton_is_drawn(bad, case):
    folder = bad / "mouse" / str(specimen(case))
    assert (folder / "skeleton.swc").read_bytes() == ODD[case]
    # The brute force's parser knows no byte order mark.
    tracing = Tracing(ODD[case].removeprefix(b"\xef\xbb\xbf"))
    found = np.stack([tifffile.imread(folder / "labels" / plane_name(index)) for index in range(PLANES)])
    assert np.array_equal(found, tracing.window((0, 0, 0), (PLANES, HEIGHT - 2, WIDTH - 2)))
    assert found.any()
    findings = meta(folder)["skeleton"]["findings"]
    assert meta(folder)["skeleton"]["refused"] is None and findings["roots"] == tracing.roots
    assert findings["nodes"] == len(tracing.nodes) and findings["unknown_classes"] == tracing.codes.count(255)
    if case == "dangling parent":
        assert tracing.roots == 2 and findings["parents_not_in_file"] == 1
        assert findings["warnings"][0].startswith("1 node names a parent")
        url = os.getxattr(folder / "skeleton.swc", "user.neuronfs.url").decode()
        assert any("1 node names a parent" in line for line in log_lines(bad, url))
    else:
        assert findings["warnings"] == [] and findings["parents_not_in_file"] == 0


def test_an_empty_skeleton_file(bad_origin, demo, data_folder):
    """Zero bytes from the origin: an error, or an empty file; no labels in either case."""
    cell = specimen("good")
    path = data_folder / "swc" / f"{cell}.swc"
    before = path.read_bytes()
    path.write_bytes(b"")
    try:
        with Origin(data=data_folder) as origin, Mount(origin.url) as mount:
            folder = mount / "mouse" / str(cell)
            try:
                assert (folder / "skeleton.swc").read_bytes() == b""
            except OSError as error:
                assert error.errno == errno.EIO
            assert errno_of(lambda: (folder / "labels" / plane_name(18)).read_bytes()) == errno.EIO
            assert "skeleton.swc" in os.listdir(folder)
    finally:
        path.write_bytes(before)


@pytest.mark.skipif(harness.real_data() is None, reason="no real data beside the checkout")
def test_a_real_upright_skeleton_is_refused(demo):
    """The one real file in another frame, under the id of a cell of our own: refused with a reason, not drawn."""
    data = harness.real_data() / "swc" / "694146546_upright_NOT_image_frame.swc"
    provenance = meta(demo / "mouse" / "900000112")["provenance"]
    file_id = provenance["skeleton_file_id"]
    with FaultProxyWithBodies(provenance["endpoint"]) as proxy, Mount(proxy.url) as mount:
        folder = mount / "mouse" / "900000112"
        proxy.bodies[f"/well_known_file_download/{file_id}"] = data.read_bytes()
        assert (folder / "skeleton.swc").read_bytes() == data.read_bytes()
        assert errno_of(lambda: (folder / "labels" / plane_name(18)).read_bytes()) == errno.EIO
        assert "upright" in mount.log_text() and f"/{file_id}" in mount.log_text()


class FaultProxyWithBodies(FaultProxy):
    """Also sends bytes of our own in place of a path's."""

    def __init__(self, url):
        super().__init__(url)
        self.bodies = {}
        self.content_type = "application/octet-stream"

    def _answer(self, connection, reader, upstream, method, path, headers):
        for part, body in self.bodies.items():
            if part in path:
                head = (f"HTTP/1.1 200 OK\r\nContent-Type: {self.content_type}\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n").encode()
                connection.sendall(head + (b"" if method == "HEAD" else body))
                return True
        return super()._answer(connection, reader, upstream, method, path, headers)


# --- metadata ---------------------------------------------------------------------------------------------------------


def rows(origin, query):
    return requests.get(f"{origin.url}/api/v2/data/query.json", {"criteria": query}, timeout=60).content


CELLS = "model::ApiCellTypesSpecimenDetail,rma::options[num_rows$eqall]"


def envelope(**fields):
    return json.dumps({"success": True, "id": 0, "start_row": 0, "num_rows": 1, "total_rows": 1, "msg": []} | fields).encode()


METADATA = {
    "no JSON": (b"{success: yes", "application/json"),
    "an HTML page": (b"<!DOCTYPE html><html><body>Please log in</body></html>", "text/html"),
    "an HTML page that says it is JSON": (b"<!DOCTYPE html><html><body>Please log in</body></html>", "application/json"),
    "nothing": (b"", "application/json"),
    "an error of the service": (envelope(success=False, msg="Invalid query"), "application/json"),
    "rows of another page": (envelope(start_row=50, total_rows=51, msg=[{"id": 1}]), "application/json"),
    "more rows than there can be": (envelope(total_rows=1 << 30, msg=[{"id": 1}]), "application/json"),
    "no rows where there should be": (envelope(total_rows=2333, num_rows=0), "application/json"),
    "a list": (b"[]", "application/json"),
    "rows of another kind": (envelope(msg=[1, 2, "x"]), "application/json"),
    "deep": (b"[" * 200_000, "application/json"),
    "not UTF-8": (b'{"success": true, "msg": ["\xff\xfe"]}', "application/json"),
}


def truncated(origin, query):
    whole = rows(origin, query)
    return whole[: len(whole) * 2 // 3]


@pytest.mark.parametrize("case", [*METADATA, "cut short"])
def test_bad_list_of_cells(origin, tmp_path, case):
    """The mount fails with one sentence and exit status 1; nothing of it is kept, so the next mount works."""
    body, kind = METADATA.get(case) or (truncated(origin, CELLS), "application/json")
    with FaultProxyWithBodies(origin.url) as proxy:
        proxy.bodies["ApiCellTypesSpecimenDetail"] = body
        proxy.content_type = kind
        mount = Mount(proxy.url, cache=tmp_path / "cache", options=["--timeout", "10"])
        try:
            result = mount.start(check=False)
            assert result.returncode == 1
            assert result.stdout == ""
            lines = result.stderr.strip().splitlines()
            assert len(lines) == 1 and proxy.url in lines[0], result.stderr
            assert not harness.is_mounted(mount.path)
            proxy.bodies.clear()
            mount.start()
            assert len(os.listdir(mount / "mouse")) + len(os.listdir(mount / "human")) == 12
        finally:
            mount.clean()


@pytest.mark.parametrize("model", ["SubImage", "NeuronReconstruction"])
@pytest.mark.parametrize("case", [*METADATA, "cut short"])
def test_bad_rows_of_a_cell(origin, model, case):
    """The folder is an error while they are bad, and right without a remount when they are good."""
    query = f"model::{model},rma::criteria,data_set[specimen_id$eq900000112],rma::options[num_rows$eqall]"
    body, kind = METADATA.get(case) or (truncated(origin, query), "application/json")
    with FaultProxyWithBodies(origin.url) as proxy, Mount(proxy.url, options=["--timeout", "10"]) as mount:
        proxy.bodies[model] = body
        proxy.content_type = kind
        folder = mount / "mouse" / "900000112"
        try:
            names = os.listdir(folder)
        except OSError as error:
            assert error.errno == errno.EIO, error
        else:
            # Rows of which none can be used are the same as none: never a wrong plane.
            assert case == "rows of another kind", names
            assert "stack" not in names or model != "SubImage"
        assert "900000120" in os.listdir(mount / "mouse")
        proxy.bodies.clear()

        def recovered():
            try:
                return {"stack", "skeleton.swc", "labels"} <= set(os.listdir(folder))
            except OSError:
                return False

        wait_until(recovered, 30, "the folder without a remount")
        assert tifffile.imread(folder / "stack" / plane_name(3)).shape == tuple(meta(folder)["stack"]["shape"][1:])
