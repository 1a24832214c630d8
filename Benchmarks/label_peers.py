#!/usr/bin/env python3
"""Label crops of one neuron by NeuronFS and by the Python packages that do something similar: time, memory, agreement.

    label_peers.py --binary .build/release/neuronfs [--swc FILE] [--venv DIR] [--write]

Makes a virtual environment for the peers (swcgeom, navis, gunpowder). A peer that cannot be installed is left out with
a message. Every tool runs in a process of its own on the same crops. Each result is compared with the exact labels that
Tests/MountTests/brute.py evaluates. The output is a Markdown table; `--write` puts it into docs/BENCHMARKS.md.

The neuron is specimen 313862022 of the Allen Cell Types Database when the file exists, else a generated one. Crops are
32 x 512 x 512 voxels (z, y, x) around random nodes. The plane is that of the soma, 10,000 x 10,000.
"""

import argparse
import json
import os
import pathlib
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
SPACING = (0.28, 0.1144, 0.1144)
CROP = (32, 512, 512)
FRAME = (480, 10000, 10000)
PEERS = {"swcgeom": ["swcgeom", "sdflit"], "navis": ["navis"], "gunpowder": ["gunpowder"]}
BEGIN, END = "<!-- label peers: written by Benchmarks/label_peers.py -->", "<!-- end of label peers -->"


def memory():
    """The peak memory of this process, MB."""
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1000


# The tools. Each takes the job, writes mask-<n>.npy for each crop, and returns its measurements.


def children():
    """CPU time of the processes that this one has started, s."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def ours_command(job, folder):
    """One process for each crop, with all its costs. This process imports nothing large, because its memory counts
    as theirs.
    """
    def run(shape, origin, name):
        begin = children()
        subprocess.run(
            [job["binary"], "label", job["swc"], "--force", "--quiet", "--variant", "binary", "--shape",
             ",".join(map(str, shape[::-1])), "--origin", ",".join(map(str, origin[::-1])), "-o", f"{folder}/{name}"],
            check=True)
        return children() - begin

    crops = [run(CROP, start, f"mask-{number}.npy") for number, start in enumerate(job["crops"])]
    plane = min(run((1, *FRAME[1:]), (job["plane"], 0, 0), "plane.npy") for _ in range(3))
    return {"crops": crops, "plane": plane, "memory": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000}


def ours_file(job, folder):
    """Crops read from a .npy of the whole frame, after one run of the command that wrote it."""
    volume = f"{folder}/volume.npy"
    subprocess.run(
        [job["binary"], "label", job["swc"], "--quiet", "--variant", "binary", "--shape", ",".join(map(str, FRAME[::-1])),
         "-o", volume], check=True)
    setup = children()
    import numpy as np

    array = np.load(volume, mmap_mode="r")
    crops = []
    for number, start in enumerate(job["crops"]):
        begin = time.process_time()
        crop = np.array(array[tuple(slice(s, s + n) for s, n in zip(start, CROP))])
        crops.append(time.process_time() - begin)
        np.save(f"{folder}/mask-{number}.npy", crop)
    begin = time.process_time()
    np.array(array[job["plane"]])
    plane = time.process_time() - begin
    os.unlink(volume)
    return {"setup": setup, "crops": crops, "plane": plane, "memory": memory()}


def ours_zarr(job, folder):
    """Crops read from an OME-Zarr of the whole frame, after one run of the command that wrote it (all levels)."""
    volume = f"{folder}/volume.zarr"
    subprocess.run(
        [job["binary"], "label", job["swc"], "--quiet", "--variant", "binary", "--shape", ",".join(map(str, FRAME[::-1])),
         "-o", volume], check=True)
    setup = children()
    import numpy as np
    import zarr

    array = zarr.open_group(volume, mode="r")["0"]
    crops = []
    for number, start in enumerate(job["crops"]):
        begin = time.process_time()
        crop = array[tuple(slice(s, s + n) for s, n in zip(start, CROP))]
        crops.append(time.process_time() - begin)
        np.save(f"{folder}/mask-{number}.npy", crop)
    begin = time.process_time()
    array[job["plane"]]
    plane = time.process_time() - begin
    shutil.rmtree(volume)
    return {"setup": setup, "crops": crops, "plane": plane, "memory": memory()}


def swcgeom(job, folder):
    import numpy as np
    import swcgeom as package
    from sdflit import RangeSampler
    from swcgeom.transforms import ToImageStack

    stride = tuple(float(step) for step in SPACING[::-1])
    begin = time.process_time()
    tree = package.Tree.from_swc(job["swc"])
    transform = ToImageStack(stride)
    scene = transform._get_scene([tree])
    setup = time.process_time() - begin
    failures = 0

    def first(start):
        return [index * step for index, step in zip(start[::-1], stride)]

    def tile(start, rows, columns):
        """The sampler below ToImageStack: one plane, sampled at voxel centres."""
        low = first(start)
        high = [low[0] + (columns - 0.5) * stride[0], low[1] + (rows - 0.5) * stride[1], low[2] + 0.5 * stride[2]]
        return RangeSampler(tuple(low), tuple(high), stride).sample(scene)[:columns, :rows, 0, 0].T > 0

    def stack(start):
        """ToImageStack samples half a step after the beginning of its range; its frames are (x, y)."""
        low = [value - step / 2 for value, step in zip(first(start), stride)]
        high = [value + side * step for value, side, step in zip(low, CROP[::-1], stride)]
        frames = np.stack([frame.T > 0 for frame in transform.transform(tree, verbose=False, ranges=(low, high))])
        if frames.shape != CROP:
            raise ValueError(f"{frames.shape} frames")
        return frames

    crops = []
    for number, start in enumerate(job["crops"]):
        begin = time.process_time()
        try:
            mask = stack(start)
        except BaseException as error:  # a Rust panic is no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            failures += 1
            begin = time.process_time()
            mask = np.stack([tile((start[0] + plane, *start[1:]), *CROP[1:]) for plane in range(CROP[0])])
        crops.append(time.process_time() - begin)
        np.save(f"{folder}/mask-{number}.npy", mask.astype(np.uint8))
    begin = time.process_time()
    plane = np.zeros(FRAME[1:], np.uint8)
    side = 500
    for y in range(0, FRAME[1], side):
        for x in range(0, FRAME[2], side):
            plane[y : y + side, x : x + side] = tile((job["plane"], y, x), side, side)
    return {"setup": setup, "crops": crops, "plane": time.process_time() - begin, "memory": memory(),
            "note": f"`ToImageStack.transform` with a range; where it fails or returns another shape ({failures} of "
                    f"{len(crops)} crops, and the plane in tiles) the sampler below it"}


def navis(job, folder):
    import navis as package
    import numpy as np
    from navis.conversion.converters import neuron2voxels

    package.config.pbar_hide = True
    package.set_loggers("ERROR")
    pitch = list(SPACING[::-1])
    begin = time.process_time()
    neuron = package.read_swc(job["swc"])
    neuron.units = "1 micrometer"
    neuron = package.resample_skeleton(neuron, 0.05)
    setup = time.process_time() - begin

    def voxels(start, shape):
        low = [index * step for index, step in zip(start[::-1], pitch)]
        high = [first + (side - 1) * step for first, side, step in zip(low, shape[::-1], pitch)]
        grid = neuron2voxels(neuron, pitch=pitch, bounds=np.array([low, high]).T).grid
        part = np.zeros(shape, np.uint8)
        grid = grid.transpose(2, 1, 0)[tuple(slice(0, side) for side in shape)]
        part[tuple(slice(0, side) for side in grid.shape)] = grid
        return part

    crops = []
    for number, start in enumerate(job["crops"]):
        begin = time.process_time()
        mask = voxels(start, CROP)
        crops.append(time.process_time() - begin)
        np.save(f"{folder}/mask-{number}.npy", mask)
    begin = time.process_time()
    voxels((job["plane"], 0, 0), (1, *FRAME[1:]))
    return {"setup": setup, "crops": crops, "plane": time.process_time() - begin, "memory": memory(),
            "note": "it ignores radii and marks the voxels of points; resampled to 0.05 um first"}


def gunpowder(job, folder):
    """RasterizeGraph. Its edges are right only when the region begins at 0, so the graph is moved instead of the region."""
    import gunpowder as gp
    import numpy as np

    unit = 10000  # its coordinates are whole numbers: 0.0001 um
    voxel = gp.Coordinate([round(step * unit) for step in SPACING])
    rows = [line.split() for line in open(job["swc"]) if line.strip() and not line.startswith("#")]
    at = {int(row[0]): np.array([float(row[4]), float(row[3]), float(row[2])]) * unit for row in rows}
    radius = statistics.median(float(row[5]) for row in rows if row[1] != "1") * unit
    # An edge that leaves the region is lost completely. The margin keeps such edges away from the crop.
    padding = (8, 24, 24)
    margin = gp.Coordinate(padding) * voxel
    size = gp.Coordinate(CROP) * voxel
    graph_key, array_key = gp.GraphKey("GRAPH"), gp.ArrayKey("LABELS")
    whole = gp.Roi((0, 0, 0), size + margin * 2)

    class Source(gp.BatchProvider):
        def __init__(self, start):
            # Half a voxel, because coordinates are cut and not rounded.
            shift = np.array(margin) + np.array(voxel) / 2 - np.array(start) * np.array(voxel)
            places = {number: place + shift for number, place in at.items()}
            inside = {
                number for number, place in places.items() if all(0 <= c < end for c, end in zip(place, whole.shape))
            }
            nodes = [gp.Node(number, places[number]) for number in sorted(inside)]
            edges = [gp.Edge(int(row[6]), int(row[0])) for row in rows if {int(row[6]), int(row[0])} <= inside]
            self.graph = gp.Graph(nodes, edges, gp.GraphSpec(roi=whole))

        def setup(self):
            self.provides(graph_key, gp.GraphSpec(roi=whole))

        def provide(self, request):
            batch = gp.Batch()
            batch[graph_key] = self.graph
            return batch

    crops = []
    for number, start in enumerate(job["crops"]):
        begin = time.process_time()
        settings = gp.RasterizationSettings(radius=(radius,) * 3, mode="ball")
        pipeline = Source(start) + gp.RasterizeGraph(
            graph_key, array_key, gp.ArraySpec(voxel_size=voxel, dtype=np.uint8), settings)
        request = gp.BatchRequest({array_key: gp.ArraySpec(roi=whole)})
        with gp.build(pipeline):
            data = pipeline.request_batch(request)[array_key].data
        crop = data[tuple(slice(first, first + side) for first, side in zip(padding, CROP))]
        crops.append(time.process_time() - begin)
        np.save(f"{folder}/mask-{number}.npy", crop)
    return {"crops": crops, "plane": None, "memory": memory(),
            "note": f"one radius for all, the median {radius / unit:.4f} um"}


TOOLS = {
    "ours_command": (ours_command, "`neuronfs label`, one process a crop"),
    "ours_file": (ours_file, "`neuronfs label -o volume.npy` once, crops by `np.load(mmap_mode='r')`"),
    "ours_zarr": (ours_zarr, "`neuronfs label -o volume.zarr` once, crops by zarr"),
    "swcgeom": (swcgeom, "swcgeom"),
    "navis": (navis, "navis `voxelize`"),
    "gunpowder": (gunpowder, "gunpowder `RasterizeGraph`"),
}


# The comparison


def install(venv):
    """The environment's Python, and the versions of the peers that could be installed."""
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    versions = {}
    for name, packages in {"numpy": ["numpy"], "zarr": ["zarr"], **PEERS}.items():
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages]
        result = subprocess.run(pip, capture_output=True, text=True)
        if result.returncode != 0:
            print(f"left out: {name} cannot be installed: {result.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
            continue
        code = f"import importlib.metadata as m; print(m.version('{name}'))"
        versions[name] = subprocess.run([str(python), "-c", code], capture_output=True, text=True).stdout.strip()
    return python, versions


def neuron(argument, folder):
    """(path, description)."""
    if argument:
        return argument, pathlib.Path(argument).name
    data = pathlib.Path(os.environ.get("NEURONFS_REAL_DATA", ROOT.parent / "shared" / "allen"))
    real = data / "swc" / "313862022.swc"
    if real.exists():
        return str(real), "Allen Cell Types specimen 313862022"
    sys.path.insert(0, str(ROOT / "Tests" / "MountTests"))
    import neurons

    path = folder / "generated.swc"
    path.write_text(neurons.grown(seed=2, size=(500.0, 500.0, 120.0), axon=900))
    return str(path), "a generated neuron"


def crops_around_nodes(swc, count):
    rows = [line.split() for line in open(swc) if line.strip() and not line.startswith("#")]
    places = [[float(row[4]), float(row[3]), float(row[2])] for row in rows]
    generator = random.Random(1)
    picked = [places[0]] + generator.sample(places, count - 1)
    starts = [
        [min(max(0, round(value / step) - side // 2), frame - side)
         for value, step, side, frame in zip(place, SPACING, CROP, FRAME)]
        for place in picked
    ]
    return starts, round(places[0][0] / SPACING[0]), len(rows)


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (f"{os.cpu_count()} cores of {model}, {gigabytes:.0f} GB, Linux {platform.release()}, "
            f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} when it ended")


def exact(swc, starts, folder):
    """Masks of the definition: as NeuronFS draws them, and as swcgeom defines them (no floor, cones from the soma)."""
    sys.path.insert(0, str(ROOT / "Tests" / "MountTests"))
    import brute
    import numpy as np

    nodes = brute.parse(open(swc, "rb").read())
    for number, start in enumerate(starts):
        classes = brute.label_window(nodes, start, CROP, SPACING)
        bare = brute.label_window(nodes, start, CROP, SPACING, variant="binary", floor=False, taper=True)
        np.savez_compressed(
            f"{folder}/exact-{number}.npz", ours=classes > 0, bare=bare.astype(bool), soma=classes == 1)


def agreement(folder, count, which, neurites=False):
    """(Dice, differing voxels, labelled voxels) over all crops, or over their voxels outside the soma."""
    import numpy as np

    both = differing = ours = theirs = 0
    for number in range(count):
        exact = np.load(f"{folder}/exact-{number}.npz")
        truth, mask = exact[which], np.load(f"{folder}/mask-{number}.npy") > 0
        if neurites:
            truth, mask = truth & ~exact["soma"], mask & ~exact["soma"]
        both += np.count_nonzero(truth & mask)
        differing += np.count_nonzero(truth ^ mask)
        ours += np.count_nonzero(truth)
        theirs += np.count_nonzero(mask)
    return 2 * both / max(1, ours + theirs), differing, ours


def milliseconds(seconds):
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.1f}" if seconds < 0.1 else f"{seconds * 1000:,.0f}"


def compare(options, python, versions, folder):
    swc, what = neuron(options.swc, folder)
    starts, plane, nodes = crops_around_nodes(swc, options.crops)
    job = {"binary": str(pathlib.Path(options.binary).resolve()), "swc": swc, "crops": starts, "plane": plane}
    (folder / "job.json").write_text(json.dumps(job))
    exact(swc, starts, folder)
    rows, notes = [], []
    for name, (_, title) in TOOLS.items():
        if (name in PEERS and name not in versions) or (name == "ours_zarr" and "zarr" not in versions):
            continue
        command = [str(python), __file__, "--tool", name, "--folder", str(folder), "--binary", job["binary"]]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            print(f"left out: {name} fails: {result.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
            continue
        measured = json.loads(result.stdout.strip().splitlines()[-1])
        dice, differing, labelled = agreement(folder, len(starts), "ours")
        neurites, _, _ = agreement(folder, len(starts), "ours", neurites=True)
        bare, _, _ = agreement(folder, len(starts), "bare")
        version = f" {versions[name]}" if name in versions else ""
        crop = statistics.median(measured["crops"])
        rows.append(
            f"| {title}{version} | {milliseconds(measured.get('setup'))} | {milliseconds(crop)} | "
            f"{milliseconds(measured['plane'])} | {measured['memory']:,.0f} | {dice:.4f} | {neurites:.4f} | {differing:,} | "
            f"{bare:.4f} |")
        print(rows[-1], file=sys.stderr)
        if measured.get("note"):
            notes.append(f"{name}: {measured['note']}")
    text = [
        f"Neuron: {what}, {nodes:,} nodes, in a frame of {' x '.join(map(str, FRAME))} voxels (z, y, x) of "
        f"{' x '.join(map(str, SPACING))} um. {len(starts)} crops of {' x '.join(map(str, CROP))} around random nodes and "
        f"the soma; {labelled:,} voxels of them are labelled. Machine: {machine()}.", "",
        "| Tool | once, ms | a crop, ms | plane 10k x 10k, ms | peak memory, MB | Dice | Dice, neurites | voxels "
        "that differ | Dice, no floor, taper |", "|---|---|---|---|---|---|---|---|---|", *rows, "",
        "Times are CPU time of user and system over all threads, because the machine was shared; that of a crop is "
        "the median. \"Once\" is the work before the first crop: reading and building. For the file it includes "
        "writing the whole volume, whose pages count as memory while they are mapped. Dice and differing voxels "
        "compare with the exact labels (Tests/MountTests/brute.py): first all voxels, then those outside the soma, "
        "which is much of the volume. The last column compares with exact cones without a radius floor and with "
        "full soma cones, as swcgeom defines them.",
        "Notes: " + "; ".join(notes) + "." if notes else "",
    ]
    return "\n".join(text).rstrip() + "\n"


def write(table):
    path = ROOT / "docs" / "BENCHMARKS.md"
    text = path.read_text() if path.exists() else "# Benchmarks\n"
    if BEGIN not in text:
        text = text.rstrip() + f"\n\n## Label peers\n\n{BEGIN}\n{END}\n"
    head, rest = text.split(BEGIN, 1)
    path.parent.mkdir(exist_ok=True)
    path.write_text(head + BEGIN + "\n" + table + END + rest.split(END, 1)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--swc")
    parser.add_argument("--crops", type=int, default=20)
    parser.add_argument("--venv", type=pathlib.Path, default=ROOT / ".venv-peers")
    parser.add_argument("--write", action="store_true", help="write the table into docs/BENCHMARKS.md")
    parser.add_argument("--tool", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tool:
        print(json.dumps(TOOLS[options.tool][0](json.loads((options.folder / "job.json").read_text()), options.folder)))
        return
    python, versions = install(options.venv)
    # This part runs under the environment's Python, which has numpy.
    if pathlib.Path(sys.prefix).resolve() != options.venv.resolve():
        os.execv(python, [str(python), *sys.argv])
    folder = pathlib.Path(tempfile.mkdtemp(prefix="label-peers-"))
    try:
        table = compare(options, python, versions, folder)
    finally:
        shutil.rmtree(folder)
    print(table)
    if options.write:
        write(table)


if __name__ == "__main__":
    main()
