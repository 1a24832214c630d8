#!/usr/bin/env python3
"""Reads through the mount, compared with a C mount of the same tree that serves constant zeros; mounting and listing.

    run.sh run.py [--part labels,stack,listing,mounting] [--rounds 9] [--write]

Every row compares within one run, round by round in alternating order, and gives medians with the range. A ratio is the
time of the control divided by the time of NeuronFS: 1 is the speed of the control. Without real files
($NEURONFS_REAL_DATA) the built-in world of the demo is mounted.
"""

import argparse
import contextlib
import os

import common
import harness
import listing
import reading
import stacks

# A frame near 10,000 x 10,000 px with a real skeleton, and a small frame whose tiles fit in memory.
LARGE, SMALL = "508405843", "313862306"


def specimen(mount, wanted):
    """The folder of a specimen. When the specimen is missing (the world of the demo), that of the first trainable
    cell.
    """
    for species in ("mouse", "human"):
        if (mount / "trainable" / species / wanted).exists():
            return (mount / species / wanted).resolve()
    folder = mount / "trainable" / "mouse"
    return (folder / sorted(os.listdir(folder))[0]).resolve()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default="labels,stack,listing,mounting")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/BENCHMARKS.md")
    options = common.options(parser)
    facts = common.machine()
    sections = {}
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(harness.Origin(data=harness.real_data()))
        for part in options.part.split(","):
            if part == "mounting":
                sections[part] = listing.mounting(origin, options.rounds)
                continue
            with harness.Mount(origin.url) as mount:
                if part == "labels":
                    sections[part] = reading.labels(mount, specimen(mount, LARGE), options.rounds)
                elif part == "stack":
                    sections[part] = stacks.stack(origin, mount, specimen(mount, SMALL), options.rounds)
                else:
                    sections[part] = listing.listing(origin, mount, specimen(mount, SMALL), options.rounds)
    for part, text in sections.items():
        foot = f"`Benchmarks/mount/run.sh run.py --part {part} --rounds {options.rounds}{' --realtime' * options.realtime}` on {facts}."
        print(f"{text}\n\n{foot}\n")
        if options.write:
            common.write_section(part, f"{text}\n\n{foot}")


if __name__ == "__main__":
    main()
