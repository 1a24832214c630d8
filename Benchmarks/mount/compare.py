#!/usr/bin/env python3
"""Two builds of neuronfs side by side, on one origin and in one run: what a change costs or gives.

    run.sh compare.py BEFORE AFTER [--rounds 60] [--write TITLE]

Both are mounted at once. Each row is measured in turns, in alternating order. A ratio is the time of BEFORE divided by
the time of AFTER: above 1 the change made it faster.
"""

import argparse
import contextlib
import os
import statistics

import common
import harness
import reading
import run

OPENS = 64


def listed(folder):
    for entry in os.scandir(folder):
        entry.stat()


def chunks(store, level):
    """Every chunk of a level that is there, read whole."""
    for folder, _, names in os.walk(store / level):
        for name in names:
            if not name.startswith("."):
                with open(os.path.join(folder, name), "rb") as file:
                    file.read()


def opened(path):
    for _ in range(OPENS):
        os.close(os.open(path, os.O_RDONLY))


def cases(mount):
    """What is measured on a mount: name -> (work, the file whose pages are dropped before it)."""
    large, small = run.specimen(mount, run.LARGE), run.specimen(mount, run.SMALL)
    label = sorted((large / "labels").iterdir())[100]
    plane = sorted((small / "stack").iterdir())[3]
    with reading.tifffile.TiffFile(plane) as image:
        shape, header = image.pages[0].shape, image.pages[0].dataoffsets[0]
    volume = small / "labels.tif"
    reading.sequential(plane)  # its tiles are in memory from here on
    return {
        "label plane, sequential 1 MiB": (lambda: reading.sequential(label), label),
        "label plane, sequential 1 MiB, O_DIRECT": (lambda: reading.sequential(label, os.O_DIRECT), None),
        f"label plane, {reading.RANDOM} random 128 KiB, O_DIRECT": (
            lambda: reading.at_random(label, label.stat().st_size, os.O_DIRECT), None),
        "label plane, windows of 512 x 512 by memmap": (lambda: reading.windows_mapped(label), label),
        "labels.tif, sequential 1 MiB, O_DIRECT, 64 MiB": (lambda: head(volume, 64 << 20), None),
        "labels.ome.zarr, all chunks of level 2": (lambda: chunks(small / "labels.ome.zarr", "2"), None),
        "image plane, sequential 1 MiB": (lambda: reading.sequential(plane), plane),
        "image plane, sequential 1 MiB, O_DIRECT": (lambda: reading.sequential(plane, os.O_DIRECT), None),
        "image plane, windows of 512 x 512 by memmap": (lambda: reading.windows_mapped(plane), plane),
        "image plane, windows of 512 x 512 by preads": (lambda: reading.windows_read(plane, shape, header), plane),
        f"image plane, {OPENS} opens": (lambda: opened(plane), None),
        "attributes of all in mouse/": (lambda: listed(mount / "mouse"), None),
        "attributes of all planes": (lambda: listed(small / "stack"), None),
    }


def head(path, count):
    buffer = memoryview(reading.mmap.mmap(-1, common.MIB))
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        for offset in range(0, count, common.MIB):
            os.preadv(descriptor, [buffer], offset)
    finally:
        os.close(descriptor)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--write", metavar="TITLE", help="put the table into docs/BENCHMARKS.md")
    options = common.options(parser)
    facts = common.machine()
    rows = []
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(harness.Origin(data=harness.real_data()))
        work = {}
        for name, binary in (("before", options.before), ("after", options.after)):
            os.environ["NEURONFS_BINARY"] = binary
            work[name] = cases(stack.enter_context(harness.Mount(origin.url)))
        for case in work["before"]:
            seconds = common.interleaved(
                {name: work[name][case][0] for name in work}, options.rounds,
                prepare=lambda name: work[name][case][1] and common.forget(work[name][case][1]))
            middle = {name: statistics.median(values) for name, values in seconds.items()}
            best = {name: min(values) for name, values in seconds.items()}
            rows.append([
                case, common.spread(seconds["before"], 1e3, 1), common.spread(seconds["after"], 1e3, 1),
                f"**{middle['before'] / middle['after']:.2f}**", f"{best['before'] / best['after']:.2f}"])
    table = common.table(["reading", "before, ms", "after, ms", "ratio of medians", "of the best"], rows)
    text = (f"### {options.write or 'Two builds'}\n\n{table}\n\n"
            f"`Benchmarks/mount/run.sh compare.py BEFORE AFTER --rounds {options.rounds}{' --realtime' * options.realtime}` on {facts}.")
    print(text)
    if options.write:
        common.write_section("compare", text)


if __name__ == "__main__":
    main()
