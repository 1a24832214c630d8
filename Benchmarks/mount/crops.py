#!/usr/bin/env python3
"""The main job: random crops of image and labels, read by several processes as a training script reads them.

    run.sh crops.py [--crops 64] [--readers 4] [--rounds 3] [--cells 900000101,900000105] [--cold] [--write]

Every row reads the same crops, in one run: from local files, from a new mount whose blocks are on disk, and again with
the pages kept by the kernel. A ratio is the number of crops a second divided by that of the local planes in memory.
"""

import argparse
import contextlib
import multiprocessing
import os
import pathlib
import random
import shutil
import statistics
import tempfile
import time

import numpy as np
import tifffile
import zarr

import common
import harness

CROP = (32, 256, 256)


def planes(folder, crop):
    """By one memory map a plane."""
    z, y, x = crop
    names = sorted(os.listdir(folder / "stack"))[z:z + CROP[0]]
    return [np.stack([tifffile.memmap(folder / kind / name, mode="r")[y:y + CROP[1], x:x + CROP[2]] for name in names])
            for kind in ("stack", "labels")]


def volume(ending, open_volume):
    def read(folder, crop):
        box = tuple(slice(first, first + count) for first, count in zip(crop, CROP))
        return [np.array(open_volume(str(folder / f"{kind}{ending}"))[box]) for kind in ("stack", "labels")]
    return read


READERS = {
    "planes": planes,
    "stack.tif": volume(".tif", lambda path: tifffile.memmap(path, mode="r")),
    "stack.npy": volume(".npy", lambda path: np.load(path, mmap_mode="r")),
    "Zarr": volume(".ome.zarr", lambda path: zarr.open(path + "/0", mode="r")),
}


def places(folders, count, seed):
    """Random crops of the cells in turn: (folder within the mount, (z, y, x))."""
    chance = random.Random(seed)
    found = []
    for index in range(count):
        inside, shape = folders[index % len(folders)]
        found.append((inside, tuple(chance.randrange(size - part) for size, part in zip(shape, CROP))))
    return found


def reader(name, root, jobs, start, results):
    read = READERS[name]
    start.wait()
    total = 0
    for inside, crop in jobs:
        image, labels = read(root / inside, crop)
        assert image.shape == labels.shape == CROP
        total += int(image[::8].sum()) + int(labels.sum())
    results.put(total)


class Timed:
    """What reading all crops took: seconds of the clock, of the server, and the sum of the voxels, which every row has to
    have."""

    def __init__(self, name, root, jobs, readers, pid=None):
        start, results = multiprocessing.Barrier(readers + 1), multiprocessing.Queue()
        processes = [multiprocessing.Process(target=reader, args=(name, root, jobs[index::readers], start, results))
                     for index in range(readers)]
        for process in processes:
            process.start()
        before = common.cpu_seconds(pid) if pid else 0
        start.wait()
        begin = time.perf_counter()
        self.sum = sum(results.get() for _ in processes)
        self.seconds = time.perf_counter() - begin
        self.server = common.cpu_seconds(pid) - before if pid else None
        for process in processes:
            process.join()


def copy(mount, folders, local):
    """The same files on the disk of this machine: planes as they are, a volume as one file, an uncompressed Zarr store. Also
    fills the block cache of the mount."""
    for inside, _ in folders:
        (local / inside).mkdir(parents=True)
        for kind in ("stack", "labels"):
            shutil.copytree(mount / inside / kind, local / inside / kind)
            for ending in (".tif", ".npy"):
                shutil.copyfile(mount / inside / (kind + ending), local / inside / (kind + ending))
            shutil.copytree(mount / inside / f"{kind}.ome.zarr" / "0", local / inside / f"{kind}.ome.zarr" / "0")


def requests(mount):
    return mount.status()["network"]["requests"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=int, default=64)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cells", default="", help="names below trainable/mouse; without them the first two")
    parser.add_argument("--layouts", default=",".join(READERS))
    parser.add_argument("--cold", action="store_true", help="also from the origin, with nothing cached")
    parser.add_argument("--write", action="store_true", help="put the table into docs/BENCHMARKS.md")
    options = common.options(parser)
    facts = common.machine()
    layouts = options.layouts.split(",")
    figures, sums = {}, set()

    def note(row, timed):
        figures.setdefault(row, []).append((timed, None))
        sums.add(timed.sum)

    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(harness.Origin())
        local = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="neuronfs-bench-")))
        cache = local / "cache"
        with harness.Mount(origin.url, cache=cache) as mount:
            cells = options.cells.split(",") if options.cells else sorted(os.listdir(mount / "trainable" / "mouse"))[:2]
            folders = [(f"mouse/{cell}", np.load(mount / "mouse" / cell / "labels.npy", mmap_mode="r").shape) for cell in cells]
            copy(mount, folders, local)
        jobs = places(folders, options.crops, seed=7)
        few = jobs[:2 * options.readers]
        for index in range(options.rounds):
            for layout in layouts if index % 2 == 0 else layouts[::-1]:
                note((layout, "local, in memory"), Timed(layout, local, jobs, options.readers))
                with harness.Mount(origin.url, cache=cache) as mount:
                    for row in ("new mount, blocks on disk", "again, pages kept"):
                        note((layout, row), Timed(layout, mount.path, jobs, options.readers, mount.pid))
                    assert requests(mount) == 0, "the blocks were not on disk"
                if options.cold:
                    with harness.Mount(origin.url) as mount:
                        before = requests(mount)
                        timed = Timed(layout, mount.path, few, options.readers, mount.pid)
                        figures.setdefault((layout, "cold"), []).append((timed, requests(mount) - before))
    assert len(sums) == 1, "the rows have read different voxels"

    def rate(row):
        count = len(few) if row[1] == "cold" else options.crops
        return count / statistics.median(timed.seconds for timed, _ in figures[row]), count
    control = rate(("planes", "local, in memory"))[0] if "planes" in layouts else None
    rows = []
    for row, found in figures.items():
        crops, count = rate(row)
        server = [timed.server for timed, _ in found if timed.server is not None]
        asked = [asked for _, asked in found if asked is not None]
        rows.append([
            f"{row[0]}, {row[1]}", f"{crops:.1f}", f"{1e3 * statistics.median(server) / count:.0f} ms" if server else "-",
            f"{statistics.median(asked) / count:.0f}" if asked else "-", f"**{crops / control:.2f}**" if control else "-"])
    text = (f"### Crops of {' x '.join(map(str, CROP))}, image and labels\n\n{options.readers} reading processes, "
            f"{options.crops} random places of {len(folders)} cells.\n\n"
            + common.table(["read", "crops a second", "daemon's CPU a crop", "requests a crop", "of local planes in memory"], rows)
            + f"\n\n`Benchmarks/mount/run.sh crops.py --crops {options.crops} --readers {options.readers} --rounds {options.rounds}"
            + f"{' --cold' * options.cold}{' --realtime' * options.realtime}` on {facts}.")
    print(text)
    if options.write:
        common.write_section("crops", text)


if __name__ == "__main__":
    main()
