"""A signal ends a reader also where the kernel does not say so: while it waits for a page that is being read ahead."""

import os
import signal
import subprocess
import sys
import time

import pytest

from gate import Gate
from harness import Mount, wait_until

SMALL = 900_000_112

# Straight through, so that the kernel reads ahead and the reader waits for pages of those requests.
STRAIGHT = """
import os, sys
descriptor = os.open(sys.argv[1], os.O_RDONLY)
print("reading", flush=True)
while os.read(descriptor, 1 << 20):
    pass
"""
# Signals that do not ask to end leave a read alone, handled or blocked.
DEAF = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGUSR1, lambda *_: None)
descriptor = os.open(sys.argv[1], os.O_RDONLY)
print("reading", flush=True)
total = 0
while data := os.read(descriptor, 1 << 20):
    total += len(data)
print(total, flush=True)
"""


@pytest.fixture(scope="module")
def gate(origin):
    with Gate(origin.url) as gate:
        yield gate


@pytest.fixture
def mount(gate):
    with Mount(gate.url) as mount:
        yield mount


def waiting(mount):
    return mount.status()["readers"]["waiting"]


def stalled(gate, mount, program, name):
    """A process that reads the file while the origin does not answer."""
    path = mount / "mouse" / str(SMALL) / name
    os.stat(path)
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    gate.hold("image_download|imageservice|well_known_file_download")
    process = subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"reading\n"
    wait_until(lambda: waiting(mount) > 0, 30, "a waiting reader")
    return process


def end(gate, mount, process):
    gate.release()
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    wait_until(lambda: waiting(mount) == 0, 30, "end of the wait")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["INT", "TERM", "KILL"])
@pytest.mark.parametrize("name", ["ephys.nwb", "skeleton.swc", "stack.tif"])
def test_a_reader_in_read_ahead_ends_by_a_signal(gate, mount, name, number):
    process = stalled(gate, mount, STRAIGHT, name)
    try:
        # Nothing may be in memory, or the reader would not wait for what the kernel reads ahead.
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(number)
        # Far from the 60 s of --timeout.
        _, complaint = process.communicate(timeout=10)
        if number == signal.SIGINT:
            assert process.returncode in (-signal.SIGINT, 1) and b"KeyboardInterrupt" in complaint
        else:
            assert process.returncode == -number
    finally:
        end(gate, mount, process)


def test_a_blocked_or_harmless_signal_ends_no_read(gate, mount):
    """SIGTERM blocked, SIGINT ignored, SIGUSR1 handled: the reader gets every byte once the origin answers."""
    name = "ephys.nwb"
    process = stalled(gate, mount, DEAF, name)
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            process.send_signal(number)
        time.sleep(1.5)
        assert process.poll() is None
        gate.release()
        output, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint
        assert int(output) == os.stat(mount / "mouse" / str(SMALL) / name).st_size
    finally:
        end(gate, mount, process)
