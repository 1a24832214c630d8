"""A stalled origin holds up those who wait for it and nobody else."""

import collections
import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile

from expected import Tracing, meta, plane_name, plane_pixels, planes
from fault_proxy import FaultProxy
from gate import Gate
from harness import PATIENCE, Mount, alive, wait_until

SMALL = 900_000_112
IMAGES = "image_download|imageservice"
# For a mount whose readers are to wait as long as a test holds them, on the slowest machine.
LONG = ["--timeout", "600"]
LONG_SILENCE = {"NEURONFS_FIRST_BYTE_TIMEOUT": "600"}


@pytest.fixture
def gate(origin):
    with Gate(origin.url) as gate:
        yield gate


class SlowWhole(FaultProxy):
    """A server without ranges, that sends every file as zeros: 13 MB a second of a gibibyte."""

    SIZE = 1 << 30

    def __init__(self, url):
        super().__init__(url)
        self.sent = 0

    def _answer(self, connection, reader, upstream, method, path, headers):
        if "well_known_file_download" not in path:
            return super()._answer(connection, reader, upstream, method, path, headers)
        connection.sendall(f'HTTP/1.1 200 OK\r\nETag: "whole"\r\nContent-Length: {self.SIZE}\r\n\r\n'.encode())
        left = 0 if method == "HEAD" else self.SIZE
        while left > 0 and not self._stopping.is_set():
            connection.sendall(bytes(1 << 16))
            left -= 1 << 16
            self.sent += 1 << 16
            time.sleep(0.005)
        return left == 0


def waiting(mount):
    return mount.status()["readers"]["waiting"]


def reader(path, offset=20_000, count=4096, flags="skip_bytes"):
    """A process that reads one piece of a file and writes it out."""
    return subprocess.Popen(["dd", f"if={path}", f"bs={count}", "count=1", f"skip={offset}", f"iflag={flags}", "status=none"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def end(processes):
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def timed(action):
    begin = time.perf_counter()
    result = action()
    return result, time.perf_counter() - begin


def test_others_are_served_while_64_readers_wait(gate, origin):
    """64 readers on 64 planes. What is cached, and every name, answers meanwhile: all 64 still wait afterwards."""
    with Mount(gate.url) as mount:
        folder = mount / "mouse" / str(SMALL)
        there = planes(folder)
        names = sorted(os.listdir(folder / "stack"))
        cached = folder / "stack" / plane_name(79)
        image = cached.read_bytes()
        # The size of a file that is a file of the origin is known once it has been asked for.
        subprocess.run(["ls", "-l", folder], check=True, capture_output=True)
        skeleton = (folder / "skeleton.swc").read_bytes()
        label = tifffile.imread(folder / "labels" / plane_name(37))
        gate.hold(IMAGES)
        readers = [reader(folder / "stack" / plane_name(index)) for index in range(64)]
        try:
            wait_until(lambda: waiting(mount) >= 64, 60, "64 waiting readers")
            answers = {
                "ls /": lambda: os.listdir(mount.path),
                "ls mouse": lambda: os.listdir(mount / "mouse"),
                "ls -l of the cell": lambda: subprocess.run(["ls", "-l", folder], check=True, capture_output=True),
                "ls -lR stack": lambda: subprocess.run(["ls", "-lR", folder / "stack"], check=True, capture_output=True),
                "stat of an unread plane": lambda: os.stat(folder / "stack" / plane_name(70)),
                "open of an unread plane": lambda: os.close(os.open(folder / "stack" / plane_name(71), os.O_RDONLY)),
                "header of a waiting plane": lambda: os.pread(descriptor, 4096, 0),
                "cached plane": cached.read_bytes,
                "cached skeleton": (folder / "skeleton.swc").read_bytes,
                "another plane of labels": lambda: tifffile.imread(folder / "labels" / plane_name(40)),
                "meta.json": (folder / "meta.json").read_bytes,
                "cells.json": (mount / "cells.json").read_bytes,
                "status.json": mount.status,
                "statfs": lambda: os.statvfs(mount.path),
                "a name that is not": lambda: (folder / "stack" / "9999.tif").exists(),
            }
            descriptor = os.open(folder / "stack" / plane_name(3), os.O_RDONLY)
            found = {name: timed(action) for name, action in answers.items()}
            os.close(descriptor)
            # Not a clock but an order of events: the origin has answered nobody, and nobody has gone.
            assert all(process.poll() is None for process in readers)
            assert waiting(mount) >= 64
            print("\nlatency while 64 readers wait, ms:",
                  ", ".join(f"{name} {seconds * 1e3:.1f}" for name, (_, seconds) in found.items()))
            assert found["cached plane"][0] == image
            assert found["cached skeleton"][0] == skeleton
            tracing = Tracing(skeleton)
            assert np.array_equal(found["another plane of labels"][0], tracing.plane(40, label.shape))
            assert len(found["ls mouse"][0]) == len(os.listdir(mount / "mouse"))
            assert found["a name that is not"][0] is False
            gate.release()
            for index, process in enumerate(readers):
                data, complaint = process.communicate(timeout=120)
                assert process.returncode == 0, complaint
                assert len(data) == 4096
                if index % 16 == 0:
                    pixels = plane_pixels(origin.url, there[index]).reshape(-1)
                    header = os.stat(folder / "stack" / names[index]).st_size - len(pixels)
                    assert data == pixels[20_000 - header : 24_096 - header].tobytes()
            assert waiting(mount) == 0
        finally:
            end(readers)


def test_names_and_sizes_are_told_while_every_tile_stalls(origin):
    """64 readers hold all places that contents may hold; a cell nobody has looked at needs questions of all kinds."""
    with Mount(origin.url) as mount:
        unseen = mount / "mouse" / "900000120"
        expected = {entry.name: entry.stat().st_size for entry in os.scandir(unseen) if entry.is_file()}
        names = sorted(os.listdir(unseen))
        assert {"ephys.nwb", "skeleton.swc"} <= expected.keys()
    with FaultProxy(origin.url) as proxy, Mount(proxy.url, options=LONG, environment=LONG_SILENCE) as mount:
        folder = mount / "mouse" / str(SMALL)
        os.listdir(folder / "stack")
        proxy.add("cgi-bin/imageservice", "stall_headers")
        readers = [reader(folder / "stack" / plane_name(index)) for index in range(64)]
        try:
            wait_until(lambda: waiting(mount) >= 64, 60, "64 waiting readers")
            wait_until(lambda: sum("imageservice" in asked.path for asked in list(proxy.requests)) >= 6, 60, "stalls")
            unseen = mount / "mouse" / "900000120"
            listing = subprocess.run(["ls", "-l", unseen], check=True, capture_output=True, text=True, timeout=25 * PATIENCE)
            # No reader has given up its place: all wait as long as it takes.
            assert all(process.poll() is None for process in readers) and waiting(mount) >= 64
            lines = [line.split() for line in listing.stdout.splitlines()[1:]]
            assert {line[8]: int(line[4]) for line in lines if line[0].startswith("-")} == expected
            assert sorted(line[8] for line in lines) == names
            assert proxy.peak_active <= 8, "the bound on connections to one host holds"
        finally:
            end(readers)


def test_64_readers_of_one_plane_wait_for_one_tile(gate):
    """Past the page cache, whose lock would let one of them through: all 64 wait in the daemon, for one request a tile."""
    with Mount(gate.url, options=LONG, environment=LONG_SILENCE) as mount:
        path = mount / "mouse" / str(SMALL) / "stack" / plane_name(5)
        os.stat(path)
        gate.hold(IMAGES)
        readers = [reader(path, offset=20_480, flags="direct,skip_bytes") for _ in range(64)]
        try:
            wait_until(lambda: waiting(mount) >= 64, 60, "64 waiting readers")
            assert len(os.listdir(mount.path)) > 5
            assert all(process.poll() is None for process in readers)
            gate.release()
            results = {process.communicate(timeout=120)[0] for process in readers}
            assert len(results) == 1 and len(results.pop()) == 4096
            asked = collections.Counter(request.path for request in list(gate.requests) if "imageservice" in request.path)
            assert asked and set(asked.values()) == {1}, asked
        finally:
            end(readers)


PYTHON_READER = """
import os, sys
descriptor = os.open(sys.argv[1], os.O_RDONLY)
print("reading", flush=True)
os.pread(descriptor, 4096, 20_000)
"""

DIRECT_READER = """
import mmap, os, sys
file = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
print("reading", flush=True)
os.preadv(file, [mmap.mmap(-1, 4 << 20)], 4096)
"""
MAPPING_READER = """
import mmap, sys
with open(sys.argv[1], "rb", buffering=0) as file:
    mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    print("reading", flush=True)
    mapped[20_000]
"""


@pytest.mark.parametrize("program, number", [
    (PYTHON_READER, signal.SIGKILL), (PYTHON_READER, signal.SIGTERM), (PYTHON_READER, signal.SIGINT),
    (MAPPING_READER, signal.SIGKILL), (MAPPING_READER, signal.SIGTERM),
    (DIRECT_READER, signal.SIGKILL), (DIRECT_READER, signal.SIGTERM)],
    ids=["read-KILL", "read-TERM", "read-INT", "map-KILL", "map-TERM", "direct-KILL", "direct-TERM"])
def test_a_waiting_reader_ends_by_a_signal(gate, program, number):
    """While the stall lasts: the process is gone before the origin says a word."""
    with Mount(gate.url, options=LONG, environment=LONG_SILENCE) as mount:
        path = mount / "mouse" / str(SMALL) / "stack" / plane_name(5)
        os.stat(path)
        gate.hold(IMAGES)
        process = subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            assert process.stdout.readline() == b"reading\n"
            wait_until(lambda: waiting(mount) > 0, 30, "a waiting reader")
            process.send_signal(number)
            # Not by itself, which would be ten minutes later.
            _, complaint = process.communicate(timeout=30 * PATIENCE)
            if number == signal.SIGINT:
                assert process.returncode in (-signal.SIGINT, 1) and b"KeyboardInterrupt" in complaint
            else:
                assert process.returncode == -number
            wait_until(lambda: waiting(mount) == 0, 30, "end of the wait")
        finally:
            gate.release()
            end([process])
        assert len(path.read_bytes()) == os.stat(path).st_size


@pytest.mark.parametrize("series", ["stack", "labels"])
def test_a_waiting_reader_ends_by_itself(gate, origin, series):
    """After --timeout with an errno of its own; afterwards, when the origin answers, the same bytes can be read."""
    with Mount(gate.url, options=["--timeout", str(2 * PATIENCE)]) as mount:
        folder = mount / "mouse" / str(SMALL)
        path = folder / series / plane_name(5)
        os.stat(path)
        gate.hold(IMAGES + "|well_known_file_download")
        with pytest.raises(OSError) as caught:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.pread(descriptor, 4096, 20_000)
            finally:
                os.close(descriptor)
        assert caught.value.errno in (errno.ETIMEDOUT, errno.EIO)
        assert waiting(mount) == 0
        gate.release()

        def readable():
            try:
                return path.read_bytes()
            except OSError:
                return None

        data = wait_until(readable, 60, "bytes after the stall")
        if series == "stack":
            expected = plane_pixels(origin.url, planes(folder)[5])
        else:
            expected = Tracing((folder / "skeleton.swc").read_bytes()).plane(5, meta(folder)["stack"]["shape"][1:])
        assert data[-expected.size :] == expected.tobytes()


def test_a_date_that_cannot_be_had_is_not_asked_for_at_each_look(origin):
    """The dates of a cell's folder are those of its skeleton. Without it the images are served all the same."""
    with FaultProxy(origin.url) as proxy, Mount(proxy.url) as mount:
        proxy.add("well_known_file_download", "status", code=404)
        begin = time.monotonic()
        for index in range(20):
            path = mount / "mouse" / str(SMALL) / "stack" / plane_name(index)
            os.close(os.open(path, os.O_RDONLY))
        asked = [request for request in list(proxy.requests) if "well_known_file_download" in request.path]
        assert len(asked) <= 1 + (time.monotonic() - begin) // 10


def test_metadata_that_stalls_holds_up_its_own_cell_alone(gate):
    """A cell nobody has looked at needs three queries; with them held, other cells and the top answer."""
    with Mount(gate.url) as mount:
        known = mount / "mouse" / str(SMALL)
        os.listdir(known)
        gate.hold("SubImage|ProjectionImage|NeuronReconstruction")
        process = subprocess.Popen(["ls", mount / "mouse" / "900000120"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            wait_until(lambda: waiting(mount) > 0, 30, "a waiting ls")
            assert "stack" in os.listdir(known)
            assert os.listdir(mount / "mouse") and os.listdir(mount / "trainable" / "mouse")
            assert process.poll() is None
            gate.release()
            names, complaint = process.communicate(timeout=60)
            assert process.returncode == 0 and b"stack" in names, complaint
        finally:
            end([process])


def test_an_unmount_ends_those_who_wait(gate):
    """`umount -l` or SIGTERM to the daemon: nobody is left in an uninterruptible wait."""
    with Mount(gate.url) as mount:
        folder = mount / "mouse" / str(SMALL)
        os.listdir(folder / "stack")
        gate.hold(IMAGES)
        readers = [reader(folder / "stack" / plane_name(index)) for index in range(8)]
        try:
            wait_until(lambda: waiting(mount) >= 8, 30, "waiting readers")
            os.kill(mount.pid, signal.SIGTERM)
            for process in readers:
                _, complaint = process.communicate(timeout=30 * PATIENCE)
                assert process.returncode != 0 and complaint
        finally:
            end(readers)


READ_ON = """
import errno, os, sys
files = [os.open(path, os.O_RDONLY) for path in sys.argv[1:]]
print("reading", flush=True)
while True:
    for file in files:
        try:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.pread(file, 1 << 20, 0)
        except OSError as error:
            if error.errno in (errno.ENOTCONN, errno.ECONNABORTED):
                sys.exit(0)
"""


@pytest.mark.parametrize("number", range(3))
def test_a_mount_ends_while_files_change(origin, number):
    """The kernel is told of changes and waits for pages that readers hold: SIGTERM in the middle of it ends all."""
    with FaultProxy(origin.url) as proxy, Mount(proxy.url) as mount:
        folder = mount / "mouse" / str(SMALL) / "stack"
        paths = [folder / plane_name(index) for index in range(3)]
        for path in paths:
            path.stat()
        proxy.add("imageservice", "change_etag", probability=0.5, seed=number, alter=False)
        readers = [subprocess.Popen([sys.executable, "-c", READ_ON, *paths], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE) for _ in range(6)]
        try:
            for process in readers:
                assert process.stdout.readline() == b"reading\n"
            wait_until(lambda: mount.log_text().count("changed upstream") > 3, 30, "changes")
            os.kill(mount.pid, signal.SIGTERM)
            wait_until(lambda: not alive(mount.pid), 30, "end of the daemon")
            for process in readers:
                assert process.wait(30) == 0, process.stderr.read()
        finally:
            end(readers)


def test_with_its_only_reader_killed_a_pass_over_a_file_ends(origin):
    """A server without ranges sends the whole file to whoever asks for any of it."""
    with SlowWhole(origin.url) as proxy, Mount(proxy.url) as mount:
        path = mount / "mouse" / str(SMALL) / "ephys.nwb"
        assert os.stat(path).st_size == SlowWhole.SIZE
        process = subprocess.Popen(["dd", f"if={path}", "of=/dev/null", "bs=64k", "status=none"])
        try:
            wait_until(lambda: proxy.sent > 8 << 20, 60, "a pass under way")
        finally:
            process.kill()
            process.wait()
        wait_until(lambda: mount.status()["network"]["in_flight"] == 0, 30, "the end of the request")
        assert proxy.sent < SlowWhole.SIZE // 2
        # A reader gets what is there, and a pass of its own for the rest.
        descriptor = os.open(path, os.O_RDONLY)
        assert os.pread(descriptor, 4096, 0) == bytes(4096)
        os.close(descriptor)
