"""labels/ through the mount, compared with the C mount that serves constant zeros."""

import mmap
import os
import random
import tempfile

import numpy as np
import tifffile

import common

WINDOWS, RANDOM = 16, 64
TARGET = 0.85


def sequential(path, flags=0, block=common.MIB):
    """Reads a file from front to end into one page-aligned buffer."""
    buffer = memoryview(mmap.mmap(-1, block))
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        offset = 0
        while True:
            count = os.preadv(descriptor, [buffer], offset)
            if count <= 0:
                return offset
            offset += count
    finally:
        os.close(descriptor)


def at_random(path, size, flags=0):
    """RANDOM reads of 128 KiB, at the same places each time."""
    buffer = memoryview(mmap.mmap(-1, 1 << 17))
    places = random.Random(1)
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        for _ in range(RANDOM):
            os.preadv(descriptor, [buffer], places.randrange(size // (1 << 17) - 1) << 17)
    finally:
        os.close(descriptor)


def windows_mapped(path):
    """WINDOWS crops of 512 x 512 through tifffile.memmap."""
    places = random.Random(2)
    pixels = tifffile.memmap(path, mode="r")
    height, width = pixels.shape
    for _ in range(WINDOWS):
        x, y = places.randrange(width - 512), places.randrange(height - 512)
        np.array(pixels[y:y + 512, x:x + 512])


def windows_read(path, shape, header, flags=0):
    """The same crops, each as 512 preads of 512 bytes."""
    places = random.Random(2)
    height, width = shape
    buffer = memoryview(bytearray(512))
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        for _ in range(WINDOWS):
            x, y = places.randrange(width - 512), places.randrange(height - 512)
            for row in range(y, y + 512):
                os.preadv(descriptor, [buffer], header + row * width + x)
    finally:
        os.close(descriptor)


def compare(rows, name, ours, control, rounds, work, cold, unit, scale):
    """Adds a row: `work(path)` on both mounts. `scale` turns seconds into the unit."""
    paths = {"ours": ours, "control": control}
    seconds = common.interleaved(
        {key: lambda path=path: work(path) for key, path in paths.items()}, rounds,
        prepare=(lambda key: common.forget(paths[key])) if cold else None)
    middle = {key: sorted(values)[len(values) // 2] for key, values in seconds.items()}
    best = {key: min(values) for key, values in seconds.items()}
    rows.append([
        name, f"{common.spread(seconds['ours'], scale, 1)} {unit}", f"{common.spread(seconds['control'], scale, 1)} {unit}",
        f"**{middle['control'] / middle['ours']:.2f}**", f"{best['control'] / best['ours']:.2f}"])


def labels(mount, folder, rounds):
    names = sorted(os.listdir(folder / "labels"))
    ours = folder / "labels" / names[len(names) // 2]
    size = ours.stat().st_size
    with tifffile.TiffFile(ours) as file:
        shape, header = file.pages[0].shape, file.pages[0].dataoffsets[0]
    with tempfile.NamedTemporaryFile() as head:
        with open(ours, "rb") as file:
            head.write(file.read(header))
        head.flush()
        lines = [f"f\t{ours.name}\t{size}\t{head.name}"]
        with common.Control(lines, common.read_ahead(mount.path)) as control:
            zeros = control / ours.name
            rows = []
            milli = 1e3

            def row(name, work, cold):
                compare(rows, name, ours, zeros, rounds, work, cold, "ms", milli)

            before = [common.cpu_seconds(process.pid) for process in (mount, control)]
            row("sequential 1 MiB, pages dropped", sequential, True)
            middle = [common.cpu_seconds(process.pid) for process in (mount, control)]
            row("sequential 1 MiB, opened again (keep_cache)", sequential, False)
            after = [common.cpu_seconds(process.pid) for process in (mount, control)]
            row("sequential 1 MiB, O_DIRECT", lambda path: sequential(path, os.O_DIRECT), True)
            direct = [common.cpu_seconds(process.pid) for process in (mount, control)]
            row(f"{RANDOM} random 128 KiB, pages dropped", lambda path: at_random(path, size), True)
            row(f"{RANDOM} random 128 KiB, O_DIRECT", lambda path: at_random(path, size, os.O_DIRECT), True)
            row(f"{WINDOWS} windows 512 x 512, memmap, pages dropped", windows_mapped, True)
            row(f"{WINDOWS} windows 512 x 512, memmap, pages kept", windows_mapped, False)
            row(f"{WINDOWS} windows 512 x 512, 512 preads each, pages dropped",
                lambda path: windows_read(path, shape, header), True)
            row("tifffile.imread, pages dropped", tifffile.imread, True)
            row("tifffile.imread, pages kept", tifffile.imread, False)
            cpu = common.table(
                ["daemon CPU a plane, ms", "ours", "zeros in C"],
                [[name] + [f"{1e3 * (end - start) / rounds:.0f}" for start, end in zip(first, last)]
                 for name, first, last in (("pages dropped", before, middle), ("O_DIRECT", after, direct))])
    real = "real skeleton" if folder.name.isdigit() and size > 5e7 else "demo world"
    return (f"### Labels\n\nOne label plane of {shape[1]} x {shape[0]} px ({size / 1e6:.0f} MB, {real} {folder.name}), "
            f"read-ahead {common.read_ahead(mount.path)} KiB, medians [range] of {rounds} interleaved rounds; target "
            f"{TARGET} of the control.\n\n"
            + common.table(["reading", "neuronfs", "zeros in C", "ratio of medians", "of the best"], rows)
            + "\n\n" + cpu)
