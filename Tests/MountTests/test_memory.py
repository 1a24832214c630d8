"""The daemon's memory is bounded, whoever reads however much at once."""

import os
import pathlib
import re
import subprocess

import pytest

import open_handles
from command_line import cells
from gate import Gate
from harness import Mount, wait_until

READERS = 64
LIMIT = 300e6


def peak_resident(pid):
    """The most bytes that a process has had in memory so far."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) * 1024


def files_of(cell, count):
    """Half as many planes of labels as of the stack, and the recording."""
    labels = (count - 1) // 3
    return [*(sorted((cell / "stack").iterdir())[:count - 1 - labels]), *(sorted((cell / "labels").iterdir())[:labels]),
            cell / "ephys.nwb"]


@pytest.mark.unsanitized(reason="a sanitizer's shadow and quarantine are most of what is resident")
def test_64_readers_of_64_files(origin):
    """All at once, each a whole file: more than 200 MB of pixels, which the daemon has to let go of."""
    with Gate(origin.url) as gate, Mount(gate.url) as mount:
        files = [path for cell in cells(mount)[:2] for path in files_of(cell, READERS // 2)]
        sizes = [path.stat().st_size for path in files]
        assert len(set(files)) == READERS and sum(sizes) > 200e6
        gate.hold("image|well_known_file_download")
        readers = [subprocess.Popen(["cat", path], stdout=subprocess.PIPE) for path in files]
        counters = [subprocess.Popen(["wc", "-c"], stdin=reader.stdout, stdout=subprocess.PIPE) for reader in readers]
        try:
            wait_until(lambda: mount.status()["readers"]["waiting"] >= READERS, 60, "64 waiting readers")
            gate.release()
            assert [int(counter.communicate(timeout=300)[0]) for counter in counters] == sizes
            assert [reader.wait(60) for reader in readers] == [0] * READERS
            peak = peak_resident(mount.pid)
        finally:
            for process in (*readers, *counters):
                process.kill()
                process.wait()
                process.stdout.close()
        print(f"{peak / 1e6:.0f} MB for {sum(sizes) / 1e6:.0f} MB read")
        assert peak < LIMIT
        assert os.listdir(mount.path)


@pytest.fixture(scope="module")
def read_before(tmp_path_factory):
    """A cache directory, so that each mount finds what the ones before have read."""
    return tmp_path_factory.mktemp("handles") / "cache"


@pytest.mark.unsanitized(reason="a sanitizer keeps what is freed, and adds to what is not")
@pytest.mark.parametrize("kind", open_handles.KINDS)
def test_10000_handles(kind, origin, read_before):
    """Each takes less than 4 KB while it is open, and nearly nothing once it is closed."""
    with Mount(origin.url, cache=read_before) as mount:
        cell = cells(mount)[0]
        opened, closed = open_handles.price(mount, open_handles.path_of(kind, mount, cell), 10_000)
        print(f"{kind}: {opened:.0f} bytes a handle, {closed:.0f} when it is closed")
        assert opened < 4096
        assert closed < 512
        assert mount.status()["state"] == "serving"
