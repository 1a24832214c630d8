#!/usr/bin/env python3
"""Prints the time that a mount takes to start, to list and to read, and the memory that it needs, as a Markdown table.

    python Benchmarks/mount_figures.py [--rounds 5]

Needs the release binary, /dev/fuse, and the real cell table (`../shared/allen` or $NEURONFS_REAL_DATA). Without the
table it says so and measures the dozen cells of the demo. Times are the median of the rounds, with the range.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests" / "MountTests"))

import harness
from fault_proxy import FaultProxy
from harness import Mount, Origin


class CatalogueClock(FaultProxy):
    """Records the time at which the reply with the list of cells is complete."""

    replied = None

    def _answer(self, connection, reader, upstream, method, path, headers):
        keep = super()._answer(connection, reader, upstream, method, path, headers)
        if "ApiCellTypesSpecimenDetail" in path:
            self.replied = time.perf_counter()
        return keep


def memory(pid, field="VmHWM"):
    """Peak (VmHWM) or present (VmRSS) resident set, MB of 10^6 bytes."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", text)[1]) * 1024 / 1e6


def timed(action):
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def run(*command):
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def drain(path):
    """Reads a file to its end, with a small buffer that the machine need not swap for."""
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def largest_cell(mount):
    """The trainable cell with the largest planes, by the catalogue."""
    import json

    rows = json.loads((mount / "cells.json").read_text())
    rows = [row for row in rows if row["si__width"] and row["nrwkf__id"]]
    # The smallest frame of at least 10,000 x 10,000 px, or else the largest.
    area = lambda row: int(float(row["si__width"])) * int(float(row["si__height"]))
    enough = [row for row in rows if area(row) >= 10**8] or [max(rows, key=area)]
    row = min(enough, key=area)
    species = "mouse" if row["donor__species"] == "Mus musculus" else "human"
    return mount / species / str(row["specimen__id"]), f"{int(float(row['si__width']))} x {int(float(row['si__height']))}"


class Table:
    def __init__(self):
        print("| What | Measured | Range | Bound |\n|---|---|---|---|")

    def row(self, what, values, unit, bound, digits=0):
        middle = statistics.median(values)
        spread = f"{min(values):.{digits}f} to {max(values):.{digits}f}" if len(values) > 1 else ""
        print(f"| {what} | {middle:.{digits}f} {unit} | {spread} | {bound} |", flush=True)


def coming_up(table, origin, rounds, cells):
    after_reply, first, again, offline, ls, kernel = [], [], [], [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="neuronfs-figures-") as folder, CatalogueClock(origin.url) as clock:
            cache = os.path.join(folder, "cache")
            mount = Mount(clock.url, cache=cache)
            try:
                begin = time.perf_counter()
                mount.start()
                os.listdir(mount.path)
                end = time.perf_counter()
                after_reply.append((end - clock.replied) * 1e3)
                first.append((end - begin) * 1e3)
                ls.append(timed(lambda: os.listdir(mount / "mouse")) * 1e3)
                kernel.append(timed(lambda: run("ls", "-l", mount / "mouse")) * 1e3)
                mount.umount()
                for options, into in [([], again), (["--offline"], offline)]:
                    mount.command = mount.command[: mount.command.index("--log-file") + 2] + options
                    begin = time.perf_counter()
                    mount.start()
                    os.listdir(mount.path)
                    into.append((time.perf_counter() - begin) * 1e3)
                    mount.umount()
            finally:
                mount.clean()
    table.row(f"first mount of {cells} cells, from the reply's last byte to `ls`", after_reply, "ms", "2000")
    table.row("the same, from the command to `ls`, the origin's own time included", first, "ms", "")
    table.row("later mount, from the command to `ls`", again, "ms", "300")
    table.row("later mount, `--offline`", offline, "ms", "300")
    table.row("first `ls mouse` (readdir)", ls, "ms", "100", 1)
    table.row("first `ls -l mouse`", kernel, "ms", "", 1)


def listing_and_reading(table, origin, rounds):
    listing, without, cold, warm, labels = [], [], [], [], []
    with Mount(origin.url) as mount:
        folder, frame = largest_cell(mount)
        names = sorted(os.listdir(folder / "stack"))
        plain = [folder] + [folder / name for name in os.listdir(folder)
                            if (folder / name).is_dir() and not name.endswith(".zarr")]
        run("ls", "-lR", folder)
        for _ in range(rounds):
            listing.append(timed(lambda: run("ls", "-lR", folder)) * 1e3)
            without.append(timed(lambda: run("ls", "-l", *plain)) * 1e3)
        files = int(subprocess.run(["sh", "-c", f"ls -lR {folder} | grep -c '^[-d]'"], capture_output=True, text=True).stdout)
        before = memory(mount.pid)
        middle = len(names) // 2
        for round in range(min(rounds, 3)):
            path = folder / "stack" / names[middle + round]
            cold.append(timed(lambda: drain(path)))
            warm.append(timed(lambda: drain(path)) * 1e3)
            labels.append(timed(lambda: drain(folder / "labels" / names[middle + round])) * 1e3)
        peak = memory(mount.pid)
    table.row(f"`ls -lR` of one cell, {files} entries, cached", listing, "ms", "1000")
    table.row("the same without the OME-Zarr folders", without, "ms", "1000")
    table.row(f"a plane of {frame}, cold, rendered by the stand-in origin", cold, "s", "", 1)
    table.row("the same from the kernel's cache", warm, "ms", "")
    table.row("its labels, cold", labels, "ms", "")
    table.row("resident set before, peak", [before], "MB", "")
    table.row("resident set while planes and labels are read, peak", [peak], "MB", "200")


def many_readers(table, origin, count=64):
    with Mount(origin.url) as mount:
        folder, frame = largest_cell(mount)
        names = sorted(os.listdir(folder / "stack"))[:count]
        half = [folder / "stack" / name for name in names[: count // 2]]
        paths = half + [folder / "labels" / name for name in names[count // 2 :]]

        def read(path):
            # The first 8 MB of each file, so that every reader has its own tiles or runs.
            with open(path, "rb", buffering=0) as file:
                for _ in range(8):
                    file.read(1 << 20)

        threads = [threading.Thread(target=read, args=(path,)) for path in paths]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        table.row(f"resident set with {count} readers of {count} files, peak", [memory(mount.pid)], "MB", "300")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    data = harness.real_data()
    if data is None:
        print("no real data beside the checkout: the demo's own cells are measured", file=sys.stderr)
    with Origin(data=data) as origin:
        with Mount(origin.url) as mount:
            cells = mount.status()["catalogue"]["cells"]
        print(f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} at the start\n")
        table = Table()
        coming_up(table, origin, rounds, cells)
        listing_and_reading(table, origin, rounds)
        many_readers(table, origin)


if __name__ == "__main__":
    main()
