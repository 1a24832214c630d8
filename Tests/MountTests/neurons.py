"""Generated skeletons, as SWC text: the same for the same seed on every machine."""

import math
import random


def swc(rows):
    """SWC text of (id, type, x, y, z, radius, parent) rows."""
    lines = [
        f"{number} {kind} {x:.4f} {y:.4f} {z:.4f} {radius:.4f} {parent}"
        for number, kind, x, y, z, radius, parent in rows
    ]
    return "# id,type,x,y,z,r,pid\n" + "\n".join(lines) + "\n"


def awkward(seed, shape, spacing, origin=(0, 0, 0), count=60):
    """A forest in and a little around a volume with everything that real files have: several roots, all types, zero and
    huge radii, coincident nodes, nodes on voxel centres with whole-pixel radii (exact ties), parents after their children.

    Shapes, spacings and origins are (z, y, x).
    """
    rng = random.Random(seed)
    sx, sy, sz = spacing[::-1]
    size = [side * step for side, step in zip(shape[::-1], (sx, sy, sz))]
    first = [start * step for start, step in zip(origin[::-1], (sx, sy, sz))]
    rows = []
    for index in range(count):
        parent = -1 if index == 0 or rng.random() < 0.12 else rng.randrange(index)
        xyz = [low + (rng.random() * 1.1 - 0.05) * side for low, side in zip(first, size)]
        if parent >= 0 and rng.random() < 0.6:
            xyz = [old + (rng.random() - 0.5) * 10 * step for old, step in zip(rows[parent][2:5], (sx, sy, sz / 2))]
        radius = rng.random() * 4 * sx
        if rng.random() < 0.15:
            radius = 0
        if rng.random() < 0.1:
            radius = rng.random() * 12 * sx
        if rng.random() < 0.4:
            xyz = [round(value / step) * step for value, step in zip(xyz, (sx, sy, sz))]
            radius = rng.randrange(6) * sx
        if parent >= 0 and rng.random() < 0.08:
            xyz = list(rows[parent][2:5])
        kind = rng.choice([1, 2, 3, 4, 2, 3, 0, 5, 6, 7])
        rows.append((index + 1, kind, *xyz, radius, parent + 1 if parent >= 0 else -1))
    rng.shuffle(rows)
    return swc(rows)


def grown(seed=1, size=(120.0, 120.0, 40.0), dendrites=6, axon=300.0):
    """A neuron that looks like one: a soma, basal dendrites, an apical dendrite with a tuft, a thin axon; um, within
    `size` (x, y, z)."""
    rng = random.Random(seed)
    rows = []
    soma = (size[0] / 2, size[1] * 0.62, size[2] / 2)

    def add(kind, xyz, radius, parent):
        rows.append((len(rows) + 1, kind, *xyz, radius, parent))
        return len(rows)

    def walk(kind, parent, start, angle, length, radius, thinning, turn, branching):
        x, y, z = start
        tilt = rng.uniform(-0.25, 0.25)
        travelled = 0.0
        while travelled < length:
            step = rng.uniform(0.8, 1.6)
            angle += rng.gauss(0, turn)
            tilt = 0.9 * tilt + rng.gauss(0, 0.06)
            x, y, z = x + step * math.cos(angle), y + step * math.sin(angle), z + step * tilt
            if not (2 < x < size[0] - 2 and 2 < y < size[1] - 2):
                return
            z = min(max(z, 1.5), size[2] - 1.5)
            travelled += step
            radius = max(0.1144, radius * thinning)
            parent = add(kind, (x, y, z), radius * rng.uniform(0.85, 1.15), parent)
            if rng.random() < branching * step and length - travelled > 8:
                spread = rng.uniform(0.4, 0.9)
                rest = length - travelled
                walk(kind, parent, (x, y, z), angle + spread, rest * rng.uniform(0.6, 1), radius * 0.8, thinning, turn,
                     branching * 0.7)
                angle -= spread

    add(1, soma, 6.0, -1)
    for index in range(dendrites):
        angle = math.pi * (0.05 + 0.9 * index / max(1, dendrites - 1))
        walk(3, 1, (soma[0] + 6 * math.cos(angle), soma[1] + 6 * math.sin(angle), soma[2]), angle, 45, 1.0, 0.985, 0.12,
             0.05)
    walk(4, 1, (soma[0], soma[1] - 6, soma[2]), -math.pi / 2, 68, 1.7, 0.99, 0.05, 0.03)
    walk(2, 1, (soma[0] + 3, soma[1] + 5, soma[2] + 1), 0.9, axon, 0.4, 0.98, 0.2, 0.02)
    return swc(rows)
