"""Numbers from upstream that cannot be: each costs the file or the cell it concerns, never the mount, and none stays."""

import copy
import errno
import json
import os
import sqlite3
import subprocess
import urllib.parse

import pytest

from expected import plane_name
from fault_proxy import FaultProxy
from harness import Mount, alive
from test_bad_input import CELLS, rows

SMALL = 900_000_112
LARGEST = 2**63 - 1
ABSURD = [9e9, 9_000_000_000, -1, 0, LARGEST, -(2**63), 1e300, "NaN", "many", "", None, True, [1]]


class Liar(FaultProxy):
    """Tells lengths of its own, and rows of its own."""

    def __init__(self, url):
        super().__init__(url)
        # Of HEAD and of the total in Content-Range.
        self.length = None
        # Part of the path, decoded -> JSON.
        self.rows = {}
        # Drawing pictures takes the stand-in seconds, and where there are absurd rows nobody looks at them.
        self.has_pictures = True

    def _answer(self, connection, reader, upstream, method, path, headers):
        if self.length is not None and "well_known_file_download" in path:
            connection.sendall(b"HTTP/1.1 206 Partial Content\r\nContent-Type: application/octet-stream\r\nETag: \"a\"\r\n"
                               b"Content-Range: bytes 0-0/%d\r\nContent-Length: 1\r\n\r\n#" % self.length)
            return True
        if self.length is not None and method == "HEAD":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nETag: \"a\"\r\n"
                               b"Content-Length: %d\r\n\r\n" % self.length)
            return True
        query = urllib.parse.unquote(path)
        if not self.has_pictures and "image_download" in path:
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return True
        for part, body in self.rows.items():
            if part in query:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                   b"Content-Length: %d\r\n\r\n" % len(body) + body)
                return True
        return super()._answer(connection, reader, upstream, method, path, headers)


def reply(rows):
    return json.dumps({"success": True, "id": 0, "start_row": 0, "num_rows": len(rows), "total_rows": len(rows),
                       "msg": rows}).encode()


FILES = ["skeleton.swc", "ephys.nwb", "projections/min_xy.jpg"]


@pytest.mark.parametrize("length", [LARGEST, LARGEST - 600, 1 << 60, (1 << 50) + 1])
def test_a_length_that_cannot_be_is_an_error_and_is_not_kept(origin, tmp_path, length):
    """EIO for who asks, and the true size for the next mount."""
    with Liar(origin.url) as liar:
        liar.length = length
        with Mount(liar.url, cache=tmp_path / "cache") as mount:
            folder = mount / "mouse" / str(SMALL)
            for name in FILES:
                for action in (os.stat, lambda path: os.close(os.open(path, os.O_RDONLY))):
                    with pytest.raises(OSError) as caught:
                        action(folder / name)
                    assert caught.value.errno == errno.EIO, name
            assert alive(mount.pid) and f"{length} bytes" in mount.log_text()
            # Without a remount, too.
            liar.length = None
            sizes = [os.stat(folder / name).st_size for name in FILES]
        with Mount(liar.url, cache=tmp_path / "cache") as mount:
            folder = mount / "mouse" / str(SMALL)
            assert [os.stat(folder / name).st_size for name in FILES] == sizes
            assert len((folder / FILES[0]).read_bytes()) == sizes[0]


def test_the_largest_length_taken_is_served(origin):
    with Liar(origin.url) as liar, Mount(liar.url) as mount:
        liar.length = 1 << 50
        path = mount / "mouse" / str(SMALL) / "ephys.nwb"
        status = os.stat(path)
        assert (status.st_size, status.st_blocks) == (1 << 50, 1 << 41)
        with open(path, "rb") as file, pytest.raises(OSError):
            file.read(1)
        assert alive(mount.pid)


@pytest.mark.parametrize("length", [LARGEST, -5])
def test_a_length_that_was_kept_is_asked_for_again(origin, tmp_path, length):
    """What an older version took as true does not end this one."""
    cache = tmp_path / "cache"
    with Mount(origin.url, cache=cache) as mount:
        folder = mount / "mouse" / str(SMALL)
        sizes = [os.stat(folder / name).st_size for name in FILES]
    catalogue, = cache.glob("catalogue-*.sqlite")
    with sqlite3.connect(catalogue) as database:
        assert database.execute("UPDATE object SET length = ? WHERE length IS NOT NULL", [length]).rowcount >= len(FILES)
    database.close()
    with Mount(origin.url, cache=cache) as mount:
        folder = mount / "mouse" / str(SMALL)
        assert [os.stat(folder / name).st_size for name in FILES] == sizes
        assert alive(mount.pid)


def look_at(mount, cells):
    """What a person does with a new mount; errors are allowed, the end of the daemon is not."""
    os.statvfs(mount.path)
    found = []
    for folder, folders, names in (place for cell in cells for place in os.walk(mount / "mouse" / cell)):
        # Of the chunks of a store, and of the other forms of the labels, the same follows as of the planes.
        folders[:] = [name for name in folders if not name.startswith("labels-") and not name.isdigit()]
        subprocess.run(["ls", "-l", folder], capture_output=True, timeout=60)
        for name in names:
            path = os.path.join(folder, name)
            try:
                os.stat(path)
                if name in ("meta.json", ".zattrs", ".zarray", "min_xy.jpg"):
                    with open(path, "rb") as file:
                        file.read()
                elif name == plane_name(0):
                    with open(path, "rb") as file:
                        os.pread(file.fileno(), 4096, 0)
                found.append(path)
            except OSError as error:
                assert error.errno in (errno.ENOENT, errno.EIO, errno.ESTALE), (path, error)
    assert alive(mount.pid), mount.log_text()[-2000:]
    return found


NUMBERS = ["specimen__id", "donor__id", "structure__id", "nrwkf__id", "erwkf__id", "si__width", "si__height",
           "nr__number_stems", "ef__tau", "csl__x"]


def test_absurd_rows_in_the_list_of_cells(origin, tmp_path):
    model = next(row for row in json.loads(rows(origin, CELLS))["msg"] if row["specimen__id"] == SMALL)
    cells = [model]
    fields = len(NUMBERS) * len(ABSURD)
    for field in NUMBERS:
        for value in ABSURD:
            row = dict(copy.deepcopy(model), specimen__id=910_000_000 + len(cells), specimen__name=f"cell {len(cells)}")
            # Without images and skeleton: a folder of its catalogue's row alone.
            row.update({"si__path": None} | ({"nrwkf__id": None} if field != "nrwkf__id" else {}))
            row[field] = value
            cells.append(row)
    with Liar(origin.url) as liar:
        liar.has_pictures = False
        liar.rows["ApiCellTypesSpecimenDetail"] = reply(cells)
        for _ in range(2):
            # The second time from the catalogue on disk.
            with Mount(liar.url, cache=tmp_path / "cache", environment={"NEURONFS_RETRIES": "0"}) as mount:
                names = set(os.listdir(mount / "mouse"))
                assert not {str(LARGEST), "9000000000", "-1", "0"} & names
                # Without an id that can be there is no cell; True is no number.
                assert len(names) == 1 + fields - len(ABSURD)
                found = look_at(mount, names - {str(SMALL)})
                # What was found in a skeleton is in meta.json, and the origin has no file of these ids.
                traced = sum("skeleton.swc" in os.listdir(mount / "mouse" / name) for name in names - {str(SMALL)})
                assert 0 < traced < len(ABSURD)
                assert sum(path.endswith("meta.json") for path in found) == len(names) - 1 - traced
                assert (mount / "mouse" / str(SMALL) / "stack" / plane_name(0)).stat().st_size > 0
                for folder in ("by-name", "by-structure"):
                    for place, _, names in os.walk(mount / folder):
                        assert all(os.path.exists(os.path.join(place, name)) for name in names)


PLANE = ["id", "data_set_id", "section_number", "x", "y", "width", "height", "image_width", "image_height", "resolution",
         "tier_count", "failed", "number_of_components", "bits_per_component"]
PROJECTION = ["id", "x", "y", "width", "height"]


@pytest.mark.parametrize("value", ABSURD, ids=str)
def test_absurd_rows_of_a_stack(origin, tmp_path, value):
    """One cell for each field of a plane and of a projection; in half of them all planes are absurd, in half one is."""
    model = next(row for row in json.loads(rows(origin, CELLS))["msg"] if row["specimen__id"] == SMALL)
    planes = json.loads(rows(origin, f"model::SubImage,rma::criteria,data_set[specimen_id$eq{SMALL}],"
                                     "rma::options[num_rows$eqall]"))["msg"][:6]
    pictures = json.loads(rows(origin, f"model::ProjectionImage,rma::criteria,[specimen_id$eq{SMALL}],"
                                       "rma::options[num_rows$eqall]"))["msg"]
    assert planes and pictures
    cells = [model]
    with Liar(origin.url) as liar:
        liar.has_pictures = False
        for position, field in enumerate(PLANE + PROJECTION):
            cell = 910_000_000 + position
            cells.append(dict(model, specimen__id=cell, specimen__name=f"cell {position}"))
            of_planes = position < len(PLANE)
            changed = [dict(row, **({field: value} if of_planes and (position % 2 or not number) else {}))
                       for number, row in enumerate(planes)]
            liar.rows[f"SubImage,rma::criteria,data_set[specimen_id$eq{cell}]"] = reply(changed)
            liar.rows[f"ProjectionImage,rma::criteria,[specimen_id$eq{cell}]"] = reply(
                pictures if of_planes else [dict(row, **{field: value}) for row in pictures])
        liar.rows["ApiCellTypesSpecimenDetail"] = reply(cells)
        with Mount(liar.url, cache=tmp_path / "cache", environment={"NEURONFS_RETRIES": "0"}) as mount:
            found = look_at(mount, set(os.listdir(mount / "mouse")) - {str(SMALL)})
            assert sum(path.endswith("meta.json") for path in found) == len(cells) - 1
        with Mount(liar.url, cache=tmp_path / "cache", options=["--offline"]) as mount:
            assert len(os.listdir(mount / "mouse")) == len(cells)
            for cell in set(os.listdir(mount / "mouse")) - {str(SMALL)}:
                json.loads((mount / "mouse" / cell / "meta.json").read_bytes())
            assert alive(mount.pid)
