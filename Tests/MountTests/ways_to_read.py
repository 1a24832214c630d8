"""The ways in which Linux lets a process read a file, each as a function of a path that returns the whole file.

    python ways_to_read.py WAY FILE > BYTES

A process of its own each: a page fault that fails is a SIGBUS, and one that waits keeps Python's lock, which a proxy in
the same process would need to answer it.
"""

import ctypes
import mmap
import os
import subprocess
import sys
import tempfile

import numpy as np

PAGE = 4096
libc = ctypes.CDLL(None, use_errno=True)
MADVICE = {"normal": 0, "random": 1, "sequential": 2, "willneed": 3, "populate_read": 22}
FADVICE = {"normal": 0, "random": 1, "sequential": 2, "willneed": 3, "noreuse": 5}
MAP_POPULATE = 0x8000


def by_mmap(path, advice=None, flags=mmap.MAP_SHARED, backwards=False):
    with open(path, "rb", buffering=0) as file, mmap.mmap(
            file.fileno(), 0, flags=flags, prot=mmap.PROT_READ) as mapped:
        if advice is not None:
            mapped.madvise(advice)
        if backwards:
            pages = range(0, len(mapped), PAGE)
            for start in reversed(pages):
                mapped[start]
        return mapped[:]


def by_fadvise(path, advice):
    with open(path, "rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, advice)
        return read_all(file)


def read_all(file, size=1 << 20):
    parts = []
    while part := file.read(size):
        parts.append(part)
    return b"".join(parts)


def by_readahead(path):
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        code = libc.readahead(file.fileno(), ctypes.c_int64(0), ctypes.c_size_t(size))
        assert code == 0, os.strerror(ctypes.get_errno())
        return read_all(file)


def by_sendfile(path):
    return to_temporary(path, lambda source, target, left: os.sendfile(target, source, None, left))


def by_copy_file_range(path):
    return to_temporary(path, lambda source, target, left: os.copy_file_range(source, target, left))


def to_temporary(path, copy):
    with open(path, "rb", buffering=0) as source, tempfile.TemporaryFile() as target:
        left = os.fstat(source.fileno()).st_size
        while left:
            try:
                moved = copy(source.fileno(), target.fileno(), left)
            except OSError as error:
                # Two file systems: the kernel may decline to copy at all (EXDEV), as for any file.
                assert error.errno == 18, error
                return read_all(source)
            assert moved > 0
            left -= moved
        target.seek(0)
        return target.read()


def by_splice(path):
    reader, writer = os.pipe()
    try:
        with open(path, "rb", buffering=0) as file:
            parts = []
            while moved := os.splice(file.fileno(), writer, 65_536):
                part = b""
                while len(part) < moved:
                    part += os.read(reader, moved - len(part))
                parts.append(part)
            return b"".join(parts)
    finally:
        os.close(reader)
        os.close(writer)


def by_direct(path, size):
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        parts, offset = [], 0
        with mmap.mmap(-1, size) as memory:
            while got := os.preadv(descriptor, [memory], offset):
                parts.append(bytes(memory[:got]))
                offset += got
        return b"".join(parts)
    finally:
        os.close(descriptor)


def by_nowait(path):
    """preadv2 with RWF_NOWAIT may decline, which is the caller's wish; it must not then spoil the real read."""
    with open(path, "rb", buffering=0) as file:
        memory = bytearray(1 << 20)
        for offset in range(0, os.fstat(file.fileno()).st_size, len(memory)):
            try:
                os.preadv(file.fileno(), [memory], offset, os.RWF_NOWAIT)
            except BlockingIOError:
                pass
            except OSError as error:
                assert error.errno == 95, error  # EOPNOTSUPP: this kernel knows no such read here
        return read_all(file)


def by_command(*command):
    return lambda path: subprocess.run([part.replace("FILE", str(path)) for part in command],
                                       capture_output=True, check=True).stdout


def by_random_reads(path):
    """Large reads at random places, where nothing was read before: each is somebody's own."""
    random = np.random.default_rng(6)
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        for _ in range(12):
            offset, count = int(random.integers(0, size)), int(random.integers(4097, 400_000))
            assert len(os.pread(file.fileno(), count, offset)) == min(count, size - offset)
        return read_all(file)


def by_tail(path):
    size = os.stat(path).st_size
    end = subprocess.run(["tail", "-c", "1000000", path], capture_output=True, check=True).stdout
    return subprocess.run(["head", "-c", str(size - len(end)), path], capture_output=True, check=True).stdout + end


def by_one_read(path):
    with open(path, "rb", buffering=0) as file:
        return os.read(file.fileno(), 1 << 30)


def by_single_bytes(path):
    """Over the end of the header, the last bytes, then the rest."""
    size = os.stat(path).st_size
    for first in (4000, size - 300):
        part = by_command("dd", "if=FILE", "bs=1", f"skip={first}", "count=400", "status=none")(path)
        assert len(part) == min(400, size - first)
    return read_all(open(path, "rb", buffering=0))


WAYS = {
    **{f"madvise {name}": (lambda path, value=value: by_mmap(path, value)) for name, value in MADVICE.items()},
    **{f"fadvise {name}": (lambda path, value=value: by_fadvise(path, value)) for name, value in FADVICE.items()},
    "MAP_POPULATE shared": lambda path: by_mmap(path, flags=mmap.MAP_SHARED | MAP_POPULATE),
    "MAP_POPULATE private": lambda path: by_mmap(path, flags=mmap.MAP_PRIVATE | MAP_POPULATE),
    "mmap from the end": lambda path: by_mmap(path, backwards=True),
    "readahead(2)": by_readahead,
    "sendfile": by_sendfile,
    "copy_file_range": by_copy_file_range,
    "splice": by_splice,
    "O_DIRECT 4 KiB": lambda path: by_direct(path, 4096),
    "O_DIRECT 1 MiB": lambda path: by_direct(path, 1 << 20),
    "RWF_NOWAIT": by_nowait,
    "dd, 4 MiB": by_command("dd", "if=FILE", "bs=4M", "status=none"),
    "dd direct": by_command("dd", "if=FILE", "bs=1M", "iflag=direct", "status=none"),
    "cat": by_command("cat", "FILE"),
    "tail and head": by_tail,
    "random large reads": by_random_reads,
    "dd bs=1": by_single_bytes,
    "one read": by_one_read,
}


if __name__ == "__main__":
    sys.stdout.buffer.write(WAYS[sys.argv[1]](sys.argv[2]))
