"""What the daemon's memory pays for open handles, of every kind of file and directory that a mount has."""

import os
import pathlib
import re
import resource

from harness import wait_until

# The kinds, with a path below the folder of a cell; "~" stands for the mount point, "?" for the first name of its kind.
KINDS = {
    "plane": "stack/?", "label plane": "labels/?", "sections plane": "labels-instance/?",
    "stack.tif": "stack.tif", "labels.tif": "labels.tif", "stack.npy": "stack.npy", "labels.npy": "labels.npy",
    "image chunk": "stack.ome.zarr/0/?/?/?", "label chunk": "labels.ome.zarr/0/?/?/?",
    "zarr metadata": "stack.ome.zarr/.zmetadata", "meta.json": "meta.json", "skeleton": "skeleton.swc",
    "recording": "ephys.nwb", "projection": "projections/min_xy.jpg", "sections": "labels-instance.json",
    "directory of planes": "stack", "directory of labels": "labels", "directory of a cell": ".",
    "zarr directory": "stack.ome.zarr", "zarr level": "stack.ome.zarr/0", "zarr row": "labels.ome.zarr/0/?/?",
    "directory of cells": "~/mouse", "directory of links": "~/by-name", "mount point": "~",
    "status.json": "~/.neuronfs/status.json", "metrics": "~/.neuronfs/metrics", "config.json": "~/.neuronfs/config.json",
    "cells.json": "~/cells.json", "cells.csv": "~/cells.csv", "README.txt": "~/README.txt",
}


def resident(pid):
    """Bytes that a process has in memory now, counted page by page: those of `statm` are counted by each thread for itself."""
    return int(re.search(r"^Rss:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1]) * 1024


def allow(count):
    """Lets this process hold `count` handles beside its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 1000
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))


def path_of(kind, mount, cell):
    """The file or directory of a kind. Where nothing is drawn there is no chunk, so a directory of chunks may be empty."""
    def find(folder, names):
        if not names:
            yield folder
            return
        for path in sorted(folder.glob("[0-9]*")) if names[0] == "?" else [folder / names[0]]:
            yield from find(path, names[1:])

    name = KINDS[kind]
    return mount.path / name.lstrip("~/") if name.startswith("~") else next(find(cell, name.split("/")))


def take(path):
    """A handle that has been used: of a file some pages are read, past the page cache; of a directory the first names."""
    if path.is_dir():
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        with os.scandir(descriptor) as names:
            next(names, None)
        return descriptor
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT)
    size = os.fstat(descriptor).st_size
    for part in range(3):
        os.pread(descriptor, 4096, size * part // 3 // 4096 * 4096)
    return descriptor


def release(descriptors):
    for descriptor in descriptors:
        os.close(descriptor)


def price(mount, path, count):
    """Bytes for each of `count` handles of `path` while they are open, and for each once they are closed."""
    allow(count)
    # What the first handles make is shared by all.
    release([take(path) for _ in range(100)])
    before = resident(mount.pid)
    descriptors = [take(path) for _ in range(count)]
    opened = resident(mount.pid)
    release(descriptors)
    # RELEASE is not waited for by close(2).
    closed = wait_for_rest(mount.pid)
    return (opened - before) / count, (closed - before) / count


def wait_for_rest(pid):
    """Bytes in memory once they stay the same."""
    seen = []

    def rests():
        seen.append(resident(pid))
        return len(seen) > 25 and len(set(seen[-25:])) == 1

    wait_until(rests, 60, "memory to rest")
    return seen[-1]
