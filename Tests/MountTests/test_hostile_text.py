"""What an origin says is text, and nothing else: no terminal obeys it, no document breaks by it."""

import json
import os
import re
import subprocess
import urllib.request

import pytest

from fault_proxy import FaultProxy
from harness import Mount, binary
from network import NO_PROXY

# Erases the screen, sets a title, begins another line, ends this one, turns the direction of writing round.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\nneuronfs: all is well\x9b31m\u202e\u2028"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
HUGE = HOSTILE + "x" * (8 << 20)
CELLS = "model::ApiCellTypesSpecimenDetail"


def envelope(message):
    return json.dumps({"success": False, "msg": message, "id": 0, "start_row": 0, "num_rows": 0, "total_rows": 0})


class Forger(FaultProxy):
    """Answers every request whose path has `match` by `head` and `body`, and passes all others through."""

    match, head, body = None, "", b""

    def forge(self, match, body="", kind="application/json", status="200 OK", more=""):
        self.body = body.encode()
        self.head = (f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}"
                     f"Content-Length: {len(self.body)}\r\n\r\n")
        self.match = match

    def _answer(self, connection, reader, upstream, method, path, headers):
        if self.match is None or self.match not in path:
            return super()._answer(connection, reader, upstream, method, path, headers)
        connection.sendall(self.head.encode() + self.body)
        return True


@pytest.fixture
def forger(origin):
    with Forger(origin.url) as forger:
        yield forger


def run(*words):
    return subprocess.run([binary(), *map(str, words)], capture_output=True, timeout=120)


def is_harmless(output, most=2000):
    text = output.decode()
    assert not OBEYED.search(text), repr(text[:1000])
    assert len(text) < most, len(text)
    return text


PLACES = {
    "msg": dict(body=envelope(HOSTILE)),
    "a huge msg": dict(body=envelope(HUGE)),
    "a msg that is no text": dict(body=envelope([HUGE])),
    "the title of a page": dict(body=f"<html><title>{HOSTILE}</title>" + "x" * 5000, kind="application/json"),
    "a body that is no JSON": dict(body="{" + HUGE),
    "Content-Type": dict(body="{}", kind="text/\x1b[2J" + "\x1b" * 40_000),
    "Content-Encoding": dict(body="{}", more="Content-Encoding: \x1b[2J\x9b31m\r\n"),
    "the reason of a status": dict(status="404 \x1b[2J" + "\x1b" * 40_000),
    "Location": dict(status="302 Found", more="Location: http://\x1b[2J.example/\x1b[31m\r\n"),
    "a long Location": dict(status="302 Found", more=f"Location: http://{'a' * 40_000}.example/\r\n"),
    "Retry-After": dict(status="503 \x1b[2J", more="Retry-After: \x1b[2J99999999999999999999\r\n"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_mount_that_is_refused_says_so_in_one_harmless_line(forger, place):
    forger.forge(CELLS, **PLACES[place])
    mount = Mount(forger.url, options=["--timeout", "10", "--retries", "1"],
                  environment=dict(NO_PROXY, NEURONFS_BACKOFF_BASE="0.05"))
    try:
        refused = subprocess.run(mount.command, capture_output=True, timeout=150, env=mount.environment)
        assert refused.returncode == 1
        sentence = is_harmless(refused.stderr)
        assert sentence.startswith("neuronfs: ") and sentence.count("\n") == 1 and forger.url in sentence
        is_harmless(mount.log.read_bytes(), most=20_000)
    finally:
        mount.clean()


@pytest.mark.parametrize("place", PLACES)
def test_sync_and_status_say_it_harmlessly_and_recover(forger, place):
    with Mount(forger.url, options=["--timeout", "10", "--retries", "1"],
               environment=dict(NO_PROXY, NEURONFS_BACKOFF_BASE="0.05")) as mount:
        forger.forge(CELLS, **PLACES[place])
        refused = run("sync", mount.path)
        assert refused.returncode == 1
        assert is_harmless(refused.stderr).count("\n") == 1
        status = mount.status()
        assert status["state"] == "serving" and 0 < len(status["catalogue"]["sync_error"]) < 1000
        assert not OBEYED.search(status["catalogue"]["sync_error"])
        for command in ("status", "doctor"):
            is_harmless(run(command, mount.path).stdout, most=20_000)
        json.loads(is_harmless(run("status", "--json", mount.path).stdout, most=20_000))
        forger.match = None
        assert run("sync", mount.path).returncode == 0
        assert mount.status()["catalogue"]["sync_error"] is None
        is_harmless(mount.log.read_bytes(), most=50_000)


def test_names_of_cells_are_shown_harmlessly(origin, forger):
    """`find` shows what the database has of a cell; names of files and links are made of it."""
    reply = {}

    class Rows(Forger):
        def _answer(self, connection, reader, upstream, method, path, headers):
            if CELLS in path:
                if not reply:
                    rows = json.loads(urllib.request.urlopen(origin.url + path).read())
                    for row in rows["msg"]:
                        for key, value in row.items():
                            if isinstance(value, str) and not key.startswith("donor__species"):
                                row[key] = value + HOSTILE
                    reply["body"] = json.dumps(rows)
                self.forge(CELLS, reply["body"])
            return super()._answer(connection, reader, upstream, method, path, headers)

    with Rows(origin.url) as rows, Mount(rows.url) as mount:
        found = run("find", mount.path)
        assert found.returncode == 0
        header, *lines = is_harmless(found.stdout, most=1 << 20).splitlines()
        assert header.startswith("FOLDER")
        assert sum("900" in line for line in lines) == len(lines), "one line a cell"
        for command in (["find", "--json"], ["find", "--paths"], ["status"], ["doctor"]):
            is_harmless(run(*command, mount.path).stdout, most=4 << 20)
        is_harmless(run("cache", "status", "--specimens", "--cache-dir", mount.cache).stdout)
        for folder, folders, names in os.walk(mount.path):
            assert not any(OBEYED.search(name) for name in folders + names), folder
            folders[:] = [name for name in folders if folder == str(mount.path) and name != "mouse"]
        is_harmless(mount.log.read_bytes(), most=1 << 20)
