"""stack/ through the mount: from tiles in memory, from the block cache, from the origin."""

import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

import tifffile

import common
import harness
import reading

SIDE = 512
JOBS = 8


def tile_urls(path, side=SIDE):
    """The requests for the tiles of a plane, derived from the request for the whole plane in its attribute."""
    whole = os.getxattr(path, "user.neuronfs.url").decode()
    left, top, width, height = (int(re.search(f"[?&]{key}=(\\d+)", whole).group(1))
                                for key in ("left", "top", "width", "height"))
    base = whole.split("?")[0]
    return [f"{base}?left={left + x}&top={top + y}&width={min(side, width - x)}&height={min(side, height - y)}&downsample=0"
            for y in range(0, height, side) for x in range(0, width, side)]


def curl(urls, folder, jobs=JOBS):
    """Fetches all with one curl process, `jobs` transfers at a time, and follows redirects. Seconds."""
    script = pathlib.Path(folder) / "curl.conf"
    script.write_text("".join(f'url = "{url}"\noutput = "{folder}/{index}.jpg"\n' for index, url in enumerate(urls)))
    start = time.perf_counter()
    subprocess.run(["curl", "-sSfL", "--parallel", "--parallel-immediate", "--parallel-max", str(jobs), "-K", str(script)],
                   check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def decode(folder, threads):
    """Milliseconds of the C program that decodes the luma of all JPEG files of `folder`."""
    files = [str(path) for path in pathlib.Path(folder).glob("*.jpg")]
    return float(subprocess.run([common.control_binary("decode"), str(threads), *files], check=True,
                                capture_output=True, text=True).stdout.split()[0])


def in_memory(mount, path, rounds):
    """Rows for a plane whose decoded tiles are in memory, compared with zeros."""
    size = path.stat().st_size
    with tifffile.TiffFile(path) as file:
        shape, header = file.pages[0].shape, file.pages[0].dataoffsets[0]
    reading.sequential(path)
    with tempfile.NamedTemporaryFile() as head:
        with open(path, "rb") as file:
            head.write(file.read(header))
        head.flush()
        with common.Control([f"f\t{path.name}\t{size}\t{head.name}"], common.read_ahead(mount.path)) as control:
            rows = []
            for name, work, cold in (
                ("sequential 1 MiB, pages dropped", reading.sequential, True),
                ("sequential 1 MiB, opened again (keep_cache)", reading.sequential, False),
                ("sequential 1 MiB, O_DIRECT", lambda path: reading.sequential(path, os.O_DIRECT), True),
                (f"{reading.WINDOWS} windows 512 x 512, memmap, pages dropped", reading.windows_mapped, True),
                (f"{reading.WINDOWS} windows 512 x 512, 512 preads each, pages dropped",
                 lambda path: reading.windows_read(path, shape, header), True),
            ):
                reading.compare(rows, name, path, control / path.name, rounds, work, cold, "ms", 1e3)
    return common.table(["tiles in memory", "neuronfs", "zeros in C", "ratio of medians", "of the best"], rows)


def stack(origin, mount, folder, rounds):
    inside = folder.relative_to(mount.path)
    names = sorted(os.listdir(folder / "stack"))
    path = folder / "stack" / names[len(names) // 2]
    memory = in_memory(mount, path, rounds)
    shape = tifffile.TiffFile(path).pages[0].shape
    rounds = max(3, rounds // 2)

    # From the block cache: a new daemon over the cache directory that now holds the plane.
    seconds = {"neuronfs": [], "decode 1": [], "decode 2": []}
    with tempfile.TemporaryDirectory() as scratch:
        urls = tile_urls(path)
        curl(urls, scratch)
        sizes = [file.stat().st_size for file in pathlib.Path(scratch).glob("*.jpg")]
        for _ in range(rounds):
            with harness.Mount(origin.url, cache=mount.cache.parent / "second") as again:
                reading.sequential(again / inside / "stack" / path.name)
            with harness.Mount(origin.url, cache=mount.cache.parent / "second") as again:
                other = again / inside / "stack" / path.name
                os.stat(other)
                before = again.status()["network"]["requests"]
                start = time.perf_counter()
                reading.sequential(other)
                seconds["neuronfs"].append(time.perf_counter() - start)
                # The blocks that the read-ahead fetches from the next plane may be new.
                fetched = again.status()["network"]["requests"] - before
                assert fetched < len(urls) / 2, f"the block cache did not hold the plane: {fetched} requests"
            for threads in (1, 2):
                seconds[f"decode {threads}"].append(decode(scratch, threads) / 1e3)
    rows = [[f"block cache, new mount ({len(urls)} tiles, {sum(sizes) / 1e6:.1f} MB JPEG)",
             common.spread(seconds["neuronfs"], 1e3, 0) + " ms",
             f"{common.spread(seconds['decode 1'], 1e3, 0)} ms to decode on 1 thread, "
             f"{common.spread(seconds['decode 2'], 1e3, 0)} ms on 2",
             f"{statistics.median(seconds['decode 2']) / statistics.median(seconds['neuronfs']):.2f}"]]

    # From the origin: every reader has its own plane, because the origin may keep the planes that it has drawn.
    seconds = {"neuronfs": [], "curl": [], "one curl": []}
    planes = iter(names[len(names) // 2 + 2::3])
    with tempfile.TemporaryDirectory() as scratch:
        def ours(target):
            start = time.perf_counter()
            reading.sequential(target)
            return time.perf_counter() - start
        for index in range(rounds):
            jobs = [("neuronfs", ours), ("curl", lambda target: curl(tile_urls(target), scratch)),
                    ("one curl", lambda target: curl([os.getxattr(target, "user.neuronfs.url").decode()], scratch))]
            for name, work in jobs if index % 2 == 0 else jobs[::-1]:
                seconds[name].append(work(folder / "stack" / next(planes)))
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    rows.append(["demo origin, nothing cached", common.spread(seconds["neuronfs"], 1e3, 0) + " ms",
                 f"{common.spread(seconds['curl'], 1e3, 0)} ms: curl, the same tiles, {JOBS} at a time",
                 f"{middle['curl'] / middle['neuronfs']:.2f}"])
    rows.append(["", "", f"{common.spread(seconds['one curl'], 1e3, 0)} ms: curl, the plane as one JPEG",
                 f"{middle['one curl'] / middle['neuronfs']:.2f}"])
    return (f"### Image planes\n\nOne plane of {shape[1]} x {shape[0]} px ({shape[0] * shape[1] / 1e6:.0f} MB), tiles of "
            f"{SIDE} px. The demo origin draws every tile when asked, on the same processors.\n\n{memory}\n\n"
            + common.table(["a plane from", "neuronfs", "control", "ratio"], rows))
