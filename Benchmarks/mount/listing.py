"""Names and attributes through the mount, compared with a C mount of the same tree; and the time until a mount is
usable.
"""

import os
import statistics
import subprocess
import tempfile
import time
import urllib.request

import common
import harness

# The request for all cells, as the mount sends it.
CELLS_URL = ("{}/api/v2/data/query.json?criteria="
             "model::ApiCellTypesSpecimenDetail,rma::options%5Bnum_rows%24eqall%5D")


def run(*command):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def stat_all(paths):
    start = time.perf_counter()
    for path in paths:
        os.stat(path)
    return len(paths) / (time.perf_counter() - start)


def tree_lines(mount, folder):
    """The tree of the control. The folders of the species are empty; only the folder of the cell is complete."""
    species, cell = folder.parent.name, folder.name
    lines = [f"d\t{species}"] + [f"d\t{species}/{name}" for name in sorted(os.listdir(mount / species))]
    return lines + common.manifest(folder, prefix=f"{species}/{cell}/")


def measure(root, species, cell, names):
    """All figures of one fresh mount. Its kernel caches hold nothing but the folder of the cell."""
    result = {}
    folder = root / species / cell
    os.stat(folder / "skeleton.swc")
    result["stat, names not known to the kernel, 1/s"] = stat_all([folder / "labels" / name for name in names])
    result["stat, attributes known, 1/s"] = stat_all([folder / "labels" / name for name in names])
    result[f"ls {species}, first, ms"] = 1e3 * run("ls", root / species)
    result[f"ls {species}, again, ms"] = 1e3 * run("ls", root / species)
    result["ls -l stack, first, ms"] = 1e3 * run("ls", "-l", folder / "stack")
    result["ls -l stack, again, ms"] = 1e3 * run("ls", "-l", folder / "stack")
    without = ["--ignore=*.ome.zarr"]
    result["ls -lR of the cell without *.ome.zarr, first, ms"] = 1e3 * run("ls", "-lR", *without, folder)
    result["ls -lR of the cell without *.ome.zarr, again, ms"] = 1e3 * run("ls", "-lR", *without, folder)
    result["ls -lR of the whole cell, first, ms"] = 1e3 * run("ls", "-lR", folder)
    result["ls -lR of the whole cell, again, ms"] = 1e3 * run("ls", "-lR", folder)
    return result


def listing(origin, mount, folder, rounds):
    species, cell = folder.parent.name, folder.name
    names = sorted(os.listdir(folder / "labels"))
    lines = tree_lines(mount, folder)
    ahead = common.read_ahead(mount.path)
    cache = mount.cache
    mount.umount()
    figures = {"ours": {}, "control": {}}
    for index in range(max(3, rounds // 3)):
        for side in ("ours", "control") if index % 2 == 0 else ("control", "ours"):
            with harness.Mount(origin.url, cache=cache) if side == "ours" else common.Control(lines, ahead) as fresh:
                for name, value in measure(fresh.path, species, cell, names).items():
                    figures[side].setdefault(name, []).append(value)
    rows = []
    for name in figures["ours"]:
        ours, control = (statistics.median(figures[side][name]) for side in ("ours", "control"))
        ratio = ours / control if name.endswith("1/s") else control / ours
        rows.append([name, common.spread(figures["ours"][name], 1, 0), common.spread(figures["control"][name], 1, 0),
                     f"{ratio:.2f}"])
    return (f"### Listing\n\nCell {cell}: {len(lines)} names with the {species} folder's. Fresh mounts, the cell's catalogue "
            "rows and skeleton cached on disk.\n\n" + common.table(["", "neuronfs", "C, same tree", "ratio"], rows))


def mounting(origin, rounds):
    """The time until `mount` returns, when `ls` works: with an empty cache directory, and later."""
    url = CELLS_URL.format(origin.url)
    reply, first, later, listed = [], [], [], []
    for _ in range(max(3, rounds // 2)):
        start = time.perf_counter()
        with urllib.request.urlopen(url) as answer:
            size = len(answer.read())
        reply.append(time.perf_counter() - start)
        with tempfile.TemporaryDirectory() as cache:
            for times in (first, later):
                mount = harness.Mount(origin.url, cache=cache)
                try:
                    start = time.perf_counter()
                    subprocess.run(mount.command, check=True, capture_output=True, timeout=150)
                    times.append(time.perf_counter() - start)
                    mount.pid = mount.status()["pid"]
                    listed.append(run("ls", mount / "mouse"))
                finally:
                    mount.clean()
    beyond = [total - alone for total, alone in zip(first, reply)]
    rows = [
        ["the reply with all cells alone", common.spread(reply, 1e3, 0), "-"],
        ["first `mount`, until it returns", common.spread(first, 1e3, 0), "-"],
        ["- beyond the reply", common.spread(beyond, 1e3, 0), "2000"],
        ["later `mount`, until it returns", common.spread(later, 1e3, 0), "300"],
        ["`ls mouse` after it", common.spread(listed, 1e3, 0), "100"],
    ]
    return (f"### Mounting\n\nCatalogue of {size / 1e6:.1f} MB of JSON from the demo origin.\n\n"
            + common.table(["", "ms", "target"], rows))
