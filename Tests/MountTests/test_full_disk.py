"""A full disk, and the limit on the cache's size: serving goes on, nothing is served wrong, and it ends by itself."""

import contextlib
import functools
import inspect
import os
import subprocess
import sys
import threading
import time

import pytest

import harness
import reliability
from recorded_origin import RecordedOrigin

STORED = "blocks cannot be stored"
RESUMED = "blocks are stored in the cache again"


@pytest.fixture(scope="module")
def recorded(origin):
    with RecordedOrigin(origin.url) as recorded:
        yield recorded


def on_a_disk_of_its_own(test):
    """Gives `test` a file system of 6 MiB as `disk`. Who may not mount runs it in a namespace in which he may."""
    @functools.wraps(test)
    def run(recorded, truth, tmp_path):
        if os.geteuid() == 0:
            with small_disk(tmp_path / "disk") as disk:
                return test(recorded, truth, disk)
        namespace = ["unshare", "-rm"]
        tried = subprocess.run([*namespace, "mount", "-t", "tmpfs", "neuronfs-test", tmp_path], capture_output=True, text=True)
        if tried.returncode != 0:
            pytest.skip(f"neither root nor a namespace to mount in: {tried.stderr.strip()}")
        command = [*namespace, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                   f"--basetemp={tmp_path / 'inside'}", f"{__file__}::{test.__name__}"]
        inside = subprocess.run(command, capture_output=True, text=True, timeout=600 * harness.PATIENCE)
        assert inside.returncode == 0, inside.stdout + inside.stderr
        if " skipped" in inside.stdout:
            pytest.skip(f"in a namespace: {inside.stdout}")
    # The disk is no fixture.
    run.__signature__ = inspect.Signature([inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
                                           for name in ("recorded", "truth", "tmp_path")])
    return run


@contextlib.contextmanager
def small_disk(path):
    path.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "neuronfs-test", path], capture_output=True)
    if made.returncode != 0:
        pytest.skip(f"no tmpfs here: {made.stderr.decode().strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@pytest.fixture(scope="module")
def truth(recorded):
    """Name -> bytes of twenty planes and two recordings, about 12 MB as the cache keeps them."""
    with harness.Mount(recorded.url) as mount:
        cells = reliability.trainable(mount)[:2]
        names = [f"mouse/{cells[0]}/stack/{index:04}.tif" for index in range(12)]
        names += [f"mouse/{cell}/ephys.nwb" for cell in cells]
        return {name: (mount / name).read_bytes() for name in names}


def warnings(mount, sentence):
    return sum(sentence in line for line in mount.log_text().split("\n"))


def catalogue_warnings(mount):
    """All that is said of a catalogue that cannot be written or read, by whatever part of the program."""
    return [line for line in mount.log_text().split("\n") if " warning " in line and "catalogue" in line]


def fill(disk):
    """Takes every byte that is left, as another program might."""
    path = disk / "filler"
    with open(path, "ab", buffering=0) as filler:
        for size in (1 << 16, 1 << 12, 1 << 9):
            try:
                while True:
                    filler.write(bytes(size))
            except OSError:
                pass
    return path


@on_a_disk_of_its_own
def test_full_disk(recorded, truth, disk):
    """Another program fills the disk while the mount runs; later there is room again."""
    with harness.Mount(recorded.url, cache=disk / "cache", options=["--cache-free", "0"]) as mount:
        names = list(truth)
        assert (mount / names[0]).read_bytes() == truth[names[0]]
        reliability.wait_until_idle(mount)
        kept = reliability.blocks(mount.cache)
        assert kept
        for path in kept:
            os.unlink(path)
        filler = fill(disk)
        for _ in range(2):
            for name, expected in truth.items():
                reliability.forget_pages(mount / name)
                assert (mount / name).read_bytes() == expected, name
        reliability.wait_until_idle(mount)
        assert warnings(mount, STORED) == 1, f"one warning, not one a block: {mount.log_text()}"
        assert not warnings(mount, RESUMED)
        assert len(catalogue_warnings(mount)) <= 1, "one warning, not one a cell or file"
        assert not reliability.blocks(mount.cache)

        filler.unlink()
        # Planes that are in no memory yet, and each of them several times: it has twenty tiles, of which a page takes a few.
        # Writing is tried again every few seconds.
        places = ((f"{index:04}.tif", offset) for offset in range(1 << 20, 4 << 20, 1 << 20) for index in range(12, 100))

        def stores_again():
            name, offset = next(places, (None, None))
            assert name, "there are no more places to read"
            reliability.read_at((mount / names[0]).with_name(name), offset, 4096)
            time.sleep(0.5)
            return reliability.blocks(mount.cache)
        harness.wait_until(stores_again, 60, "storing again once there is room")
        harness.wait_until(lambda: warnings(mount, RESUMED) == 1, what="the notice that blocks are stored again")
        assert warnings(mount, STORED) == 1
        assert len(catalogue_warnings(mount)) <= 1
        reliability.wait_until_idle(mount)
        assert reliability.metrics(mount)["cache_corrupt_total"] == 0
    with harness.Mount(recorded.url, cache=disk / "cache", options=["--offline"]) as mount:
        for name, expected in truth.items():
            got, code = reliability.outcome((mount / name).read_bytes)
            assert code == "ENETDOWN" or got == expected, f"{name}: {code}"
        assert reliability.metrics(mount)["cache_corrupt_total"] == 0


@on_a_disk_of_its_own
def test_prefetch_onto_a_full_disk(recorded, truth, disk):
    """Everything is read, nothing is kept, and prefetch says so."""
    with harness.Mount(recorded.url, cache=disk / "cache", options=["--cache-free", "0"]) as mount:
        names = list(truth)[:3]
        for name in names:
            assert (mount / name).stat().st_size == len(truth[name])
        fill(disk)
        result = subprocess.run([harness.binary(), "prefetch", *(mount / name for name in names)], text=True,
                                capture_output=True, timeout=100 * harness.PATIENCE)
        assert result.returncode == 1
        assert f"3 of 3 files are not whole in the cache: {mount.cache} accepts no blocks at the moment" in result.stderr
        assert "read 3 of 3 files" in result.stdout


@on_a_disk_of_its_own
def test_mount_on_a_full_disk(recorded, truth, disk):
    """Not even the catalogue can be written: what is known serves, what is read is right, and the mount ends cleanly."""
    with harness.Mount(recorded.url, cache=disk / "cache", options=["--cache-free", "0"]) as mount:
        assert os.listdir(mount / "mouse")
    fill(disk)
    with harness.Mount(recorded.url, cache=disk / "cache", options=["--cache-free", "0"]) as mount:
        for name, expected in list(truth.items())[:3]:
            assert (mount / name).read_bytes() == expected, name
        assert warnings(mount, STORED) == 1
        assert len(catalogue_warnings(mount)) == 1, "one warning, not one a cell or file"
        assert mount.umount().returncode == 0


@on_a_disk_of_its_own
def test_room_left_free(recorded, truth, disk):
    """A cache alone on a small disk gives up its own blocks to leave --cache-free, with nothing to warn of."""
    left = 3 << 20
    with harness.Mount(recorded.url, cache=disk / "cache", options=["--cache-free", "3M"]) as mount:
        for name, expected in truth.items():
            if "stack" not in name:
                continue
            assert (mount / name).read_bytes() == expected, name
            status = os.statvfs(disk)
            # The catalogue's log is no block: it may take some of the room.
            assert status.f_bavail * status.f_frsize >= left - (512 << 10), name
        reliability.wait_until_idle(mount)
        assert reliability.metrics(mount)["cache_evicted_total"] > 0
        assert not warnings(mount, STORED)


def test_size_limit_while_running(recorded, truth, tmp_path):
    """The directory never takes more than --cache-size, looked at while blocks come in and go out."""
    limit = 1536 << 10
    options = ["--cache-size", "1536K", "--cache-free", "0"]
    with harness.Mount(recorded.url, cache=tmp_path / "cache", options=options) as mount:
        seen, stop = [], threading.Event()

        def sample():
            while not stop.is_set():
                seen.append(sum(-(-size // 4096) * 4096 for size in reliability.blocks(mount.cache).values()))
                time.sleep(0.005)
        sampler = threading.Thread(target=sample)
        sampler.start()
        try:
            for name, expected in truth.items():
                if "stack" in name:
                    assert (mount / name).read_bytes() == expected, name
        finally:
            stop.set()
            sampler.join()
        reliability.wait_until_idle(mount)
        page = reliability.metrics(mount)
        assert page["cache_evicted_total"] > 0
        # A limit, not a target of zero.
        assert limit / 2 < page["cache_bytes"] <= limit
        assert sum(-(-size // 4096) * 4096 for size in reliability.blocks(mount.cache).values()) <= limit
        # Walking the directory takes a while, in which a tile or two go at the one end and come at the other.
        assert max(seen) <= limit + (256 << 10), f"{max(seen)} bytes of {limit}"
        assert len(seen) > 10
