"""How much of a plane a read fetches, and that no way of reading sees an error that is not the origin's.

The requests are those that arrive at a proxy in front of the origin. A window through the page cache needs the pages its
pixels lie in, 4096 pixels of a row each: the tiles behind these, and no other, are what it may fetch.
"""

import mmap
import os
import pathlib
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
import tifffile
from PIL import Image

import tile_log
from expected import TILE, meta, plane_name, plane_pixels, planes
from fault_proxy import FaultProxy
from harness import Mount, wait_until
from ways_to_read import MADVICE, WAYS

SMALL = 900_000_112
# The widest frame of the demo, and real ones: each case on a mount of its own that has read nothing.
WINDOWS = [(1000, 1000), (2100, 2600), (3072, 3072), (5200, 40)]
REAL = {313_862_022: "mouse", 529_878_215: "human"}

READ_AHEAD_BUG = pytest.mark.xfail(
    strict=True, reason="BUG: st_blksize of 1 MiB makes Python read a mebibyte for a header (KernelAttributes.swift); "
    "read-ahead served from memory counts as a sequential run, whose prefetch fetches rows below (ReadPattern.swift)")


class Cold:
    """A mount of an origin behind a proxy that writes down what is asked for."""

    def __init__(self, url, *options):
        self.proxy = FaultProxy(url)
        self.options = options

    def __enter__(self):
        self.proxy.start()
        try:
            self.mount = Mount(self.proxy.url, options=self.options)
            self.mount.__enter__()
        except BaseException:
            self.proxy.stop()
            raise
        return self

    def __exit__(self, *_):
        self.mount.clean()
        self.proxy.stop()

    def folder(self, cell, species="mouse"):
        return self.mount / species / str(cell)

    def asked(self, plane):
        return tile_log.asked(self.proxy, plane["image_id"])

    def metric(self, name):
        text = (self.mount / ".neuronfs" / "metrics").read_text()
        return sum(float(value) for value in re.findall(rf"^neuronfs_{name}(?:{{[^}}]*}})? (\S+)$", text, re.M))

    def settle(self):
        """Until nothing is fetched any more: what was prefetched has arrived at the proxy."""
        wait_until(lambda: self.metric("fetch_flights") == 0 and self.metric("http_in_flight") == 0, 60, "end of fetching")


@pytest.fixture
def cold(origin):
    with Cold(origin.url) as cold:
        yield cold


@pytest.fixture
def cold_real(real_origin):
    with Cold(real_origin.url) as cold:
        yield cold


def header_of(path, shape):
    return os.stat(path).st_size - shape[0] * shape[1]


def plane_of(cold, cell, index, species="mouse"):
    folder = cold.folder(cell, species)
    return folder / "stack" / plane_name(index), planes(folder)[index]


# --- windows of a plane nobody has read -------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", REAL)
def test_memory_mapped_window(cold_real, real_origin, cell):
    """Each window on a plane of its own: exactly the tiles behind its pages, each once, and the right pixels."""
    extra = {}
    for number, (y, x) in enumerate(WINDOWS):
        path, plane = plane_of(cold_real, cell, 50 + number, REAL[cell])
        shape = plane["shape"]
        mapped = tifffile.memmap(path, mode="r")
        window = np.array(mapped[y : y + 512, x : x + 512])
        del mapped
        cold_real.settle()
        found = cold_real.asked(plane)
        wanted = tile_log.of_pages(y, x, 512, 512, shape, header_of(path, shape))
        assert set(found) >= wanted and len(found) == len(set(found))
        extra[y, x] = len(set(found) - wanted)
        if number == 0:
            expected = plane_pixels(real_origin.url, plane)
            assert np.array_equal(window, expected[y : y + 512, x : x + 512])
    assert set(extra.values()) == {0}, f"tiles beyond those needed: {extra}"


def test_window_by_zarr_fetches_its_chunks(cold_real):
    """A chunk is a tile: the window's tiles and nothing else, which no read through pages of memory can do."""
    zarr = pytest.importorskip("zarr")
    folder = cold_real.folder(313_862_022)
    there = planes(folder)
    array = zarr.open_group(str(folder / "stack.ome.zarr"), mode="r")["0"]
    for number, (y, x) in enumerate(WINDOWS):
        index = 50 + number
        window = array[index, y : y + 512, x : x + 512]
        cold_real.settle()
        found = cold_real.asked(there[index])
        assert len(found) == len(set(found))
        assert set(found) == tile_log.of_window(y, x, 512, 512)
        mapped = tifffile.memmap(folder / "stack" / plane_name(index), mode="r")
        assert np.array_equal(window, mapped[y : y + 512, x : x + 512])


def direct_rows(path, y, x, height, width, shape, header):
    """Rows of a window past the page cache, into page-aligned memory as O_DIRECT wants it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        rows = []
        with mmap.mmap(-1, 4 * tile_log.PAGE) as memory:
            for row in range(y, y + height):
                offset = header + row * shape[1] + x
                got = os.preadv(descriptor, [memoryview(memory)[:width]], offset)
                assert got == width
                rows.append(bytes(memory[:width]))
        return np.frombuffer(b"".join(rows), np.uint8).reshape(height, width)
    finally:
        os.close(descriptor)


def test_window_past_the_page_cache(cold_real, real_origin):
    """With O_DIRECT every pread is a request of its own size: the window's own tiles."""
    for number, (y, x) in enumerate(WINDOWS):
        path, plane = plane_of(cold_real, 313_862_022, 60 + number)
        window = direct_rows(path, y, x, 512, 512, plane["shape"], header_of(path, plane["shape"]))
        cold_real.settle()
        assert set(cold_real.asked(plane)) == tile_log.of_window(y, x, 512, 512)
        if number == 0:
            assert np.array_equal(window, plane_pixels(real_origin.url, plane)[y : y + 512, x : x + 512])


def test_window_by_pread(cold_real):
    extra = {}
    for number, (y, x) in enumerate(WINDOWS):
        path, plane = plane_of(cold_real, 313_862_022, 70 + number)
        shape, header = plane["shape"], header_of(path, plane["shape"])
        descriptor = os.open(path, os.O_RDONLY)
        try:
            for row in range(y, y + 512):
                assert len(os.pread(descriptor, 512, header + row * shape[1] + x)) == 512
        finally:
            os.close(descriptor)
        cold_real.settle()
        found = cold_real.asked(plane)
        wanted = tile_log.of_pages(y, x, 512, 512, shape, header)
        assert set(found) >= wanted and len(found) == len(set(found))
        extra[y, x] = len(set(found) - wanted)
    assert set(extra.values()) == {0}, f"tiles beyond those needed: {extra}"


def test_random_crops_fetch_a_tile_once(cold_real):
    path, plane = plane_of(cold_real, 313_862_022, 80)
    random = np.random.default_rng(5)
    for _ in range(30):
        y, x = (int(random.integers(0, side - 96)) for side in plane["shape"])
        np.array(tifffile.memmap(path, mode="r")[y : y + 96, x : x + 96])
    cold_real.settle()
    found = cold_real.asked(plane)
    assert len(found) == len(set(found))


def test_a_crop_by_pillow(cold):
    """Pillow decodes whole strips of files with several: tile rows around the crop, each tile once, right pixels."""
    path, plane = plane_of(cold, SMALL, 37)
    with Image.open(path) as image:
        crop = np.array(image.crop((600, 700, 900, 900)))
    cold.settle()
    found = cold.asked(plane)
    assert len(found) == len(set(found))
    assert np.array_equal(crop, tifffile.imread(path)[700:900, 600:900])


# --- straight through -------------------------------------------------------------------------------------------------


def test_a_sequential_read_fetches_each_tile_once_and_ahead(cold, origin):
    path, plane = plane_of(cold, SMALL, 37)
    height, width = plane["shape"]
    data = path.read_bytes()
    cold.settle()
    found = cold.asked(plane)
    assert len(found) == len(set(found)) == -(-height // TILE) * -(-width // TILE)
    assert cold.metric("prefetch_total") > 0
    assert cold.metric("prefetch_used_total") > 0
    assert data[-height * width :] == plane_pixels(origin.url, plane).tobytes()


def test_eight_readers_of_one_cold_plane(cold, origin):
    path, plane = plane_of(cold, SMALL, 37)
    barrier, results = threading.Barrier(8), [None] * 8

    def read(number):
        barrier.wait()
        with open(path, "rb", buffering=0) as file:
            parts = []
            while part := file.read(100_000 + 4096 * number):
                parts.append(part)
            results[number] = b"".join(parts)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    cold.settle()
    found = cold.asked(plane)
    height, width = plane["shape"]
    assert len(found) == len(set(found)) == -(-height // TILE) * -(-width // TILE)
    expected = plane_pixels(origin.url, plane).tobytes()
    assert all(result[-len(expected) :] == expected for result in results)


def test_a_label_asks_for_no_image(cold):
    folder = cold.folder(SMALL)
    for series in ["labels", "labels-instance", "labels-distance"]:
        tifffile.imread(folder / series / plane_name(37))
    assert not [request for request in cold.proxy.requests if "section_image_download" in request.path]


# --- no reader sees the refusal of a read that the kernel made up -------------------------------------------------------


@pytest.fixture(scope="module")
def shared_cold(origin):
    with Cold(origin.url) as cold:
        yield cold


@pytest.fixture(scope="module")
def shared_origin_pixels(origin, shared_cold):
    """Pixels of the planes below, from the origin; fetched as each is needed."""
    there = planes(shared_cold.folder(SMALL))
    return lambda index: plane_pixels(origin.url, there[index]).tobytes()


def read_by(way, path):
    """The file, read in a process of its own; what goes wrong there is shown."""
    script = pathlib.Path(__file__).with_name("ways_to_read.py")
    result = subprocess.run([sys.executable, script, way, path], capture_output=True, timeout=300)
    assert result.returncode == 0, f"{way}: ended with {result.returncode}\n{result.stderr.decode()[-2000:]}"
    return result.stdout


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_read_a_cold_plane(shared_cold, shared_origin_pixels, way):
    """Each on a plane that nobody has read."""
    index = 1 + list(WAYS).index(way)
    path = shared_cold.folder(SMALL) / "stack" / plane_name(index)
    data = read_by(way, path)
    assert len(data) == os.stat(path).st_size
    expected = shared_origin_pixels(index)
    assert data[-len(expected) :] == expected


def test_a_fork_and_threads_on_one_descriptor(shared_cold, shared_origin_pixels):
    """Readers that share an open file confuse each other's runs; never their bytes."""
    path = shared_cold.folder(SMALL) / "stack" / plane_name(61)
    expected = shared_origin_pixels(61)
    header = os.stat(path).st_size - len(expected)
    descriptor, faults = os.open(path, os.O_RDONLY), []

    def read(seed):
        random = np.random.default_rng(seed)
        offset = int(random.integers(0, len(expected)))
        for _ in range(60):
            count = int(random.choice([100, 4096, 70_000, 300_000]))
            if random.random() < 0.3:
                offset = int(random.integers(0, len(expected)))
            try:
                data = os.pread(descriptor, count, header + offset)
            except OSError as error:
                return faults.append(error)
            if data != expected[offset : offset + count]:
                return faults.append((offset, count))
            offset = (offset + count) % len(expected)

    try:
        threads = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert not faults
    finally:
        os.close(descriptor)


VOLUME_WAYS = """
import mmap, os, sys
path, base, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(path, "rb", buffering=0) as file:
    for offset, count in [(0, 900_000), (500_000, 5000), (size - 70_000, 70_000)]:
        data = os.pread(file.fileno(), count, base + offset)
        assert len(data) == count
    with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        if sys.argv[4] != "none":
            mapped.madvise(int(sys.argv[4]))
        sys.stdout.buffer.write(mapped[base : base + size])
"""


@pytest.mark.parametrize("advice", ["none", "random", "sequential", "willneed"])
def test_cold_planes_of_the_volume(shared_cold, shared_origin_pixels, advice):
    """The one file of the whole stack has the same rule for the kernel's guesses."""
    folder = shared_cold.folder(SMALL)
    depth, height, width = meta(folder)["stack"]["shape"]
    path = folder / "stack.tif"
    plane = 70 + ["none", "random", "sequential", "willneed"].index(advice)
    base = os.stat(path).st_size - (depth - plane) * height * width
    result = subprocess.run(
        [sys.executable, "-c", VOLUME_WAYS, path, str(base), str(height * width), str(MADVICE.get(advice, advice))],
        capture_output=True, timeout=300)
    assert result.returncode == 0, result.stderr.decode()
    assert result.stdout == shared_origin_pixels(plane)
