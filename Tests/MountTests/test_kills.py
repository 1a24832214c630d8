"""SIGKILL ends a process within a second wherever it waits, also beside others that wait for the same name.

The kernel looks a name up for one process at a time; no signal ends the others meanwhile. So a lookup must not wait for the
origin: what waits is the question for attributes, an open or a read, each of which ends by itself.
"""

import ctypes
import errno
import mmap
import os
import signal
import subprocess
import sys
import time

import pytest

import reliability
from gate import Gate
from harness import PATIENCE, Mount, wait_until
from recorded_origin import RecordedOrigin
from test_refresh import Lists, sync

SMALL = 900_000_112
# Everything that the origin is asked for once the list of cells is there.
ANYTHING = "."
# For a mount whose processes are to wait as long as a test holds them, on the slowest machine.
LONG = ["--timeout", "600"]
LONG_SILENCE = {"NEURONFS_FIRST_BYTE_TIMEOUT": "600"}

ACTIONS = {
    "stat": "os.stat(path)",
    "access": "sys.exit(os.access(path, os.F_OK))",
    "open": "os.open(path, os.O_RDONLY)",
    "list": "os.listdir(path)",
    "list with sizes": "[entry.stat() for entry in os.scandir(path)]",
    "read": "open(path, 'rb').read(10)",
    "map": "mmap.mmap(os.open(path, os.O_RDONLY), 0, prot=mmap.PROT_READ)",
    "copy": "shutil.copy(path, '/dev/null')",
    "attribute": "os.getxattr(path, 'user.neuronfs.url')",
    "attributes": "os.listxattr(path)",
    "enter": "os.chdir(path)",
    "create": "open(path, 'w')",
}
PROGRAM = """
import mmap, os, shutil, sys
path = sys.argv[1]
print("begin", flush=True)
{}
"""
FOLDERS = ["stack", "labels-ignore", "projections", "stack.ome.zarr", "labels.ome.zarr", "stack.ome.zarr/0/5",
           "labels.ome.zarr/1/0/0"]
FILES = ["stack/0005.tif", "labels/0005.tif", "labels-instance/0005.tif", "ephys.nwb", "skeleton.swc", "skeleton.marker",
         "projections/min_xy.jpg", "meta.json", "labels-instance.json", "stack.tif", "labels.tif", "stack.npy", "labels.npy",
         "stack.ome.zarr/.zattrs", "stack.ome.zarr/0/5/0/0", "labels.ome.zarr/0/.zarray", "labels.ome.zarr/0/0/0/0"]


@pytest.fixture(scope="module")
def stalled(origin):
    """A mount of an origin that answers nothing but the list of cells."""
    with Gate(origin.url) as gate, Mount(gate.url, options=LONG, environment=LONG_SILENCE) as mount:
        gate.hold(ANYTHING)
        yield mount


def start(action, path):
    return subprocess.Popen([sys.executable, "-I", "-S", "-c", PROGRAM.format(ACTIONS[action]), path],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def kill(processes):
    """Names of those that SIGKILL does not end within a second; `processes` by name."""
    for process in processes.values():
        process.kill()
    end = time.monotonic() + PATIENCE
    left = dict(processes)
    while left and time.monotonic() < end:
        time.sleep(0.02)
        left = {name: process for name, process in left.items() if process.poll() is None}
    return sorted(left)


def exchange_skeleton(lists):
    """The cell gets another skeleton. Its dates are those of the whole folder, and nobody has asked for them."""
    rows = lists.rows
    own = next(row for row in rows if row["specimen__id"] == SMALL)
    other = next(row["nrwkf__id"] for row in rows if row["nrwkf__id"] not in (None, "", own["nrwkf__id"]))
    lists.serve([dict(row, nrwkf__id=other) if row is own else row for row in rows])


def end(processes):
    """Kills them in any order until all are gone, so that no mount is held."""
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()
        process.stdout.close()


def test_16_that_ask_for_one_size(origin):
    """One at a time: each ends while all others go on waiting."""
    with Gate(origin.url) as gate, Mount(gate.url, options=LONG, environment=LONG_SILENCE) as mount:
        folder = mount / "mouse" / str(SMALL)
        os.listdir(folder)
        gate.hold("well_known_file_download")
        processes = [subprocess.Popen(["stat", folder / "ephys.nwb"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                     for _ in range(16)]
        try:
            wait_until(lambda: gate.held, 30, "the question for the size")
            # Those that the kernel holds back are not seen by the daemon.
            time.sleep(PATIENCE)
            while processes:
                assert all(process.poll() is None for process in processes)
                assert kill({"stat": processes.pop()}) == []
        finally:
            gate.release()
            end(processes)


def names_for(action):
    if action in ("list", "list with sizes", "enter"):
        return FOLDERS
    return FOLDERS + FILES if action in ("stat", "access", "attributes") else FILES


@pytest.mark.parametrize("action", ACTIONS)
def test_two_on_one_name(stalled, action):
    """Of a cell of which nothing is known: the second goes while the first waits, then the first."""
    folder, names = stalled / "mouse" / str(SMALL), names_for(action)
    first, second = {}, {}
    try:
        for processes in (first, second):
            for name in names:
                processes[name] = start(action, folder / name)
            for process in processes.values():
                assert process.stdout.readline() == b"begin\n"
            time.sleep(0.3 * PATIENCE)
        stuck = [name for name in names if first[name].poll() is None]
        if action not in ("create", "attributes"):
            assert stuck == names, "all wait for the origin"
        assert kill(second) == []
        assert [name for name in stuck if first[name].poll() is not None] == [], "nobody else ends"
        assert kill(first) == []
    finally:
        end([*first.values(), *second.values()])


SEEK = """
import os, sys
file = os.open(sys.argv[1], os.O_RDONLY)
print("open", flush=True)
sys.stdin.readline()
print(os.lseek(file, 0, os.SEEK_END), flush=True)
"""


def test_the_end_of_an_open_file_is_found_without_the_origin(origin):
    """lseek(2) asks with the lock of the inode held: a second process would wait for the lock, and no signal would end it."""
    with RecordedOrigin(origin.url) as recorded, Gate(recorded.url) as gate, \
            Mount(gate.url, options=["--timeout", str(20 * PATIENCE)]) as mount:
        lists = Lists(recorded)
        path = mount / "mouse" / str(SMALL) / "stack.tif"
        size = path.stat().st_size
        processes = [subprocess.Popen([sys.executable, "-c", SEEK, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                     for _ in range(2)]
        try:
            for process in processes:
                assert process.stdout.readline() == b"open\n"
            exchange_skeleton(lists)
            gate.hold("well_known_file_download")
            sync(mount)
            # Until the name has been looked up anew, and what the kernel knew of the file is out of date.
            os.close(os.open(path, os.O_PATH))
            begin = time.monotonic()
            for process in processes:
                process.stdin.write(b"now\n")
                process.stdin.flush()
            assert [int(process.stdout.readline()) for process in processes] == [size, size]
            assert time.monotonic() - begin < 2 * PATIENCE
        finally:
            for process in processes:
                process.stdin.close()
            end(processes)


def test_what_waits_can_be_interrupted(stalled):
    """Ctrl-C ends a program that has not been killed, and tells it so."""
    process = subprocess.Popen([sys.executable, "-c", "import os, sys; print('begin', flush=True); os.stat(sys.argv[1])",
                                stalled / "mouse" / str(SMALL) / "ephys.nwb"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"begin\n"
        wait_until(lambda: stalled.status()["readers"]["waiting"] > 0, 30, "a waiting process")
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=5 * PATIENCE)
        assert b"KeyboardInterrupt" in complaint
    finally:
        end([process])
        process.stderr.close()


def cached_size(path):
    """The size that the kernel has without asking the daemon: statx(2) with AT_STATX_DONT_SYNC."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(256)
    at_fdcwd, dont_sync, size = -100, 0x4000, 0x200
    if libc.statx(at_fdcwd, os.fsencode(path), dont_sync, size, buffer) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    # struct statx: stx_size is at 40 bytes.
    return int.from_bytes(buffer.raw[40:48], sys.byteorder)


def test_a_mapping_survives_a_lookup_that_knows_no_size(origin):
    """A lookup answers with the size told last: with a smaller one the kernel would cut the pages under the mapping."""
    with RecordedOrigin(origin.url) as recorded, Gate(recorded.url) as gate, \
            Mount(gate.url, options=LONG, environment=LONG_SILENCE) as mount:
        rows = Lists(recorded).rows
        folder = mount / "mouse" / str(SMALL)
        for name in ("ephys.nwb", "skeleton.swc", "labels-instance.json", "stack.tif", "labels.tif", "stack.npy", "labels.npy"):
            with open(folder / name, "rb", buffering=0) as file:
                truth = file.read(1 << 20)
                with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view:
                    # The row differs, the files that it names do not: names are looked up again.
                    before = (mount / "cells.json").stat().st_mtime_ns
                    rows = [dict(other, specimen__name=f"{name} {other['specimen__name']}")
                            if other["specimen__id"] == SMALL else other for other in rows]
                    Lists(recorded).serve(rows)
                    sync(mount)
                    wait_until(lambda: (mount / "cells.json").stat().st_mtime_ns != before, 30, "the newer list")
                    gate.hold(ANYTHING)
                    # A look-up and nothing else.
                    os.close(os.open(folder / name, os.O_PATH))
                    assert cached_size(folder / name) == len(view)
                    assert view[:len(truth)] == truth
                    gate.release()


@pytest.mark.parametrize("action", ACTIONS)
def test_what_turns_out_to_be_absent(origin, action):
    """A look-up that does not wait has to be corrected: by whatever uses the name, and by the next look-up."""
    name = "labels.ome.zarr/9" if names_for(action) is FOLDERS else "stack/9999.tif"
    with Mount(origin.url) as mount:
        path = mount / "mouse" / str(SMALL) / name
        process = subprocess.run([sys.executable, "-c", PROGRAM.format(ACTIONS[action]), path], capture_output=True, text=True)
        if action == "access":
            assert process.returncode == 0, "access(2) answers and raises nothing"
        else:
            assert ("Read-only file system" if action == "create" else "FileNotFoundError") in process.stderr
        for _ in range(2):
            assert not path.exists()


def test_a_lookup_in_a_store_of_unknown_geometry_has_an_end(origin):
    """It waits two seconds, and what it began goes on: whoever tries again once the origin has answered gets the answer."""
    with RecordedOrigin(origin.url) as recorded, Gate(recorded.url) as gate, \
            Mount(gate.url, options=["--timeout", str(20 * PATIENCE)]) as mount:
        store = os.open(mount / "mouse" / str(SMALL) / "stack.ome.zarr", os.O_RDONLY | os.O_DIRECTORY)
        try:
            exchange_skeleton(Lists(recorded))
            gate.hold("well_known_file_download")
            sync(mount)
            for _ in range(2):
                begin = time.monotonic()
                with pytest.raises(OSError) as caught:
                    os.stat("1", dir_fd=store)
                assert caught.value.errno == errno.ETIMEDOUT
                assert 1.9 < time.monotonic() - begin < 2 + 2 * PATIENCE
            assert len(gate.held) == 1, "the second joined what the first began"
            gate.release()
            wait_until(lambda: reliability.outcome(lambda: os.stat("1", dir_fd=store))[1] is None, 30, "the geometry")
        finally:
            os.close(store)
