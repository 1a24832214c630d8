#!/usr/bin/env python3
"""The pictures of docs/LABELS.md: a generated neuron, labelled by `neuronfs label`, one picture a variant.

    make_label_pictures.py BINARY

Needs numpy and Pillow. The same binary and seed give the same files.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageDraw

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Tests" / "MountTests"))

import neurons

# 120 x 120 x 40 um.
SHAPE, SPACING = "400,400,80", "0.3,0.3,0.5"
COLOURS = {1: (255, 255, 255), 2: (220, 50, 47), 3: (38, 139, 210), 4: (211, 54, 200), 5: (240, 200, 60),
           255: (147, 161, 161)}
NIGHT = (16, 18, 22)
# Where two dendrites end, in um (x, y, z), 0-based.
MARKER_NODES = 2


def label(binary, folder, swc, variant, *options):
    output = folder / f"{variant}.npy"
    subprocess.run(
        [binary, "label", str(swc), "--shape", SHAPE, "--spacing", SPACING, "--variant", variant, "--quiet", "-o",
         str(output), *options],
        check=True)
    return np.load(output)


def nearest(volume):
    """Seen from above: the first labelled voxel of each column of planes."""
    first = (volume > 0).argmax(axis=0)
    return np.take_along_axis(volume, first[None], axis=0)[0]


def painted(plane, colours):
    picture = np.empty((*plane.shape, 3), np.uint8)
    picture[:] = NIGHT
    for value, colour in colours.items():
        picture[plane == value] = colour
    return picture


def instances(plane):
    """A colour an id, neighbours far apart on the colour circle."""
    picture = np.empty((*plane.shape, 3), np.uint8)
    picture[:] = NIGHT
    for value in np.unique(plane[plane > 0]):
        angle = 2 * np.pi * (0.61803 * float(value) % 1)
        picture[plane == value] = [int(150 + 100 * np.cos(angle + shift)) for shift in (0, 2.1, 4.2)]
    return picture


def distances(plane):
    """Outside blue to white, inside yellow to red, the step between 127 and 128 is the surface."""
    code = plane.astype(float)
    outside, inside = np.clip(code / 127, 0, 1), np.clip((code - 128) / 127, 0, 1)
    blue = np.stack([20 + 180 * outside, 24 + 190 * outside, 60 + 190 * outside], -1)
    red = np.stack([255 - 60 * inside, 210 - 180 * inside, 60 - 40 * inside], -1)
    return np.where((code >= 128)[..., None], red, blue).astype(np.uint8)


def save(name, picture, scale=1):
    """A picture of few colours, with a scale bar of 20 um."""
    image = Image.fromarray(picture).resize([side * scale for side in picture.shape[1::-1]], Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(image)
    length = round(20 / 0.3) * scale if scale == 1 else round(5 / 0.3) * scale
    bottom = image.height - 12
    draw.rectangle((12, bottom - 3, 12 + length, bottom), fill=(230, 230, 230))
    path = HERE / f"labels-{name}.png"
    image.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.name}: {image.width} x {image.height}, {size / 1000:.0f} kB")
    assert size < 60_000, path


def tips(text, count):
    """The places of the last `count` dendrite tips, um."""
    rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
    parents = {row[6] for row in rows}
    return [[float(value) for value in row[2:5]] for row in rows if row[0] not in parents and row[1] == "3"][-count:]


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text = neurons.grown(seed=11, axon=120)
        swc = folder / "cell.swc"
        swc.write_text(text)
        markers = folder / "cell.marker"
        # Markers count voxels from 1.
        markers.write_text("".join(
            f"{x + 0.3},{y + 0.3},{z + 0.5},0,1,10,,\n" for x, y, z in tips(text, MARKER_NODES)))

        save("classes", painted(nearest(label(binary, folder, swc, "classes")), COLOURS))
        save("classes3", painted(nearest(label(binary, folder, swc, "classes3")), COLOURS))
        save("binary", painted(nearest(label(binary, folder, swc, "binary")), COLOURS))
        save("instance", instances(nearest(label(binary, folder, swc, "instance"))))
        save("centerline", painted(nearest(label(binary, folder, swc, "centerline")), COLOURS))
        ignore = label(binary, folder, swc, "ignore", "--markers", str(markers), "--ignore-value", "5")
        save("ignore", painted(ignore.max(axis=0), COLOURS))
        save("nodes", np.stack([label(binary, folder, swc, "nodes", "--sigma", "1.0").max(axis=0)] * 3, -1))
        # One plane around the soma, enlarged: the steps would not show otherwise.
        distance = label(binary, folder, swc, "distance")[40]
        save("distance", distances(distance[190:310, 140:260]), scale=3)


if __name__ == "__main__":
    main()
