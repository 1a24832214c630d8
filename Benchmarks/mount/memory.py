#!/usr/bin/env python3
"""Resident set of the daemon while a large plane and its labels are read, with many readers, and with many handles.

    run.sh memory.py [--readers 64] [--handles 10000] [--write]

Each case has its own mount over an empty cache, so that pixels are fetched, decoded and kept. MB are 10^6 bytes.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re

import common
import harness
import open_handles
import reading
import run


def mappings(pid, count=4):
    """The largest resident mappings: MB and name."""
    found = {}
    name = "anonymous"
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if match := re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+\s*(.*)", line):
            name = match.group(1) or "anonymous"
        elif line.startswith("Rss:"):
            found[name] = found.get(name, 0) + int(line.split()[1]) * 1024 / 1e6
    ordered = sorted(found.items(), key=lambda item: -item[1])[:count]
    return ", ".join(f"{os.path.basename(name)} {size:.0f}" for name, size in ordered)


def row(name, mount, target):
    peak = common.resident(mount.pid, peak=True)
    status = mount.status()
    return [name, f"{peak:.0f}", target, f"{common.resident(mount.pid):.0f}", f"{status['memory']['tiles_bytes'] / 1e6:.0f}",
            mappings(mount.pid)]


def handle_row(kind, origin, count):
    with harness.Mount(origin.url) as mount:
        path = open_handles.path_of(kind, mount, run.specimen(mount, run.LARGE))
        opened, closed = open_handles.price(mount, path, count)
        return [kind, f"{opened:.0f}", f"{closed:.0f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=64)
    parser.add_argument("--handles", type=int, default=10_000)
    parser.add_argument("--write", action="store_true")
    options = common.options(parser)
    facts = common.machine()
    rows = []
    with harness.Origin(data=harness.real_data()) as origin:
        with harness.Mount(origin.url) as mount:
            os.listdir(mount / "mouse")
            rows.append(row("mounted, `ls mouse`", mount, ""))
        for label, wanted in (("plane and labels", run.LARGE), ("the same, small frame", run.SMALL)):
            with harness.Mount(origin.url) as mount:
                folder = run.specimen(mount, wanted)
                names = sorted(os.listdir(folder / "stack"))
                name = names[len(names) // 2]
                size = reading.sequential(folder / "stack" / name)
                reading.sequential(folder / "labels" / name)
                rows.append(row(f"{label}, {size / 1e6:.0f} MB each", mount, 200))
        for series in ("stack", "labels"):
            with harness.Mount(origin.url) as mount:
                folder = run.specimen(mount, run.LARGE)
                names = sorted(os.listdir(folder / series))
                step = max(1, len(names) // options.readers)
                files = [folder / series / name for name in names[::step]][: options.readers]

                def part(path):
                    """8 MiB from the middle of a file: enough tiles to fill every limit several times."""
                    with open(path, "rb", buffering=0) as file:
                        file.seek(os.fstat(file.fileno()).st_size // 2)
                        left = 8 << 20
                        while left > 0 and (got := len(file.read(common.MIB))):
                            left -= got

                with concurrent.futures.ThreadPoolExecutor(options.readers) as pool:
                    list(pool.map(part, files))
                rows.append(row(f"{len(files)} readers on {len(files)} files of {series}/, 8 MiB each", mount, 300))
        handles = [handle_row(kind, origin, options.handles) for kind in open_handles.KINDS]
    text = ("### Memory\n\nResident set of the daemon, MB; the origin is another process. Tiles is the decoded-tile cache "
            "at the end.\n\n" + common.table(["", "peak", "target", "at the end", "tiles", "largest mappings at the end"], rows)
            + f"\n\nBytes of the resident set for each of {options.handles} handles of one file or directory: "
            "while all are open, with three pages read past the page cache, and once all are closed.\n\n"
            + common.table(["", "open", "closed"], handles))
    foot = (f"`Benchmarks/mount/run.sh memory.py --readers {options.readers} --handles {options.handles}{' --realtime' * options.realtime}` on {facts}.")
    print(f"{text}\n\n{foot}")
    if options.write:
        common.write_section("memory", f"{text}\n\n{foot}")


if __name__ == "__main__":
    main()
