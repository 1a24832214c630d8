"""A newer list of cells under a running mount: what a fresh mount would show is what this one shows, without a remount."""

import errno
import json
import os
import pathlib
import re
import subprocess

import pytest

import harness
import reliability
from recorded_origin import RecordedOrigin


class Lists:
    """The stand-in origin, whose list of cells can be exchanged."""

    def __init__(self, recorded):
        self.recorded = recorded

    def _key(self):
        keys = [path for path in self.recorded.replies if "ApiCellTypesSpecimenDetail" in path]
        assert len(keys) == 1, keys
        return keys[0]

    @property
    def rows(self):
        return json.loads(self.recorded.replies[self._key()][2])["msg"]

    def serve(self, rows):
        key = self._key()
        status, headers, body = self.recorded.replies[key]
        whole = json.loads(body) | {"msg": rows, "num_rows": len(rows), "total_rows": len(rows)}
        self.recorded.replies[key] = (status, headers, json.dumps(whole).encode())


@pytest.fixture
def lists(origin):
    with RecordedOrigin(origin.url) as recorded:
        yield Lists(recorded)


def sync(mount):
    result = subprocess.run([harness.binary(), "sync", str(mount.path)], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


def species(row):
    return "mouse" if row["donor__species"] == "Mus musculus" else "human"


def names(mount):
    """Every name above the specimens' folders, and where links lead."""
    found = {}
    for folder, folders, files in os.walk(mount.path):
        place = os.path.relpath(folder, mount.path)
        found[place] = sorted(folders + files)
        if re.fullmatch("mouse|human|trainable/.*|splits/.*", place):
            folders.clear()
        folders[:] = [name for name in folders if not os.path.islink(os.path.join(folder, name))]
    return found


def tables(mount):
    return {name: (mount / name).read_bytes() for name in ("cells.json", "cells.csv", "README.txt")}


def test_a_newer_list_shows_at_once(lists):
    with harness.Mount(lists.recorded.url) as mount:
        rows = lists.rows
        gone, renamed = rows[0], rows[1]
        before = tables(mount)
        first = names(mount)
        added = dict(rows[2], specimen__id=987654321, specimen__name="A cell that is new")
        new = mount / species(added) / "987654321"
        # The kernel now knows that the name is absent, and would for an hour.
        assert not new.exists()
        meta = mount / species(renamed) / str(renamed["specimen__id"]) / "meta.json"
        old_meta = meta.read_bytes()
        with open(mount / "cells.json", "rb", buffering=0) as handle:
            assert handle.read(4096) == before["cells.json"][:4096]
            lists.serve([dict(renamed, specimen__name="Another name")] + rows[2:] + [added])
            sync(mount)
            with harness.Mount(lists.recorded.url) as fresh:
                truth, true_names, true_meta = tables(fresh), names(fresh), (fresh / meta.relative_to(mount.path)).read_bytes()
            assert true_names != first and truth["cells.json"] != before["cells.json"] and true_meta != old_meta

            # The kernel is told from a thread of the daemon.
            harness.wait_until(lambda: names(mount) == true_names, what="the names of the newer list")
            for name, content in truth.items():
                harness.wait_until(lambda: os.stat(mount / name).st_size == len(content), what=f"the size of {name}")
            assert tables(mount) == truth
            assert meta.read_bytes() == true_meta and os.stat(meta).st_size == len(true_meta)
            harness.wait_until(new.exists, what="the cell that is new")
            assert not (mount / species(gone) / str(gone["specimen__id"])).exists()

            # Pages that go one by one come back of the one version or not at all, whoever asks.
            for offset in range(0, len(truth["cells.json"]), 8192):
                os.posix_fadvise(handle.fileno(), offset, 4096, os.POSIX_FADV_DONTNEED)
                _, code = reliability.outcome(lambda: os.pread(handle.fileno(), 4096, offset))
                assert code in (None, "ESTALE")
            assert tables(mount) == truth
            reliability.forget_pages(mount / "cells.json")
            with pytest.raises(OSError) as caught:
                os.pread(handle.fileno(), 4096, 0)
            assert caught.value.errno == errno.ESTALE, "the old handle sees one version or ESTALE"


def test_the_same_list_disturbs_nobody(lists):
    with harness.Mount(lists.recorded.url) as mount:
        before = tables(mount)
        with open(mount / "cells.json", "rb", buffering=0) as handle:
            # In another order, as the database sends it.
            lists.serve(lists.rows[::-1])
            sync(mount)
            reliability.forget_pages(mount / "cells.json")
            assert handle.read(4096) == before["cells.json"][:4096]
        assert tables(mount) == before


def test_a_cell_that_gets_another_skeleton(lists):
    """The same path, another file of the database: no page of the one before is left, nor of what is drawn from it."""
    with harness.Mount(lists.recorded.url) as mount:
        rows = lists.rows
        traced = [row for row in rows if row["nrwkf__id"] and row["si__path"]]
        # The skeleton of the smallest frame fits into the largest.
        traced.sort(key=lambda row: min(row["si__width"], row["si__height"]))
        other, row = traced[0], traced[-1]
        cell = pathlib.Path(species(row), str(row["specimen__id"]))
        parts = [cell / name for name in ("skeleton.swc", "labels/0010.tif", "labels.tif", "labels-instance.json")]

        def read(mount, path):
            return reliability.read_at(mount / path, 0, 1 << 20)
        before = {path: read(mount, path) for path in parts}
        with open(mount / cell / "skeleton.swc", "rb", buffering=0) as handle:
            assert handle.read(10) == before[parts[0]][:10]
            lists.serve([dict(row, nrwkf__id=other["nrwkf__id"])] + [kept for kept in rows if kept is not row])
            sync(mount)
            with harness.Mount(lists.recorded.url) as fresh:
                truth = {path: read(fresh, path) for path in parts}
            assert truth[parts[0]] != before[parts[0]]
            for path in parts:
                harness.wait_until(lambda: read(mount, path) == truth[path], what=f"the new {path.name}")
            reliability.forget_pages(mount / parts[0])
            with pytest.raises(OSError) as caught:
                os.pread(handle.fileno(), 4096, 0)
            assert caught.value.errno == errno.ESTALE
