#!/usr/bin/env python3
"""Which tile side costs least? Requests, bytes and time for crops and whole planes over a link with latency.

    run.sh tile_side.py [--latency 0.05] [--crops 24] [--write]

HTTP only, no mount. The requests of each side's grid go to the demo origin on 8 connections, and each reply waits for
the latency. A tile is two replies, because the image service redirects. Requests are the exact mean over every place of
a crop. Bytes and times are those of random crops and of one whole plane. The origin draws the images on the same
machine. So `drawing` gives its share of the time: the time of the same requests without latency.
"""

import argparse
import concurrent.futures
import os
import random
import re
import statistics
import time

import requests

import common
import harness
import run

SIDES = (256, 512, 1024, 2048)
CROPS = (64, 256, 512, 1024)
JOBS = 8


def mean_tiles(length, crop, side):
    """Mean number of tiles along one axis over all places of a crop."""
    places = length - crop + 1
    return sum((place + crop - 1) // side - place // side + 1 for place in range(places)) / places


class Client:
    """Fetches tiles on JOBS connections, which are kept open."""

    def __init__(self, urls):
        self.session = requests.Session()
        self.session.mount("http://", requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=JOBS))
        self.pool = concurrent.futures.ThreadPoolExecutor(JOBS)
        whole = urls
        self.left, self.top, self.width, self.height = (
            int(re.search(f"[?&]{key}=(\\d+)", whole).group(1)) for key in ("left", "top", "width", "height"))
        self.base = whole.split("?")[0]

    def tile(self, place):
        x, y, side = place
        answer = self.session.get(self.base, params={
            "left": self.left + x, "top": self.top + y, "width": min(side, self.width - x),
            "height": min(side, self.height - y), "downsample": 0})
        answer.raise_for_status()
        return len(answer.content)

    def window(self, x, y, width, height, side):
        """Fetches the tiles of a window. Requests, bytes, seconds."""
        places = [(column * side, row * side, side) for row in range(y // side, (y + height - 1) // side + 1)
                  for column in range(x // side, (x + width - 1) // side + 1)]
        start = time.perf_counter()
        sizes = list(self.pool.map(self.tile, places))
        return len(sizes), sum(sizes), time.perf_counter() - start


def measure(client, crops, seed=1):
    """(crop or None, side) -> [(requests, bytes, seconds)]."""
    result = {}
    for crop in (*CROPS, None):
        places = random.Random(seed)
        for _ in range(crops if crop else 1):
            if crop:
                x, y = places.randrange(client.width - crop), places.randrange(client.height - crop)
                window = (x, y, crop, crop)
            else:
                window = (0, 0, client.width, client.height)
            for side in SIDES:
                result.setdefault((crop, side), []).append(client.window(*window, side))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before every reply")
    parser.add_argument("--crops", type=int, default=24)
    parser.add_argument("--write", action="store_true")
    options = common.options(parser)
    facts = common.machine()
    measured = {}
    for latency in (options.latency, None):
        with harness.Origin(data=harness.real_data(), latency=latency) as origin, harness.Mount(origin.url) as mount:
            folder = run.specimen(mount, run.SMALL)
            names = sorted(os.listdir(folder / "stack"))
            # Another plane for the second measurement, so that neither finds data that the origin has kept.
            path = folder / "stack" / names[len(names) // 2 + (latency is None)]
            client = Client(os.getxattr(path, "user.neuronfs.url").decode())
            measured[latency] = measure(client, options.crops)
    width, height = client.width, client.height
    rows = []
    for crop in (*CROPS, None):
        for side in SIDES:
            far, near = measured[options.latency][crop, side], measured[None][crop, side]
            count = (mean_tiles(width, crop or width, side) * mean_tiles(height, crop or height, side)
                     if crop else far[0][0])
            area = crop * crop if crop else width * height
            pixels = (count * side * side) if crop else area
            rows.append([
                f"{crop} x {crop}" if crop else f"plane {width} x {height}", side, f"{count:.2f}" if crop else count,
                f"{pixels / area:.2f}" if crop else "1.00",
                f"{statistics.mean(size for _, size, _ in far) / 1e3:.0f}",
                common.spread([seconds for _, _, seconds in far], 1e3, 0),
                f"{1e3 * statistics.median(seconds for _, _, seconds in near):.0f}"])
    text = (f"### Tile side\n\nA plane of {width} x {height} px, {1e3 * options.latency:.0f} ms before every reply, {JOBS} "
            f"connections, {options.crops} random crops of each size. Amplification is pixels fetched over pixels asked "
            "for, away from the right and lower edge.\n\n"
            + common.table(["asked for", "tile side", "requests", "amplification", "kB fetched", "ms", "drawing, ms"], rows))
    foot = (f"`Benchmarks/mount/run.sh tile_side.py --latency {options.latency} --crops {options.crops}"
            f"{' --realtime' * options.realtime}` on {facts}.")
    print(f"{text}\n\n{foot}")
    if options.write:
        common.write_section("tile side", f"{text}\n\n{foot}")


if __name__ == "__main__":
    main()
