"""How much of a plane a read fetches, and that no way of reading sees an error that is not the origin's.

The requests are those that arrive at a proxy in front of the origin. A window through the page cache needs the pages its
pixels lie in, 4096 pixels of a row each: the tiles behind these, and no other, are what it may fetch.
"""

import mmap
import os
import pathlib
import subprocess
import sys
import threading

import numpy as np
import pytest
import tifffile
from PIL import Image

import tile_log
from cold_mount import Cold, header_of, plane_of
from expected import TILE, meta, plane_name, plane_pixels, planes
from ways_to_read import MADVICE, WAYS, by_direct

SMALL = 900_000_112
# Each case on a mount of its own that has read nothing: a cell of the demo, whose rows are shorter than a page of memory,
# and real ones, whose rows are several pages long.
SITES = {"demo": ("origin", 900_000_203, "human", [(1000, 1000), (2100, 2300), (1024, 512), (2488, 40)])}
WINDOWS = [(1000, 1000), (2100, 2600), (3072, 3072), (5200, 40)]
SITES |= {f"real-{species}": ("real_origin", cell, species, WINDOWS)
          for cell, species in [(313_862_022, "mouse"), (529_878_215, "human")]}


@pytest.fixture
def cold(origin):
    with Cold(origin.url) as cold:
        yield cold


class Site:
    """A cold mount, and a cell of it with the windows that are read of its planes."""

    def __init__(self, cold, origin, cell, species, windows):
        self.cold, self.url, self.folder, self.windows = cold, origin.url, cold.folder(cell, species), windows
        self.planes = planes(self.folder)

    def path(self, index):
        return self.folder / "stack" / plane_name(index)

    def asked(self, index):
        """The tiles of a plane that were asked for, none of them twice."""
        self.cold.settle()
        found = self.cold.asked(self.planes[index])
        assert len(found) == len(set(found))
        return set(found)

    def behind(self, index, y, x, height, width):
        """The tiles behind the pages of a window."""
        shape = self.planes[index]["shape"]
        return tile_log.of_pages(y, x, height, width, shape, header_of(self.path(index), shape))


@pytest.fixture(params=SITES)
def site(request):
    source, *where = SITES[request.param]
    origin = request.getfixturevalue(source)
    with Cold(origin.url) as cold:
        yield Site(cold, origin, *where)


# --- windows of a plane nobody has read -------------------------------------------------------------------------------


def test_memory_mapped_window(site):
    """Each window on a plane of its own: exactly the tiles behind its pages, each once, and the right pixels."""
    extra = {}
    for index, (y, x) in enumerate(site.windows, 50):
        mapped = tifffile.memmap(site.path(index), mode="r")
        window = np.array(mapped[y : y + 512, x : x + 512])
        del mapped
        found, wanted = site.asked(index), site.behind(index, y, x, 512, 512)
        assert found >= wanted
        extra[y, x] = len(found - wanted)
        if index == 50:
            assert np.array_equal(window, plane_pixels(site.url, site.planes[index])[y : y + 512, x : x + 512])
    assert set(extra.values()) == {0}, f"tiles beyond those needed: {extra}"


def test_window_by_zarr_fetches_its_chunks(site):
    """A chunk is a tile: the window's tiles and nothing else, which no read through pages of memory can do."""
    zarr = pytest.importorskip("zarr")
    array = zarr.open_group(str(site.folder / "stack.ome.zarr"), mode="r")["0"]
    for index, (y, x) in enumerate(site.windows, 50):
        window = array[index, y : y + 512, x : x + 512]
        assert site.asked(index) == tile_log.of_window(y, x, *window.shape)
        mapped = tifffile.memmap(site.path(index), mode="r")
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


def test_window_past_the_page_cache(site):
    """With O_DIRECT every pread is a request of its own size: the window's own tiles."""
    for index, (y, x) in enumerate(site.windows, 60):
        shape = site.planes[index]["shape"]
        window = direct_rows(site.path(index), y, x, 512, 512, shape, header_of(site.path(index), shape))
        assert site.asked(index) == tile_log.of_window(y, x, 512, 512)
        if index == 60:
            assert np.array_equal(window, plane_pixels(site.url, site.planes[index])[y : y + 512, x : x + 512])


def test_window_by_pread(site):
    extra = {}
    for index, (y, x) in enumerate(site.windows, 70):
        shape, header = site.planes[index]["shape"], header_of(site.path(index), site.planes[index]["shape"])
        descriptor = os.open(site.path(index), os.O_RDONLY)
        try:
            for row in range(y, y + 512):
                assert len(os.pread(descriptor, 512, header + row * shape[1] + x)) == 512
        finally:
            os.close(descriptor)
        found, wanted = site.asked(index), site.behind(index, y, x, 512, 512)
        assert found >= wanted
        extra[y, x] = len(found - wanted)
    assert set(extra.values()) == {0}, f"tiles beyond those needed: {extra}"


@pytest.mark.parametrize("way", ["opened once", "opened for each", "flipped"])
def test_random_crops_fetch_a_tile_once(site, way):
    """And none that is not behind the pages of one of them."""
    path, shape = site.path(80), site.planes[80]["shape"]
    random = np.random.default_rng(5)
    mapped, wanted = tifffile.memmap(path, mode="r"), set()
    for _ in range(6):
        y, x = (int(random.integers(0, side - 96)) for side in shape)
        if way == "opened for each":
            mapped = tifffile.memmap(path, mode="r")
        crop = mapped[y : y + 96, x : x + 96]
        np.array(crop[::-1] if way == "flipped" else crop)
        wanted |= site.behind(80, y, x, 96, 96)
        found = site.asked(80)
        assert found == wanted, f"tiles beyond those needed: {found - wanted}"


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
    # Past the page cache: the kernel's own read-ahead would ask for the rows below before the daemon's could.
    data = by_direct(path, 1 << 16)
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


@pytest.mark.parametrize("name, first", [("stack.tif", 70), ("stack.npy", 65)])
@pytest.mark.parametrize("advice", ["none", "random", "sequential", "willneed"])
def test_cold_planes_of_the_volume(shared_cold, shared_origin_pixels, advice, name, first):
    """The one file of the whole stack has the same rule for the kernel's guesses."""
    folder = shared_cold.folder(SMALL)
    depth, height, width = meta(folder)["stack"]["shape"]
    path = folder / name
    plane = first + ["none", "random", "sequential", "willneed"].index(advice)
    base = os.stat(path).st_size - (depth - plane) * height * width
    result = subprocess.run(
        [sys.executable, "-c", VOLUME_WAYS, path, str(base), str(height * width), str(MADVICE.get(advice, advice))],
        capture_output=True, timeout=300)
    assert result.returncode == 0, result.stderr.decode()
    assert result.stdout == shared_origin_pixels(plane)
