"""prefetch: what it reads, what it says of it, and that it goes on where it was stopped."""

import collections
import fcntl
import math
import os
import re
import signal
import struct
import subprocess
import threading
import time

import pytest
import tifffile

import reliability
from command_line import STOPS, cells, ok, on_terminal, planes, requests, run
from expected import TILE
from fault_proxy import FaultProxy
from harness import Mount, Origin, binary, wait_until


@pytest.fixture
def mount(origin):
    with Mount(origin.url) as mount:
        yield mount


def plan(cell, recordings=False):
    """What prefetch is documented to read of a cell, listed independently."""
    names = ["meta.json", "skeleton.swc", "skeleton.marker", "projections", "stack"] + ["ephys.nwb"] * recordings
    files = []
    for name in names:
        path = cell / name
        if path.is_dir():
            files += [path / entry for entry in sorted(os.listdir(path))]
        elif path.exists():
            files.append(path)
    return files


SUMMARY = re.compile(r"read (\d+) of (\d+) files, .* at .*/s; (.*) came over the network")


def summary(text):
    found = SUMMARY.search(text)
    assert found, text
    return int(found[1]), int(found[2]), found[3]


def test_prefetched_files_need_no_network(origin):
    # Without reading ahead: a second pass would fetch tiles of planes that nobody named.
    with Mount(origin.url, options=["--read-ahead", "0"]) as mount:
        cell = cells(mount)[0]
        files = [*planes(cell, 2), cell / "skeleton.swc", *sorted((cell / "projections").iterdir())]
        arguments = [*planes(cell, 2), cell / "skeleton.swc", cell / "projections"]
        done, total, network = summary(ok("prefetch", *arguments))
        assert done == total == len(files) and network != "0 B"
        reliability.wait_until_idle(mount)
        done, total, network = summary(ok("prefetch", *arguments, "--jobs", 2))
        assert (done, total, network) == (len(files), len(files), "0 B")
        assert mount.umount().returncode == 0
        mount.start()
        asked = requests(mount)
        for path in files:
            assert len(path.read_bytes()) == path.stat().st_size
        assert requests(mount) == asked


def test_prefetch_of_a_cell_without_images(mount):
    """Of a cell, meta.json and what hangs on it; the recording only when asked for."""
    every = sorted((mount / "mouse").iterdir()) + sorted((mount / "human").iterdir())
    cell = next(path for path in every if not (path / "stack").exists())
    done, total, _ = summary(ok("prefetch", cell))
    assert done == total == len(plan(cell))
    # The same cell by two names is read once.
    done, total, _ = summary(ok("prefetch", cell, cell / ".", "--all"))
    assert done == total == len(plan(cell, recordings=True)) == len(plan(cell)) + 1


def test_prefetch_draws_a_bar(origin):
    with Mount(origin.url) as mount:
        code, text = on_terminal("prefetch", *planes(cells(mount)[0], 3))
        assert code == 0
        assert re.search(r"\r\[[#.]+\] \d+/\d+ MiB", text), text
        assert summary(text)[:2] == (3, 3)
        code, text = on_terminal("prefetch", "--quiet", *planes(cells(mount)[0], 3))
        assert code == 0 and "MiB," not in text.replace(SUMMARY.search(text)[0], "")


BAR = re.compile(r"\r\[#*\.*\] (\d+)/(\d+) MiB, ([\d.]+)/s, (?:(\d+) min )?(\d+) s left")
AMOUNT = re.compile(r"read \d+ of \d+ files, ([\d.]+) MiB at ([\d.]+) (B|KiB|MiB|GiB)/s; ([\d.]+ \w+) came over the network")
UNITS = {"B": 2**-20, "KiB": 2**-10, "MiB": 1, "GiB": 2**10}


def test_prefetch_tells_rate_and_time_left():
    """The numbers fit each other: what is left is the rest at the rate so far, and the rate is the amount in that time."""
    with Origin(latency=0.2) as origin, Mount(origin.url) as mount:
        files = planes(cells(mount)[0], 6)
        size = sum(path.stat().st_size for path in files)
        start = time.monotonic()
        code, text = on_terminal("prefetch", "--jobs", 2, *files)
        seconds = time.monotonic() - start
        assert code == 0
        bars = [(int(done), int(total), float(rate), 60 * int(minutes or 0) + int(left), 0.05 if "." in rate else 0.5)
                for done, total, rate, minutes, left in BAR.findall(text)]
        assert bars, text
        assert {total for _, total, *_ in bars} == {math.ceil(size / 2**20)}
        assert [done for done, *_ in bars] == sorted(done for done, *_ in bars)
        for done, total, rate, left, rounding in bars:
            assert math.ceil((total - done) / (rate + rounding)) <= left
            assert rate <= rounding or left <= math.ceil((total - done) / (rate - rounding)), (done, total, rate, left)
        amount, rate, unit, _ = AMOUNT.search(text).groups()
        assert abs(float(amount) - size / 2**20) <= 0.051
        # No slower than the whole command, its start and its end included; no faster than one reply of the origin.
        assert size / 2**20 / seconds - 0.051 <= float(rate) * UNITS[unit] <= size / 2**20 / 0.2 + 0.051


def block_count(path):
    """How many blocks of a file the disk lacks, and how many there are."""
    with open(path, "rb") as file:
        return struct.unpack("=QQ", fcntl.ioctl(file, 0x80104E21, bytes(16)))


def missing_blocks(path):
    return block_count(path)[0]


def test_missing_blocks_are_tiles_and_extents(origin):
    """What a file lacks on disk is counted by its kind: tiles, extents of 1 MiB, nothing of what is made here."""
    with Mount(origin.url, options=["--read-ahead", "0"]) as mount:
        cell = cells(mount)[0]
        plane, = planes(cell, 1)
        height, width = tifffile.TiffFile(plane).pages[0].shape
        reliability.wait_until_idle(mount)
        tiles = math.ceil(height / TILE) * math.ceil(width / TILE)
        # The header, and with it the pages that the kernel adds.
        assert 0 < missing_blocks(plane) <= tiles == block_count(plane)[1]
        assert missing_blocks(cell / "stack" / sorted(os.listdir(cell / "stack"))[7]) == tiles
        assert block_count(cell / "labels" / plane.name) == block_count(cell / "meta.json") == (0, 0)
        recording = cell / "ephys.nwb"
        extents = math.ceil(recording.stat().st_size / 2**20)
        assert missing_blocks(recording) == extents
        reliability.read_at(recording, 0, reliability.PAGE)
        reliability.wait_until_idle(mount)
        assert missing_blocks(recording) == extents - 1
        volume = missing_blocks(cell / "stack.tif")
        ok("prefetch", plane)
        assert missing_blocks(plane) == 0
        assert 0 < volume - missing_blocks(cell / "stack.tif") <= tiles
        chunks = cell / "stack.ome.zarr" / "0" / str(int(plane.stem))
        assert [missing_blocks(chunks / "1" / "1"), missing_blocks(chunks.with_name("60") / "1" / "1")] == [0, 1]


def test_what_is_on_disk_is_not_read_again(origin):
    with Mount(origin.url, options=["--read-ahead", "0"]) as mount:
        files = planes(cells(mount)[0], 3)
        ok("prefetch", *files[:2])
        before = mount.status()
        text = ok("prefetch", *files)
        after = mount.status()
        size = files[0].stat().st_size
        assert f"{2 * size / 2**20:.1f} MiB were in the cache already" in text, text
        served = after["readers"]["served_bytes"] - before["readers"]["served_bytes"]
        assert size <= served < 2 * size, "the third, and the status"
        assert after["cache"]["hits"] == before["cache"]["hits"]


def test_prefetch_of_labels_keeps_what_they_are_made_from(origin, tmp_path):
    with Mount(origin.url, cache=tmp_path / "cache", options=["--read-ahead", "0"]) as mount:
        cell = cells(mount)[0]
        plane = cell / "labels" / planes(cell, 1, first=40)[0].name
        name = plane.relative_to(mount.path)
        expected = plane.read_bytes()
        reliability.wait_until_idle(mount)
        ok("cache", "clear", "--yes", "--cache-dir", mount.cache)
        sources = [path for path in (cell / "skeleton.swc", cell / "skeleton.marker") if path.exists()]
        text = ok("prefetch", plane)
        assert summary(text)[:2] == (1 + len(sources), 1 + len(sources))
        assert "already" not in text, "a label plane is in no cache"
        assert not any(missing_blocks(path) for path in sources)
    with Mount(origin.url, cache=tmp_path / "cache", options=["--offline"]) as mount:
        assert (mount / name).read_bytes() == expected


def test_prefetch_of_the_labels_in_a_store_draws_none(origin):
    with Mount(origin.url, options=["--read-ahead", "0"]) as mount:
        cell = cells(mount)[0]
        group = cell / "stack.ome.zarr" / "labels"
        sources = [path for path in (cell / "skeleton.swc", cell / "skeleton.marker") if path.exists()]
        assert summary(ok("prefetch", group))[:2] == (len(sources), len(sources))
        assert not any(missing_blocks(path) for path in sources)
        level = group / "classes" / "2"
        assert summary(ok("prefetch", level / ".zarray"))[:2] == (1 + len(sources), 1 + len(sources))


def test_prefetch_in_vain_leaves_memory_as_it_was(origin):
    """Gone from disk, in memory, and the network away: others are served as before."""
    with FaultProxy(origin.url) as proxy, \
            Mount(proxy.url, options=["--read-ahead", "0"], environment={"NEURONFS_BACKOFF_BASE": "0.05"}) as mount:
        plane, = planes(cells(mount)[0], 1)
        expected = plane.read_bytes()
        reliability.wait_until_idle(mount)
        ok("cache", "clear", "--yes", "--cache-dir", mount.cache)
        proxy.add("", "refuse")
        lost = planes(cells(mount)[0], 1, first=50)[0]
        wait_until(lambda: reliability.outcome(lambda: reliability.read_at(lost, 1 << 20, 4096))[1] == "ENETDOWN", what="offline")
        result = run("prefetch", plane)
        assert result.returncode == 1 and "1 of 1 files are not whole in the cache" in result.stderr
        reliability.forget_pages(plane)
        assert plane.read_bytes() == expected


def test_prefetch_after_clearing_fills_the_disk_again(origin, tmp_path):
    """All is in memory still, and nothing on disk: prefetch is for the disk."""
    with Mount(origin.url, cache=tmp_path / "cache", options=["--read-ahead", "0"]) as mount:
        cell = cells(mount)[0]
        files = [*planes(cell, 2), cell / "skeleton.swc", *sorted((cell / "projections").iterdir())]
        truth = {path.relative_to(mount.path): path.read_bytes() for path in files}
        reliability.wait_until_idle(mount)
        assert not any(missing_blocks(path) for path in files)
        ok("cache", "clear", "--yes", "--cache-dir", mount.cache)
        assert all(missing_blocks(path) for path in files)
        assert summary(ok("prefetch", *files))[:2] == (len(files), len(files))
        assert not any(missing_blocks(path) for path in files)
        for name, expected in truth.items():
            assert (mount / name).read_bytes() == expected
    with Mount(origin.url, cache=tmp_path / "cache", options=["--offline"]) as mount:
        for name, expected in truth.items():
            assert (mount / name).read_bytes() == expected


def test_prefetch_says_that_the_cache_is_too_small(origin):
    with Mount(origin.url, options=["--cache-size", "1M", "--read-ahead", "0"]) as mount:
        files = planes(cells(mount)[0], 8)
        result = run("prefetch", *files)
        assert result.returncode == 1
        assert summary(result.stdout)[:2] == (8, 8), "every file was read"
        lost = sum(missing_blocks(path) > 0 for path in files)
        assert 0 < lost
        assert f"{lost} of 8 files are not whole in the cache: {mount.cache} holds " in result.stderr
        assert "of at most 1.0 MiB" in result.stderr


class Halting(FaultProxy):
    """Answers so many requests for tiles and holds the ones behind them, until it is told to go on."""

    def __init__(self, url, answered):
        super().__init__(url)
        self.tiles, self.held = [], []
        self._left = answered
        self._going_on = threading.Event()

    def go_on(self):
        self._going_on.set()

    def _answer(self, connection, reader, upstream, method, path, headers):
        if "cgi-bin/imageservice" in path:
            with self._lock:
                self.tiles.append(path)
                is_held = len(self.tiles) > self._left and not self._going_on.is_set()
                if is_held:
                    self.held.append(path)
            while is_held and not self._going_on.wait(0.05) and not self._stopping.is_set():
                pass
        return super()._answer(connection, reader, upstream, method, path, headers)


@STOPS
def test_a_stopped_prefetch_asks_for_no_tile_again(origin, tmp_path):
    """Stopped while forty tiles have come and a few are on their way: in total every tile is asked for once."""
    with Halting(origin.url, answered=40) as proxy, \
            Mount(proxy.url, cache=tmp_path / "cache", options=["--read-ahead", "0"]) as mount:
        files = planes(cells(mount)[0], 12)
        process = subprocess.Popen([binary(), "prefetch", "--jobs", "4", *files], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: proxy.held and mount.status()["cache"]["blocks"] >= 40, 60, "the halt")
            process.send_signal(signal.SIGINT)
            text, errors = process.communicate(timeout=120)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        assert process.returncode == 130 and "start it again to go on" in errors
        assert summary(text)[0] < len(files)
        proxy.go_on()
        reliability.wait_until_idle(mount)
        first = len(proxy.tiles)
        assert summary(ok("prefetch", *files))[:2] == (len(files), len(files))
        reliability.wait_until_idle(mount)
        asked = collections.Counter(proxy.tiles)
        assert first < len(asked), "it has stopped before the end"
        # Nobody waited any more for what was on its way, so that may have been dropped; what had come is not asked for again.
        assert {path: count for path, count in asked.items() if count > 1 + (path in proxy.held)} == {}
        truth = {path.relative_to(mount.path): path.read_bytes() for path in files}
        assert len(proxy.tiles) == asked.total(), "nothing was missing"
    with Mount(proxy.url, cache=tmp_path / "cache", options=["--offline"]) as mount:
        for name, expected in truth.items():
            assert (mount / name).read_bytes() == expected


def test_an_interrupted_prefetch_goes_on(tmp_path):
    """A slow origin, Ctrl-C in the middle of a folder of cells, then a part of it again."""
    with Origin(latency=0.2) as origin, Mount(origin.url, options=["--read-ahead", "0"]) as mount:
        folder = mount / "splits" / "train"
        process = subprocess.Popen([binary(), "prefetch", folder, "--jobs", "4"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            # Past the lists and well into the first planes.
            wait_until(lambda: mount.status()["cache"]["blocks"] > 60, seconds=120, what="the first blocks")
            process.send_signal(signal.SIGINT)
            text, errors = process.communicate(timeout=120)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        assert process.returncode == 130
        assert "start it again to go on" in errors
        done, total, _ = summary(text)
        specimens = [mount / species / name for name in os.listdir(folder) for species in ("mouse", "human")
                     if (mount / species / name).exists()]
        assert total == sum(len(plan(cell)) for cell in specimens)
        assert done < total
        # Nobody waits any more: what was asked for is dropped.
        wait_until(lambda: mount.status()["readers"]["waiting"] == 0, what="end of waiting")
        first = specimens[0] if specimens[0].name == sorted(os.listdir(folder))[0] else \
            next(cell for cell in specimens if cell.name == sorted(os.listdir(folder))[0])
        _, _, network = summary(ok("prefetch", first / "skeleton.swc", first / "projections"))
        assert network == "0 B", "what came before the interruption is kept"


def test_prefetch_lists_what_could_not_be_read(tmp_path):
    with Origin() as origin, Mount(origin.url, cache=tmp_path / "cache", options=["--timeout", "20"]) as mount:
        cell = cells(mount)[0]
        good = planes(cell, 1)[0]
        ok("prefetch", good)
        reliability.wait_until_idle(mount)
        lost = planes(cell, 2, first=60)
        origin.stop()
        result = run("prefetch", good, *lost)
        assert result.returncode == 1
        for path in lost:
            assert f"{path}: " in result.stderr
        assert str(good) not in result.stderr
        assert "2 could not be read" in result.stderr
        assert summary(result.stdout)[:2] == (1, 3)


def test_prefetch_of_what_is_no_mount(tmp_path):
    result = run("prefetch", tmp_path)
    assert result.returncode == 2 and "is in no NeuronFS mount" in result.stderr
    result = run("prefetch", tmp_path / "none")
    assert result.returncode == 2 and "No such file" in result.stderr
