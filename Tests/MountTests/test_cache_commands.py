"""cache, find, sync and doctor, while mounted and not. Prefetch is in test_prefetch.py."""

import csv
import json
import os
import re
import subprocess
import threading

import pytest

import reliability
from command_line import blocks, cache_status, cells, digest, disk_bytes, ok, on_terminal, planes, requests, run
from harness import Mount, Origin, alive, is_mounted, wait_until


@pytest.fixture
def mount(origin):
    with Mount(origin.url) as mount:
        yield mount


@pytest.fixture
def filled(origin):
    """A mount with one plane of each of two cells in its cache, and nothing that was read ahead."""
    with Mount(origin.url, options=["--read-ahead", "0"]) as mount:
        for cell in cells(mount)[:2]:
            planes(cell, 1)[0].read_bytes()
        # A block is answered before it is written: a flight ends when it is on disk.
        reliability.wait_until_idle(mount)
        assert mount.status()["cache"]["size_bytes"] == disk_bytes(mount.cache)
        yield mount


# cache status

def test_status_counts_what_is_there(filled):
    status = cache_status(filled.cache, "--specimens")
    assert status["blocks"] == len(blocks(filled.cache)) > 0
    assert status["size_bytes"] == disk_bytes(filled.cache)
    assert status["limit_bytes"] == 50 << 30
    assert status["holder"] == {"pid": filled.pid, "owner": str(filled.path)}
    assert status["mount_point"] == str(filled.path)
    assert status["free_bytes"] > 0 and status["pins"] == []
    usage = {entry["specimen"]: entry for entry in status["specimens"]}
    assert {cell.name for cell in cells(filled)[:2]} <= set(usage)
    assert sum(entry["size_bytes"] for entry in usage.values()) == status["size_bytes"]
    assert sum(entry["blocks"] for entry in usage.values()) == status["blocks"]
    text = ok("cache", "status", "--cache-dir", filled.cache)
    assert str(filled.pid) in text and "of at most 50.0 GiB" in text
    assert filled.umount().returncode == 0
    status = cache_status(filled.cache)
    assert (status["holder"], status["limit_bytes"], status["mount_point"]) == (None, None, None)
    assert status["blocks"] == len(blocks(filled.cache))


def test_status_of_nothing(tmp_path):
    assert cache_status(tmp_path / "none")["blocks"] == 0
    assert not (tmp_path / "none").exists()


# cache verify

def test_verify_finds_and_removes_one_flipped_bit(filled):
    read = [planes(cell, 1)[0] for cell in cells(filled)[:2]]
    before = [digest(plane) for plane in read]
    assert "0 damaged" in ok("cache", "verify", "--cache-dir", filled.cache)
    found = blocks(filled.cache)
    # The largest is a tile of the image, not a table of metadata.
    victim = max(found, key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 4
    victim.write_bytes(data)
    result = run("cache", "verify", "--cache-dir", filled.cache)
    assert result.returncode == 1
    assert f"{len(found) - 1} good, 1 damaged and removed" in result.stdout
    assert not victim.exists()
    assert "0 damaged" in ok("cache", "verify", "--cache-dir", filled.cache)
    # The mount learns of the loss; the block is fetched again when it is next wanted.
    wait_until(lambda: filled.status()["cache"]["blocks"] == len(found) - 1, what="the mount's count")
    assert filled.umount().returncode == 0
    filled.start()
    assert [digest(plane) for plane in read] == before
    assert filled.status()["cache"]["misses"] > 0 and requests(filled) > 0


def test_verify_beside_readers(filled):
    stop = threading.Event()
    failures = []

    def read():
        try:
            for index in range(100):
                if stop.is_set():
                    return
                planes(cells(filled)[0], 1, first=index % 4)[0].read_bytes()
        except Exception as failure:
            failures.append(failure)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(3):
            assert "0 damaged" in ok("cache", "verify", "--cache-dir", filled.cache)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not failures


def test_verify_shows_how_far_it_is(filled):
    # A bar is drawn ten times a second at most: with few blocks there may be none, but the counts always come.
    code, text = on_terminal("cache", "verify", "--cache-dir", filled.cache)
    assert code == 0 and "good, 0 damaged" in text


# prune and clear

def test_prune_to_a_size(filled):
    plane = planes(cells(filled)[0], 1)[0]
    before = digest(plane)
    half = disk_bytes(filled.cache) // 2
    assert "removed" in ok("cache", "prune", "--to", half, "--cache-dir", filled.cache)
    assert 0 < disk_bytes(filled.cache) <= half
    wait_until(lambda: filled.status()["cache"]["size_bytes"] <= half, what="the mount's count")
    assert digest(plane) == before
    assert run("cache", "prune", "--to", "much", "--cache-dir", filled.cache).returncode == 64
    assert run("cache", "prune", "--cache-dir", filled.cache).returncode == 64


def test_clear_asks_and_leaves_pins(filled):
    cell = cells(filled)[0]
    count = len(blocks(filled.cache))
    result = run("cache", "clear", "--cache-dir", filled.cache, stdin=subprocess.DEVNULL)
    assert result.returncode == 2 and "--yes" in result.stderr
    code, text = on_terminal("cache", "clear", "--cache-dir", filled.cache, answer="n")
    assert code == 1 and f"Remove {count} blocks" in text and "nothing was changed" in text
    assert len(blocks(filled.cache)) == count
    ok("cache", "pin", cell)
    code, text = on_terminal("cache", "clear", "--cache-dir", filled.cache, answer="y")
    assert code == 0 and "pinned ones excepted" in text
    usage = cache_status(filled.cache, "--specimens")["specimens"]
    assert [entry["specimen"] for entry in usage] == [cell.name]
    assert usage[0]["pinned_bytes"] == usage[0]["size_bytes"] > 0
    ok("cache", "clear", "--yes", "--include-pinned", "--cache-dir", filled.cache)
    assert blocks(filled.cache) == []
    assert cache_status(filled.cache)["pins"] == [cell.name], "the pin is a wish, and stays"
    assert planes(cell, 1)[0].read_bytes(), "and the mount serves on"


# pins

def test_pin_by_path_id_and_folder(mount, tmp_path):
    first, second = cells(mount)[:2]
    ok("cache", "pin", mount / "trainable" / "mouse" / first.name / "stack")
    ok("cache", "pin", second.name, "--cache-dir", mount.cache)
    assert cache_status(mount.cache)["pins"] == sorted([first.name, second.name])
    ok("cache", "unpin", first, second)
    train = sorted(os.listdir(mount / "splits" / "train"))
    ok("cache", "pin", mount / "splits" / "train")
    assert cache_status(mount.cache)["pins"] == train
    ok("cache", "unpin", mount / "splits" / "train")
    assert cache_status(mount.cache)["pins"] == []
    # A layer is no cell, though its folder's name is a number.
    ok("cache", "pin", mount / "by-layer" / "4", mount / "by-name")
    everything = {name for species in ("mouse", "human") for name in os.listdir(mount / species) if name.isdigit()}
    assert cache_status(mount.cache)["pins"] == sorted(everything)
    ok("cache", "unpin", mount / "by-layer")
    assert not set(cache_status(mount.cache)["pins"]) & set(os.listdir(mount / "by-layer" / "4"))
    # A cell is in many a folder, and is pinned once.
    told = ok("cache", "pin", mount.path, mount / "mouse")
    assert f"pinned {len(everything)} specimens" in told
    assert cache_status(mount.cache)["pins"] == sorted(everything)
    ok("cache", "unpin", mount.path)
    assert cache_status(mount.cache)["pins"] == []
    ok("cache", "pin", mount / "by-layer" / "4")
    assert cache_status(mount.cache)["pins"] == sorted(os.listdir(mount / "by-layer" / "4"))
    ok("cache", "unpin", mount.path)
    result = run("cache", "unpin", first)
    assert result.returncode == 1 and "is not pinned" in result.stderr
    result = run("cache", "pin", tmp_path)
    assert result.returncode == 2 and "neither a specimen id nor a path" in result.stderr
    result = run("cache", "pin", mount / "mouse" / "1")
    assert result.returncode == 2 and "No such file" in result.stderr


def test_a_pinned_cell_survives_eviction(origin):
    """Two cells are read first, one is pinned; then more than the cache holds is read of others."""
    with Mount(origin.url, options=["--cache-size", "1M", "--read-ahead", "0"]) as mount:
        pinned, other, *rest = cells(mount)
        before = {cell: digest(planes(cell, 1)[0]) for cell in (pinned, other)}
        ok("cache", "pin", pinned)
        wait_until(lambda: mount.status()["cache"]["pinned_bytes"] > 0, what="the pin")
        held = {entry["specimen"]: entry for entry in cache_status(mount.cache, "--specimens")["specimens"]}
        assert held[pinned.name]["size_bytes"] > 0 and held[other.name]["size_bytes"] > 0
        # What was slow to fetch is kept longer, and on a busy machine that is chance: so read until the other gives way.
        for cell, plane in ((cell, plane) for count in (2, 4, 8) for cell in rest for plane in planes(cell, count)):
            plane.read_bytes()
            now = {entry["specimen"]: entry for entry in cache_status(mount.cache, "--specimens")["specimens"]}
            if now.get(other.name, {"blocks": 0})["blocks"] < held[other.name]["blocks"]:
                break
        else:
            raise AssertionError("nothing of the cell that is not pinned went")
        status = mount.status()["cache"]
        assert status["evicted"] > 0
        assert status["size_bytes"] <= 1 << 20
        assert now[pinned.name]["blocks"] == held[pinned.name]["blocks"], "nothing of the pinned cell went"
        assert now[pinned.name]["pinned_bytes"] == held[pinned.name]["size_bytes"]
        # A new mount, without memory of tiles and pages, reads it without the network.
        assert mount.umount().returncode == 0
        mount.start()
        asked = requests(mount)
        assert digest(planes(pinned, 1)[0]) == before[pinned]
        assert requests(mount) == asked
        assert digest(planes(other, 1)[0]) == before[other]
        assert requests(mount) > asked


# find

CASES = [
    (["--species", "human"], lambda row: row["donor__species"] == "Homo Sapiens"),
    (["--structure", "VISP"], lambda row: "VISp" in (row["structure__acronym"], row["structure_parent__acronym"])),
    (["--layer", "4", "--layer", "5"], lambda row: row["structure__layer"] in ("4", "5")),
    (["--dendrite-type", "sparsely-spiny"], lambda row: row["tag__dendrite_type"] == "sparsely spiny"),
    (["--dendrite-type", "spiny"], lambda row: row["tag__dendrite_type"] == "spiny"),
    (["--line", "rorb"], lambda row: "Rorb" in row["line_name"]),
    (["--species", "mouse", "--layer", "4", "--dendrite-type", "spiny"],
     lambda row: (row["donor__species"], row["structure__layer"], row["tag__dendrite_type"])
     == ("Mus musculus", "4", "spiny")),
]


@pytest.mark.parametrize("options, expected", CASES, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_find(demo, options, expected):
    with open(demo / "cells.csv", newline="") as table:
        wanted = {row["specimen__id"] for row in csv.DictReader(table) if expected(row)}
    result = run("find", demo.path, *options, "--json")
    found = json.loads(result.stdout)
    assert {str(cell["id"]) for cell in found} == wanted
    assert result.returncode == (0 if wanted else 1)
    assert all(os.path.isdir(cell["path"]) for cell in found)
    paths = run("find", demo.path, *options, "--paths").stdout.split()
    assert [os.path.basename(path) for path in paths] == [str(cell["id"]) for cell in found]


def test_find_trainable(demo):
    found = json.loads(ok("find", demo.path, "--trainable", "--json"))
    wanted = set(os.listdir(demo / "trainable" / "mouse")) | set(os.listdir(demo / "trainable" / "human"))
    assert {str(cell["id"]) for cell in found} == wanted
    header, *every = ok("find", demo.path).splitlines()
    assert header.split()[0] == "FOLDER"
    assert len(every) == len(os.listdir(demo / "mouse")) + len(os.listdir(demo / "human"))
    assert sum(line.endswith("trainable") for line in every) == len(wanted)


def test_find_nothing_and_nowhere(demo, tmp_path):
    result = run("find", demo.path, "--layer", "99")
    assert result.returncode == 1 and "no cell matches" in result.stderr and result.stdout == ""
    assert run("find", demo.path, "--species", "axolotl").returncode == 64
    result = run("find", tmp_path)
    assert result.returncode == 2 and "no NeuronFS is mounted" in result.stderr


# sync

def test_sync(mount):
    before = mount.status()["catalogue"]
    assert f"{before['cells']} cells" in ok("sync", mount.path)
    after = mount.status()["catalogue"]
    assert after["fetched_at"] > before["fetched_at"]
    assert (after["syncs"], after["sync_error"]) == (1, None)
    assert "the catalogue was refreshed" in mount.log_text()
    ok("sync", mount.path)
    assert mount.status()["catalogue"]["syncs"] == 2
    assert os.listdir(mount / "mouse")
    assert mount.umount().returncode == 0
    assert not alive(mount.pid)


def test_sync_without_the_origin_keeps_the_list():
    with Origin() as origin, Mount(origin.url, options=["--timeout", "3"]) as mount:
        before = mount.status()["catalogue"]
        origin.stop()
        result = run("sync", mount.path)
        assert result.returncode == 1 and "the last good one stays" in result.stderr
        after = mount.status()["catalogue"]
        assert (after["cells"], after["fetched_at"]) == (before["cells"], before["fetched_at"])
        assert after["sync_error"]
        assert "could not be refreshed" in mount.log_text()
        assert os.listdir(mount / "mouse")


def test_sync_of_what_is_no_mount(tmp_path):
    result = run("sync", tmp_path)
    assert result.returncode == 2 and "no NeuronFS is mounted" in result.stderr


# doctor

def findings(text):
    return [line for line in text.splitlines() if re.match(r"(ok|note|bad) ", line)]


def test_doctor_of_a_healthy_mount(mount):
    text = ok("doctor", mount.path)
    assert not [line for line in findings(text) if line.startswith("bad")]
    assert f"{mount.path} serves {mount.status()['catalogue']['cells']} cells" in text
    assert f"the cache directory {mount.cache} is yours" in text
    assert "accepts connections" in text
    assert "/dev/fuse can be opened" in text


def test_doctor_tells_the_cure_of_a_dead_mount(mount):
    mount.kill()
    result = run("doctor", mount.path, "--cache-dir", mount.cache, "--endpoint", "http://127.0.0.1:9")
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    cure = lines[lines.index(f"bad  {mount.path} is dead: its process has ended") + 1].strip()
    assert cure == f"-> neuronfs umount {mount.path}"
    assert "bad  127.0.0.1:9 cannot be reached: Connection refused" in lines
    assert "2 things do not work" in result.stderr
    ok(*cure.split()[2:])
    assert not is_mounted(mount.path)


def test_doctor_of_a_bad_cache_and_a_bad_file(origin, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "neuronfs").mkdir()
    (tmp_path / "neuronfs" / "config.json").write_text('{"cache_size": "many"}')
    result = run("doctor", "--cache-dir", tmp_path / "file", "--endpoint", origin.url,
                 environment={"XDG_CONFIG_HOME": str(tmp_path)})
    assert result.returncode == 1
    assert f"bad  {tmp_path / 'file'} is no directory" in result.stdout
    assert f'bad  "cache_size" in {tmp_path}/neuronfs/config.json is a size' in result.stdout
