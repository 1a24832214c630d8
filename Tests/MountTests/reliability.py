"""What the reliability tests share: reading as programs do, the true bytes, metrics, short time-outs."""

import contextlib
import errno
import mmap
import os
import pathlib
import re
import shutil

import harness

PAGE = 4096
# Stalls are noticed after seconds here instead of half a minute; docs/RELIABILITY.md has the defaults.
QUICK = {
    "NEURONFS_CONNECT_TIMEOUT": "2", "NEURONFS_FIRST_BYTE_TIMEOUT": "2", "NEURONFS_STALL_TIMEOUT": "1.5",
    "NEURONFS_BACKOFF_BASE": "0.05",
}
DOWN = {errno.ENOTCONN, errno.ECONNABORTED}


def pread_all(descriptor, count, offset):
    """`count` bytes, fewer only at the end of the file: a read(2) that meets an error gives what came before it."""
    parts = [os.pread(descriptor, count, offset)]
    while parts[-1] and sum(map(len, parts)) < count:
        got = sum(map(len, parts))
        parts.append(os.pread(descriptor, count - got, offset + got))
    return b"".join(parts)


def read_at(path, offset, count):
    """`count` bytes as a random reader gets them: through the page cache, without the kernel's read-ahead."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
        return pread_all(descriptor, count, offset)
    finally:
        os.close(descriptor)


def read_direct(path, offset, count):
    """`count` bytes past the page cache: from the daemon in any case. Offset and count are multiples of PAGE."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        with mmap.mmap(-1, count) as buffer:
            return buffer[:os.preadv(descriptor, [buffer], offset)]
    finally:
        os.close(descriptor)


class Unlike(Exception):
    """A byte that differs from the truth, or an error that has no place here."""


STEP = 64 << 10


def right_pages(path, truth, splits=False):
    """Offsets of the pages of a file that a mount offline can give, every byte of them compared with `truth`.

    In steps of STEP, of which what comes before ENETDOWN is compared; with `splits` the pages behind it are tried one by
    one, so that no cached byte is left out. Raises Unlike for a wrong byte and for any other error.
    """
    right = set()
    descriptor, code = outcome(lambda: os.open(path, os.O_RDONLY))
    if code == "ENETDOWN":
        return right
    if code:
        raise Unlike(f"{code} in open of {path}")
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
        offset = 0
        while offset < len(truth):
            step = STEP - offset % STEP
            got, code = outcome(lambda: os.pread(descriptor, step, offset))
            if code == "ENETDOWN":
                offset += PAGE if splits else step
            elif code or not got or got != truth[offset:offset + len(got)]:
                raise Unlike(f"{code or 'WRONG'} at {offset} of {path}")
            else:
                right.update(range(offset, offset + len(got), PAGE))
                offset += len(got)
        return right
    finally:
        os.close(descriptor)


def forget_pages(path):
    """Drops the file's pages from the kernel's cache, so that the next read asks the daemon."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def outcome(action):
    """(result, None), or (None, name of the errno)."""
    try:
        return action(), None
    except OSError as error:
        return None, errno.errorcode.get(error.errno, str(error.errno))


def metrics(mount):
    """Name -> value of every metric without labels, and name{labels} of the others."""
    page = (mount.path / ".neuronfs" / "metrics").read_text()
    lines = (line.rsplit(" ", 1) for line in page.split("\n") if line.startswith("neuronfs_"))
    return {name.removeprefix("neuronfs_"): int(value) for name, value in lines}


GAUGES = ("http_in_flight", "http_queued", "fetch_flights", "fetch_waiting_readers", "readers_waiting")


def wait_until_idle(mount, seconds=60):
    """Until nothing is under way in the daemon; fails naming the gauges that do not come back to zero."""
    last = {}

    def idle():
        page = metrics(mount)
        last.update({name: page[name] for name in GAUGES})
        return not any(last.values())
    try:
        harness.wait_until(idle, seconds)
    except AssertionError:
        raise AssertionError(f"gauges that stay up: {last}") from None


def crc32c(data):
    """CRC-32C (Castagnoli), bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def catalogue_name(identity):
    """The file in the cache directory that holds the catalogue of a URL, or of a demo (CatalogueStore.fileName)."""
    name = re.sub(rb"[^0-9A-Za-z.]", b"-", identity.encode()).decode()
    if re.fullmatch(r"https?://[0-9A-Za-z.-]*|[0-9A-Za-z.]*", identity):
        return f"catalogue-{name}.sqlite"
    return f"catalogue-{name[:100]}~{crc32c(identity.encode()):08x}.sqlite"


def copy_catalogue(template, source_endpoint, cache, endpoint):
    """Gives the new cache directory `cache` what is known of the cells under another URL, and no block."""
    cache = pathlib.Path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm"):
        source = pathlib.Path(template) / (catalogue_name(source_endpoint) + suffix)
        if source.exists():
            shutil.copy(source, cache / (catalogue_name(endpoint) + suffix))


def blocks(cache):
    """Path -> size of every block file on disk."""
    found = {}
    for folder, _, names in os.walk(cache):
        for name in names:
            path = os.path.join(folder, name)
            if "/blocks-" in folder:
                with contextlib.suppress(FileNotFoundError):
                    found[path] = os.path.getsize(path)
    return found


def trainable(mount, species="mouse"):
    """Names of the cells with images and skeleton."""
    return sorted(os.listdir(mount / "trainable" / species))


def remove_dead_mount(mount):
    """Takes a mount whose daemon was killed away, as `umount -l` does."""
    if harness.is_mounted(mount.path):
        mount.umount()
