"""What is fetched ahead of a reader, what is not, and who waits for whom.

The order of events is told by a proxy in front of the origin that holds requests back (gate.py), not by a clock.
"""

import mmap
import os
import signal
import subprocess
import sys
import time

import pytest
import tifffile

import tile_log
from cold_mount import Cold, header_of, plane_of
from expected import TILE, meta, plane_name, planes
from gate import Gate
from harness import PATIENCE, Mount, binary, wait_until

SMALL = 900_000_112
# Plane 41 of it is missing.
GAPPED = 900_000_120
# The widest frame of the demo: 3000 x 3000, six rows of tiles.
WIDE = 900_000_203
# The demo's mouse with the most planes, 140.
LONG = 900_000_131
IMAGES = "image_download|imageservice"
# No more requests to one host than this are under way.
CONNECTIONS = 8


@pytest.fixture
def cold(origin):
    with Cold(origin.url) as cold:
        yield cold


@pytest.fixture
def gated(origin):
    with Cold(origin.url, proxy=Gate) as cold:
        yield cold


def waiting(cold):
    return cold.mount.status()["readers"]["waiting"]


def standing(value, seconds=0.5):
    """A value once it has not changed for a while."""
    last, since = value(), time.monotonic()
    while time.monotonic() - since < seconds * PATIENCE:
        time.sleep(0.02)
        if (now := value()) != last:
            last, since = now, time.monotonic()
    return last


def rows_asked(cold, plane):
    return {row for row, _ in cold.asked(plane)}


def pages(descriptor, first, last, step=1 << 16):
    """Reads the bytes from `first` to `last`, in order or, with a negative step, from the end."""
    starts = range(first, last, step) if step > 0 else range(last + step, first + step, step)
    for start in starts:
        low = max(start, first)
        os.pread(descriptor, min(start + abs(step), last) - low, low)


def read_through(path, step=1 << 16, flags=0):
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        pages(descriptor, 0, os.stat(path).st_size, step)
    finally:
        os.close(descriptor)


# --- who goes first ---------------------------------------------------------------------------------------------------


@pytest.fixture
def crowded(gated):
    """A mount on which `neuronfs prefetch` waits for images with all its jobs."""
    gated.names = planes(gated.folder(SMALL))
    folder = gated.folder(GAPPED)
    os.listdir(folder / "stack")
    gated.proxy.hold(IMAGES)
    process = subprocess.Popen([binary(), "prefetch", "--quiet", "--jobs", "64", folder / "stack"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: waiting(gated) >= 64, 60, "64 reads of the prefetch")
        yield gated
    finally:
        process.kill()
        process.wait()


def page_reader(path):
    return subprocess.Popen(["dd", f"if={path}", "bs=4096", "count=1", "skip=20000", "iflag=skip_bytes", "status=none"],
                            stdout=subprocess.PIPE)


@pytest.mark.parametrize("cell, index", [(SMALL, 5), (GAPPED, 60)], ids=["another cell", "a plane being prefetched"])
def test_a_reader_goes_before_a_prefetch(crowded, cell, index):
    """Of a plane that the prefetch waits for, too: whose request is queued is put before all others."""
    path, plane = plane_of(crowded, cell, index)
    held = list(crowded.proxy.held)
    process = page_reader(path)
    try:
        image = f"/{plane['image_id']}?"
        # With all images held: the reader's request finds a connection that no prefetch may take.
        wait_until(lambda: any(image in asked for asked in crowded.proxy.held[len(held):]), 60, "the reader's tile")
        assert len(crowded.proxy.held) <= CONNECTIONS
        crowded.proxy.release()
        data, _ = process.communicate(timeout=60)
        assert len(data) == 4096
        asked = [request.path for request in crowded.proxy.requests if "image_download" in request.path]
        assert any(image in path for path in asked[:CONNECTIONS])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# --- ahead of a reader ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1 << 12, 1 << 15, 1 << 17, 1 << 20])
def test_backwards(cold, step):
    """Rows of tiles are fetched ahead of a reader that comes from the end, and the last ones of the plane before."""
    path, plane = plane_of(cold, WIDE, 50, "human")
    there = planes(cold.folder(WIDE, "human"))
    read_through(path, -step)
    cold.settle()
    found = cold.asked(plane)
    assert len(found) == len(set(found)) == 36
    # Who takes a plane in eight steps may be through before much is ahead of him.
    is_hasty = step == 1 << 20
    assert cold.metric("prefetch_used_total") >= (1 if is_hasty else 12)
    assert not cold.asked(there[51])
    before = rows_asked(cold, there[49])
    assert (before & {4, 5} or is_hasty) and 0 not in before
    assert {index for index in there if cold.asked(there[index])} | {49} == {49, 50}


@pytest.mark.parametrize("flags", [0, os.O_DIRECT], ids=["buffered", "direct"])
@pytest.mark.parametrize("first, second, step", [(40, 42, 1 << 16), (42, 40, -(1 << 16))], ids=["forward", "backward"])
def test_from_plane_to_plane(cold, first, second, step, flags):
    """What comes next in plane order is on its way before it is opened, and is asked for once; plane 41 is missing."""
    there = planes(cold.folder(GAPPED))
    stack = cold.folder(GAPPED) / "stack"
    rows = -(-there[second]["shape"][0] // TILE)
    if flags:
        buffer = mmap.mmap(-1, 1 << 16)
        descriptor = os.open(stack / plane_name(first), os.O_RDONLY | flags)
        size = os.fstat(descriptor).st_size
        starts = range(0, size, 1 << 16)
        for start in starts if step > 0 else reversed(starts):
            os.preadv(descriptor, [buffer], start)
        os.close(descriptor)
    else:
        read_through(stack / plane_name(first), step)
    cold.settle()
    ahead = rows_asked(cold, there[second])
    assert (0 if step > 0 else rows - 1) in ahead
    assert {index for index in there if cold.asked(there[index])} == {first, second}
    read_through(stack / plane_name(second), step)
    cold.settle()
    for index in [first, second]:
        found = cold.asked(there[index])
        assert len(found) == len(set(found)), f"plane {index} was asked for twice"


@pytest.mark.parametrize("step", [1 << 16, -(1 << 16)], ids=["forward", "backward"])
def test_through_the_volume(cold, step):
    """stack.tif is read ahead in plane order, past the plane that is missing."""
    folder = cold.folder(GAPPED)
    depth, height, width = meta(folder)["stack"]["shape"]
    there = planes(folder)
    path = folder / "stack.tif"
    base = os.stat(path).st_size - depth * height * width
    descriptor = os.open(path, os.O_RDONLY)
    pages(descriptor, base + 39 * height * width, base + 43 * height * width, step)
    os.close(descriptor)
    cold.settle()
    assert cold.metric("prefetch_used_total") >= 16
    asked = {index: cold.asked(there[index]) for index in there}
    assert all(len(found) == len(set(found)) for found in asked.values())
    assert all(len(asked[index]) == 16 for index in [39, 40, 42])
    ahead = 43 if step > 0 else 38
    # The kernel's own read-ahead comes into plane 43, its first page is of plane 38 as well, and a window is a plane high.
    assert asked[ahead] and {index for index, found in asked.items() if found} <= set(range(37, 45))


def test_a_header_fetches_no_tile(cold):
    """What looks at a file's first bytes reads no pixel: the size that stat recommends is that of the header."""
    path, plane = plane_of(cold, SMALL, 5)
    with open(path, "rb") as file:
        assert file.read(4) == b"II*\0"
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].shape == tuple(plane["shape"])
    cold.settle()
    assert not cold.asked(plane)


# --- a window that is given up ----------------------------------------------------------------------------------------

# Reads `first` bytes, waits to be told, and reads on.
READER = """
import mmap, os, sys
path, first, flags = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
file = os.open(path, os.O_RDONLY | flags)
buffer = mmap.mmap(-1, 1 << 16)
position = 0
while count := os.preadv(file, [buffer], position):
    position += count
    if position >= first > 0:
        print("there", flush=True)
        sys.stdin.readline()
        first = 0
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("flags", [0, os.O_DIRECT], ids=["buffered", "direct"])
def test_a_reader_that_is_killed_takes_its_window_along(gated, flags, number):
    path, plane = plane_of(gated, WIDE, 50, "human")
    band = TILE * plane["shape"][1]
    process = subprocess.Popen([sys.executable, "-c", READER, path, str(band + (3 << 16)), str(flags)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"there\n"
        gated.settle()
        gated.proxy.hold(IMAGES)
        process.stdin.write(b"\n")
        process.stdin.flush()
        wait_until(lambda: gated.metric("http_in_flight") >= 6 and waiting(gated) > 0, 60, "tiles that are waited for")
        process.send_signal(number)
        process.wait(30)
        gauges = ("http_in_flight", "fetch_flights")
        wait_until(lambda: not waiting(gated) and not any(map(gated.metric, gauges)), 30, "end of the requests")
        # What was on its way to the proxy as the window ended.
        asked = standing(lambda: len(gated.proxy.held))
        gated.proxy.release()
        other, _ = plane_of(gated, SMALL, 5)
        other.read_bytes()
        gated.settle()
        assert not [path for path in gated.proxy.held[asked:] if f"/{plane['image_id']}?" in path]
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.mark.parametrize("end", ["jump", "close"])
def test_a_window_ends_with_its_reader(gated, end):
    """With the next row of tiles held, the reader goes elsewhere, or closes the file."""
    path, plane = plane_of(gated, WIDE, 50, "human")
    height, width = plane["shape"]
    gated.proxy.hold(f"/{plane['image_id']}\\?left=[0-9]+&top={2 * TILE + 1}&")
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT)
    buffer = mmap.mmap(-1, 1 << 16)
    try:
        header = header_of(path, plane["shape"])
        for start in range(0, header + TILE * width + (3 << 16), 1 << 16):
            os.preadv(descriptor, [buffer], start)
        wait_until(lambda: gated.metric("http_in_flight") > 0 and gated.proxy.held, 30, "a window")
        if end == "jump":
            os.preadv(descriptor, [memoryview(buffer)[:4096]], header + (height - 2) * width // 4096 * 4096)
        else:
            os.close(descriptor)
            descriptor = None
        wait_until(lambda: gated.metric("fetch_flights") == 0 and gated.metric("http_in_flight") == 0, 30, "its end")
        assert 2 not in rows_asked(gated, plane)
    finally:
        if descriptor is not None:
            os.close(descriptor)


# --- memory -----------------------------------------------------------------------------------------------------------


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


@pytest.mark.unsanitized(reason="it multiplies the memory that is measured")
def test_strips_of_many_handles(origin):
    """A plane kept mapped after some pages of it were read one after the other costs the daemon nothing for good."""
    kept, sizes = [], []
    # No proxy in this process: a page fault keeps Python's lock, which the proxy would need.
    with Mount(origin.url) as mount:
        folder = mount / "mouse" / str(LONG)
        stack, width = folder / "stack", meta(folder)["stack"]["shape"][2]
        try:
            for index in range(140):
                with open(stack / plane_name(index), "rb", buffering=0) as file:
                    mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
                mapped.madvise(mmap.MADV_RANDOM)
                # A strip is put together where a row of tiles begins.
                for page in range(1, TILE * width // tile_log.PAGE + 10):
                    mapped[page * tile_log.PAGE]
                kept.append(mapped)
                sizes.append(resident(mount.pid))
        finally:
            for mapped in kept:
                mapped.close()
    print(f"\nresident, MB: {sizes[24]:.0f} with 25 handles, {sizes[89]:.0f} with 90, {sizes[139]:.0f} with 140")
    assert sizes[139] < 290
    assert sizes[139] - sizes[89] < 15
