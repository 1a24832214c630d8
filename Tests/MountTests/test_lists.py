"""Lists of cells that cannot be right, that come without end, and that come too late; and what is left of them on disk."""

import contextlib
import errno
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time
import urllib.parse

import pytest

import harness
from command_line import run
from harness import Mount, alive, binary, wait_until
from preload import Preload
from recorded_origin import RecordedOrigin
from test_commands import one_sentence
from test_refresh import Lists, names, species, sync, tables

DAY = 86_400


@pytest.fixture
def lists(origin):
    with RecordedOrigin(origin.url) as recorded:
        yield Lists(recorded)


def catalogue_files(cache):
    return sorted(path.name for path in cache.glob("catalogue-*.sqlite*"))


# Lists that lack cells


def refusal(mount):
    return mount.status()["catalogue"]["refused_list"]


def test_a_list_of_one_cell_is_not_taken_until_it_is_accepted(lists, tmp_path):
    with Mount(lists.recorded.url, cache=tmp_path / "cache") as mount:
        whole = lists.rows
        one = whole[3]
        before, shown = tables(mount), names(mount)
        assert refusal(mount) is None
        lists.serve([one])
        result = run("sync", mount.path)
        assert result.returncode == 1
        sentence = one_sentence(result)
        lacks = f"it lacks {len(whole) - 1} of the {len(whole)} known cells"
        assert lacks in sentence and "neuronfs sync --accept" in sentence
        assert tables(mount) == before and names(mount) == shown
        assert lacks in refusal(mount)["reason"] and abs(refusal(mount)["refused_at"] - time.time()) < 60
        assert lacks in mount.log_text()
        assert lacks in run("status", mount.path).stdout
        assert lacks in run("doctor", mount.path).stdout
        assert mount.umount().returncode == 0

    # On disk the good list has stayed, and the next mount knows of the other.
    with Mount(lists.recorded.url, cache=tmp_path / "cache") as mount:
        assert tables(mount) == before
        assert lacks in refusal(mount)["reason"]
        assert run("sync", mount.path).returncode == 1
        accepted = run("sync", "--accept", mount.path)
        assert accepted.returncode == 0, accepted.stderr
        assert accepted.stdout == "1 cells\n"
        assert refusal(mount) is None
        wait_until(lambda: os.listdir(mount / species(one)) == [str(one["specimen__id"])], what="the list of one cell")
        assert len(json.loads((mount / "cells.json").read_text())) == 1
        # The way back is no loss.
        lists.serve(whole)
        sync(mount)
        wait_until(lambda: tables(mount) == before, what="the whole list")


def test_a_list_that_is_whole_again_ends_the_refusal(lists):
    with Mount(lists.recorded.url) as mount:
        whole = lists.rows
        # Every cell, and no image.
        lists.serve([row | {"si__path": None} for row in whole])
        assert "known image stacks" in one_sentence(run("sync", mount.path))
        assert refusal(mount)
        lists.serve(whole)
        sync(mount)
        assert refusal(mount) is None


def test_only_sync_accepts(lists):
    """A plain signal asks for a list and accepts no loss."""
    with Mount(lists.recorded.url) as mount:
        before = tables(mount)
        lists.serve(lists.rows[:1])
        os.kill(mount.pid, 10)
        wait_until(lambda: refusal(mount), what="the refusal")
        assert tables(mount) == before


# Lists without end


class Pages:
    """Answers every query with pages of one row, for as long as it is asked, and counts them; `most` ends a test that fails."""

    def __init__(self, row, pause=0.0, most=40, passed_on=None):
        self.row, self.pause, self.most, self.count = row, pause, most, 0
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                path = urllib.parse.unquote(self.path)
                if passed_on and not re.search(passed_on[1], path):
                    return self.answer(*passed_on[0].reply(self.path))
                owner.count += 1
                if owner.count > owner.most:
                    return self.answer(404, {}, b"")
                time.sleep(owner.pause)
                start = re.search(r"start_row\$eq(\d+)", path)
                head = {"success": True, "id": 0, "start_row": int(start[1]) if start else 0, "num_rows": 1,
                        "total_rows": 100_000, "msg": [owner.row]}
                self.answer(200, {"Content-Type": "application/json"}, json.dumps(head).encode())

            def answer(self, status, headers, body):
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


LARGE = {"specimen__id": 1, "donor__species": "Mus musculus", "note": "x" * (8 << 20)}


def high_water(pid):
    """The most memory that a process has had, in KiB; 0 for one that has ended."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)


@pytest.mark.unsanitized(reason="measures memory")
def test_large_pages_of_a_list_are_bounded(tmp_path):
    with Pages(LARGE) as pages:
        process = subprocess.Popen([binary(), "mount", tmp_path / "mnt", "--endpoint", pages.url, "--foreground", "--cache-dir",
                                    tmp_path / "cache"], stderr=subprocess.PIPE, text=True)
        peak = 0
        while process.poll() is None:
            # Not ru_maxrss, which begins with what the process of the tests has.
            peak = max(peak, high_water(process.pid))
            time.sleep(0.005)
        text = process.stderr.read()
        process.stderr.close()
        assert process.returncode == 1
        assert pages.count <= 3
        assert "sent no usable list of cells" in text or "cannot reach the database" in text
        assert 10 * 1024 < peak < 300 * 1024, f"{peak} KiB"


def test_a_list_that_trickles_in_has_an_end(tmp_path):
    with Pages({"specimen__id": 1, "donor__species": "Mus musculus"}, pause=0.5, most=60) as pages:
        begin = time.monotonic()
        result = run("mount", tmp_path / "mnt", "--endpoint", pages.url, "--cache-dir", tmp_path / "cache", "--timeout", "3")
        assert result.returncode == 1
        assert time.monotonic() - begin < 15 * harness.PATIENCE
        assert pages.count < 60
        one_sentence(result)


@pytest.mark.parametrize("query", ["model::SubImage", "model::ProjectionImage", "model::NeuronReconstruction"])
def test_large_pages_about_a_cell_are_bounded(origin, query):
    with RecordedOrigin(origin.url) as recorded, Pages(LARGE, passed_on=(recorded, query)) as pages:
        with Mount(pages.url) as mount:
            folder = mount / "trainable" / "mouse"
            with pytest.raises(OSError) as caught:
                (folder / sorted(os.listdir(folder))[0] / "meta.json").read_bytes()
            assert caught.value.errno == errno.EIO
            # One page is too large already; the kernel may ask twice.
            assert 1 <= pages.count <= 4


# The clock


@pytest.fixture
def preload():
    with Preload() as preload:
        yield preload


def added(lists):
    """A list with one more cell; its folder."""
    rows = lists.rows
    new = dict(rows[2], specimen__id=987654321, specimen__name="A cell that is new")
    lists.serve(rows + [new])
    return f"{species(new)}/987654321"


def test_the_list_is_looked_at_daily_while_it_is_mounted(lists, preload):
    preload.clock(0)
    with Mount(lists.recorded.url, environment=preload.environment) as mount:
        folder = added(lists)
        time.sleep(11)
        assert not (mount / folder).exists(), "it is fresh"
        # A day goes by, as it does for a laptop that sleeps.
        preload.clock(DAY + 60)
        wait_until(lambda: (mount / folder).exists(), 40, what="the daily look")
        # It is looked at once.
        requests = mount.status()["network"]["requests"]
        time.sleep(11)
        assert mount.status()["network"]["requests"] == requests


def test_a_list_from_a_time_when_the_clock_was_ahead_is_not_used_for_years(lists, preload, tmp_path):
    preload.clock(365 * DAY)
    with Mount(lists.recorded.url, cache=tmp_path / "cache", environment=preload.environment) as mount:
        assert mount.status()["catalogue"]["fetched_at"] > time.time() + 364 * DAY
        folder = added(lists)
        # Set right while it is mounted, and so at once, or by the next mount.
        preload.clock(0)
        wait_until(lambda: (mount / folder).exists(), 40, what="the new list")
        assert abs(mount.status()["catalogue"]["fetched_at"] - time.time()) < 3600


def test_a_file_checked_while_the_clock_was_ahead_is_asked_about_again(lists, preload, tmp_path):
    preload.clock(20 * 365 * DAY)
    with Mount(lists.recorded.url, cache=tmp_path / "cache", environment=preload.environment) as mount:
        folder = mount / "trainable" / "mouse"
        name = sorted(os.listdir(folder))[0]
        before = (folder / name / "skeleton.swc").read_bytes()
        assert mount.umount().returncode == 0
    path = next(path for path in lists.recorded.replies
                if "well_known_file_download" in path and lists.recorded.replies[path][2] == before)
    status, headers, _ = lists.recorded.replies[path]
    after = before.replace(b"#", b"# changed", 1)
    lists.recorded.replies[path] = (status, headers | {"ETag": '"changed"'}, after)
    with Mount(lists.recorded.url, cache=tmp_path / "cache") as mount:
        file = mount / "trainable" / "mouse" / name / "skeleton.swc"
        wait_until(lambda: os.stat(file).st_size == len(after), 20, what="the new version")
        assert file.read_bytes() == after


# The catalogue on disk


@pytest.mark.parametrize("whole", [False, True], ids=["the catalogue", "the whole cache"])
def test_a_catalogue_that_is_deleted_under_a_mount_is_made_anew(origin, tmp_path, whole):
    cache = tmp_path / "cache"
    with RecordedOrigin(origin.url) as recorded, Mount(recorded.url, cache=cache) as mount:
        before = tables(mount)
        cell = mount / "trainable" / "mouse"
        cell = cell / sorted(os.listdir(cell))[0]
        planes = os.listdir(cell / "stack")
        files = catalogue_files(cache)
        if whole:
            shutil.rmtree(cache)
        else:
            for name in files:
                (cache / name).unlink()
        # It has its name when it is complete.
        wait_until(lambda: files[0] in catalogue_files(cache), 40, what="the catalogue")
        # Nothing of what was known is lost: the next mount needs no network.
        mount.kill()
        subprocess.run(["umount", "-l", mount.path], check=True)
        recorded.stop()
        with Mount(recorded.url, cache=cache, options=["--offline"], path=mount.path) as again:
            assert tables(again) == before
            assert sorted(os.listdir(cell / "stack")) == sorted(planes)
