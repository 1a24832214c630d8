"""What has been read once is there for good: without the origin, after kill -9, and not when its bits have changed."""

import csv
import hashlib
import io
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import tile_log
from expected import plane_name, plane_pixels, planes
from fault_proxy import FaultProxy
from harness import Mount, Origin, wait_until

SMALL = 900_000_112
FILES = ["meta.json", "skeleton.swc", "skeleton.marker", "stack/0010.tif", "stack/0037.tif", "labels/0037.tif",
         "labels-instance/0037.tif", "labels-instance.json", "labels-ignore/0037.tif", "stack.ome.zarr/0/37/1/1",
         "labels.ome.zarr/1/1/2/2", "projections/min_xy.jpg", "ephys.nwb"]
# How far a mount was ahead of its reader when it ended is chance, and the next one would go on from there.
EXACTLY = ["--read-ahead", "0"]


@pytest.fixture
def cache():
    with tempfile.TemporaryDirectory(prefix="neuronfs-cache-") as folder:
        yield pathlib.Path(folder) / "cache"


def digests(mount, names=FILES):
    folder = mount / "mouse" / str(SMALL)
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def listing(mount):
    folder = mount / "mouse" / str(SMALL)
    return subprocess.run(["ls", "-lR", "--time-style=full-iso", "."], cwd=folder, capture_output=True, text=True,
                          check=True).stdout


def metric(mount, name):
    text = (mount / ".neuronfs" / "metrics").read_text()
    return float(re.search(rf"^neuronfs_{name} (\S+)$", text, re.M)[1])


def blocks(cache):
    """Files of the block cache that hold data of the origin, the largest first."""
    found = [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size > 4096
             and "catalogue" not in path.name]
    return sorted(found, key=lambda path: -path.stat().st_size)


def test_another_endpoint_finds_no_blocks_of_the_first(cache):
    """Two servers may have the same ids and dates, and other bytes: say a stand-in before and the database after."""
    with Origin() as origin, FaultProxy(origin.url) as one, FaultProxy(origin.url) as other:
        for proxy in (one, other):
            with Mount(proxy.url, cache=cache, options=["--read-ahead", "0"]) as mount:
                digests(mount, ["stack/0010.tif", "skeleton.swc"])
        paths = [{request.path for request in proxy.requests if "/api/v2/data/" not in request.path}
                 for proxy in (one, other)]
        assert len(paths[0]) > 10 and paths[0] == paths[1]
        with Mount(one.url, cache=cache, options=["--offline"]) as mount:
            digests(mount, ["stack/0010.tif", "skeleton.swc"])


def test_the_demo_of_a_folder_is_another_database(cache, tmp_path):
    """In one cache directory, one after the other: neither shows the cells of the other."""
    def cells(mount):
        return {name for species in ("mouse", "human") for name in os.listdir(mount / species) if name.isdigit()}
    with Mount(cache=cache) as mount:
        built_in = cells(mount)
        rows = list(csv.DictReader((mount / "cells.csv").read_text().splitlines()))
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]))
    writer.writeheader()
    writer.writerow(rows[0] | {"specimen__id": "700000001"})
    (tmp_path / "cell_types_specimen_details.csv").write_text(table.getvalue())
    with Mount(cache=cache, data=tmp_path) as mount:
        assert cells(mount) == {"700000001"}
    with Mount(cache=cache) as mount:
        assert cells(mount) == built_in


def test_a_second_mount_needs_no_origin(cache):
    """The origin is stopped in between; the proxy in its place would see any request."""
    with Origin() as origin, FaultProxy(origin.url) as proxy:
        with Mount(proxy.url, cache=cache, options=EXACTLY) as mount:
            first, names = digests(mount), listing(mount)
            cells = (mount / "cells.json").read_bytes()
        asked = len(proxy.requests)
        assert asked > 20
        origin.stop()
        with Mount(proxy.url, cache=cache, options=EXACTLY) as mount:
            assert digests(mount) == first
            assert listing(mount) == names
            assert (mount / "cells.json").read_bytes() == cells
            assert metric(mount, "http_requests_total") == 0
        assert len(proxy.requests) == asked


def test_offline_serves_what_is_cached_and_refuses_the_rest(cache):
    with Origin() as origin:
        with Mount(origin.url, cache=cache) as mount:
            first = digests(mount)
        origin.stop()
        with Mount(origin.url, cache=cache, options=["--offline"]) as mount:
            assert digests(mount) == first
            with pytest.raises(OSError) as caught:
                (mount / "mouse" / str(SMALL) / "stack" / plane_name(50)).read_bytes()
            assert caught.value.errno == 100  # ENETDOWN


READER = """
import os, sys
# Plane by plane, announcing each that was read to its end.
for path in sys.argv[1:]:
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
    print(os.path.basename(path), flush=True)
"""


def stored(cache):
    """Files of all blocks that are whole."""
    return [path for path in (cache / "blocks-V1").rglob("*") if path.is_file() and "tmp." not in path.name]


@pytest.mark.parametrize("after", [1, 3, 6])
def test_kill_in_the_middle_of_reading(origin, cache, after):
    """Every block that was on disk at the kill is used afterwards, and every byte is right.

    A tile is handed to its reader before it is on disk, so the last ones before the kill may be fetched once more; as many
    as the disk lacks, and no more.
    """
    with FaultProxy(origin.url) as proxy, Mount(proxy.url, cache=cache) as mount:
        folder = mount / "mouse" / str(SMALL)
        there = planes(folder)
        # That was read from meta.json, which tells of the skeleton.
        wait_until(lambda: len(stored(cache)) == 1, what="block of the skeleton")
        paths = [folder / "stack" / plane_name(index) for index in range(40)]
        process = subprocess.Popen([sys.executable, "-c", READER, *paths], stdout=subprocess.PIPE, text=True,
                                   stderr=subprocess.DEVNULL)
        done = [process.stdout.readline().strip() for _ in range(after)]
        mount.kill()
        done += process.stdout.read().split()
        process.wait(60)
        process.stdout.close()
        kept = len(stored(cache)) - 1
        before = {index: tile_log.asked(proxy, plane["image_id"]) for index, plane in there.items()}
        assert len(done) >= after and kept > 0
        mount.start()
        # All that was begun, and a plane nobody asked for.
        for index in [*(index for index, tiles in before.items() if tiles), 45]:
            expected = plane_pixels(origin.url, there[index]).tobytes()
            assert (folder / "stack" / plane_name(index)).read_bytes()[-len(expected) :] == expected, index
        again = sum(tile in before[index] for index, plane in there.items()
                    for tile in tile_log.asked(proxy, plane["image_id"])[len(before[index]) :])
        assert again <= sum(map(len, before.values())) - kept
        assert metric(mount, "cache_corrupt_total") == 0


def tiles_of(plane):
    return -(-plane["shape"][0] // 512) * -(-plane["shape"][1] // 512)


def test_changed_bits_are_found_and_fetched_again(origin, cache):
    """One bit in each of some blocks, at the beginning, in the middle and at the end; also a cut and an emptied one."""
    random = np.random.default_rng(7)
    with FaultProxy(origin.url) as proxy:
        with Mount(proxy.url, cache=cache, options=EXACTLY) as mount:
            first = digests(mount)
            state = mount.status()["cache"]
            assert state["blocks"] > 20
        files = blocks(cache)
        assert len(files) > 20
        damaged = files[:: max(1, len(files) // 12)][:12]
        for number, path in enumerate(damaged):
            data = bytearray(path.read_bytes())
            if number == 0:
                data = data[: len(data) // 2]
            elif number == 1:
                data = data[:0]
            else:
                place = [0, 9, len(data) - 1, int(random.integers(0, len(data)))][number % 4]
                data[place] ^= 1 << int(random.integers(0, 8))
            # The mode may be read-only; the bytes are what is tested.
            path.chmod(0o600)
            path.write_bytes(data)
        asked = len(proxy.requests)
        with Mount(proxy.url, cache=cache, options=EXACTLY) as mount:
            # Each is to be found once: by the look through the cache at the start, or by its reader.
            wait_until(lambda: not mount.status()["cache"]["scanning"], 60, "the look through the cache")
            assert digests(mount) == first
            corrupt = metric(mount, "cache_corrupt_total")
            assert 0 < corrupt <= len(damaged)
        assert len(proxy.requests) > asked
        asked = len(proxy.requests)
        # Mended on disk, too.
        with Mount(proxy.url, cache=cache, options=EXACTLY) as mount:
            assert digests(mount) == first
            assert metric(mount, "cache_corrupt_total") == 0
        assert len(proxy.requests) == asked


def test_an_unmount_loses_nothing(origin, cache):
    """umount right after the last byte: what was read is on disk. (The plane after it may be fetched ahead again.)"""
    with FaultProxy(origin.url) as proxy:
        with Mount(proxy.url, cache=cache) as mount:
            folder = mount / "mouse" / str(SMALL)
            plane = planes(folder)[20]
            data = (folder / "stack" / plane_name(20)).read_bytes()
        assert len(tile_log.asked(proxy, plane["image_id"])) == tiles_of(plane)
        with Mount(proxy.url, cache=cache) as mount:
            assert (mount / "mouse" / str(SMALL) / "stack" / plane_name(20)).read_bytes() == data
        assert len(tile_log.asked(proxy, plane["image_id"])) == tiles_of(plane)
