"""Label volumes evaluated from their definition, in numpy, sharing no code with NeuronFS.

The rules (docs/LABELS.md): a voxel has the value of a solid when the signed distance of its centre to that solid is at
most 1e-6 um. Solids are one rounded cone an edge (the union of the balls along it, radius changing linearly) and one ball
a root; radii are raised to half a voxel diagonal; the edge from a type-1 node to one of another type is a tube of the
child's radius; an edge has its child's class; the lowest value wins. A soma of three points is one ball, and a soma drawn
as an outline is filled in its plane.

All shapes, spacings and origins are (z, y, x); spacings in um, origins in voxels of the same spacing: voxel (k, j, i) is
centred at ((k + oz) sz, (j + oy) sy, (i + ox) sx).

    label_volume(swc, shape, spacing, origin)          the uint8 classes of a volume
    label_window(swc, start, shape, spacing, origin)   the same of a box that begins at voxel `start`
"""

import dataclasses
import re

import numpy as np

TOLERANCE = 1e-6
ALLEN_SPACING = (0.28, 0.1144, 0.1144)


@dataclasses.dataclass
class Node:
    id: int
    type: int
    xyz: np.ndarray
    radius: float
    parent: int  # index, -1 for a root


def _whole(text):
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else int(float(text))


def parse(swc):
    """The nodes of an SWC file given as bytes or text, um: its OFFSET added, nanometres scaled, a soma of three points one
    node."""
    text = swc.decode("latin-1") if isinstance(swc, (bytes, bytearray)) else swc
    rows = [line.split() for line in text.replace("\r", "\n").split("\n")]
    rows = [row for row in rows if row and not row[0].startswith("#")]
    offset = re.search(r"^# OFFSET (\S+) (\S+) (\S+)$", text, re.MULTILINE)
    offset = np.array([float(value) for value in offset.groups()]) if offset else np.zeros(3)
    scale = 0.001 if re.search(r"^#.*units\"?: *\"?(1 )?(nm|nanomet)", text, re.MULTILINE) else 1
    ids = {_whole(row[0]): index for index, row in enumerate(rows)}
    return one_ball([
        Node(_whole(row[0]), _whole(row[1]), (np.array([float(value) for value in row[2:5]]) + offset) * scale,
             float(row[5]) * scale, ids.get(_whole(row[6]), -1))
        for row in rows
    ])


def _soma_groups(nodes):
    """The connected sets of soma nodes, each a list of indices with the topmost first."""
    groups = {}

    def top(index):
        while nodes[index].parent >= 0 and nodes[nodes[index].parent].type == 1:
            index = nodes[index].parent
        return index

    for index, node in enumerate(nodes):
        if node.type == 1:
            groups.setdefault(top(index), []).append(index)
    return [[head] + [index for index in group if index != head] for head, group in sorted(groups.items())]


def one_ball(nodes):
    """Somata of exactly three nodes, a root and two children of it at y - r and y + r, made one node."""
    moved = {}
    for group in _soma_groups(nodes):
        centre, r = nodes[group[0]], nodes[group[0]].radius
        if len(group) != 3 or centre.parent >= 0 or r <= 0:
            continue
        sides = sorted((nodes[index] for index in group[1:]), key=lambda node: node.xyz[1])
        wanted = [centre.xyz - (0, r, 0), centre.xyz + (0, r, 0)]
        if all(side.parent == group[0] and abs(side.radius - r) <= r / 100 and np.abs(side.xyz - place).max() <= r / 100
               for side, place in zip(sides, wanted)):
            moved.update({index: group[0] for index in group[1:]})
    kept = [index for index in range(len(nodes)) if index not in moved]
    places = {old: new for new, old in enumerate(kept)}
    return [
        dataclasses.replace(nodes[index], parent=places.get(moved.get(nodes[index].parent, nodes[index].parent), -1))
        for index in kept
    ]


def outlines(nodes):
    """The somata drawn as outlines: lists of indices along the line. The tests' lines are simple and in one plane."""
    found = []
    for group in _soma_groups(nodes):
        line = [group[0]]
        while True:
            below = [index for index in group if nodes[index].parent == line[-1]]
            if len(below) != 1:
                break
            line += below
        if len(line) != len(group) or len(line) < 4 or below:
            continue
        x, y = np.array([nodes[index].xyz[:2] for index in line]).T
        area = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
        steps = np.hypot(x - np.roll(x, -1), y - np.roll(y, -1))
        radius, around = np.sqrt(area / np.pi), steps.sum() / (2 * np.pi)
        thin = max(nodes[index].radius for index in line) <= radius / 10
        if thin and area > 0 and steps[-1] <= steps[:-1].sum() / 2 and radius**2 >= 0.1 * around**2:
            assert len({nodes[index].xyz[2] for index in line}) == 1
            found.append(line)
    return found


def _closing(nodes, line, floor):
    """The edge from the last node of an outline to its first."""
    last, first = nodes[line[-1]], nodes[line[0]]
    return Solid(last.xyz, max(last.radius, floor), first.xyz, max(first.radius, floor), line[0])


def _area(nodes, line, floor, shape, spacing, origin):
    """Which (y, x) of a grid lie within an outline, by winding numbers, and the distance of each (z, 1, 1) from its
    plane, less half the thickness."""
    z, y, x = _centres(tuple(slice(0, side) for side in shape), spacing, origin)
    turn = np.zeros(shape[1:])
    for a, b in zip(line, line[1:] + line[:1]):
        ax, ay = nodes[a].xyz[0] - x[0], nodes[a].xyz[1] - y[0]
        bx, by = nodes[b].xyz[0] - x[0], nodes[b].xyz[1] - y[0]
        turn += np.arctan2(ax * by - ay * bx, ax * bx + ay * by)
    thickness = max(floor, min(nodes[index].radius for index in line))
    return np.abs(turn) > np.pi, np.abs(z - nodes[line[0]].xyz[2]), thickness


def scaled(nodes, spacing):
    """Nodes given in columns, rows and planes, in um."""
    sz, sy, sx = spacing
    return [dataclasses.replace(node, xyz=node.xyz * (sx, sy, sz), radius=node.radius * sx) for node in nodes]


def classes(nodes):
    """1 to 4 by type; 5 and 6 that of the nearest ancestor of type 2 to 4, else of the nearest descendant (the lowest of
    several), over nodes of type 5 and 6 alone; everything else 255."""
    children = [[] for _ in nodes]
    for index, node in enumerate(nodes):
        if node.parent >= 0:
            children[node.parent].append(index)
    result = []
    for index, node in enumerate(nodes):
        if node.type not in (5, 6):
            result.append(node.type if node.type in (1, 2, 3, 4) else 255)
            continue
        while node.type in (5, 6) and node.parent >= 0:
            node = nodes[node.parent]
        found, level = [node.type] if node.type in (2, 3, 4) else [], [index]
        while level and not found:
            level = [child for at in level for child in children[at]]
            found = [nodes[at].type for at in level if nodes[at].type in (2, 3, 4)]
            level = [at for at in level if nodes[at].type in (5, 6)]
        result.append(min(found, default=255))
    return result


def half_diagonal(spacing):
    return 0.5 * float(np.sqrt(np.sum(np.square(spacing))))


@dataclasses.dataclass
class Solid:
    a: np.ndarray
    ra: float
    b: np.ndarray
    rb: float
    node: int


def solids(nodes, floor, taper=False):
    result = []
    for index, node in enumerate(nodes):
        radius = max(node.radius, floor)
        if node.parent < 0:
            result.append(Solid(node.xyz, radius, node.xyz, radius, index))
            continue
        parent = nodes[node.parent]
        tube = not taper and parent.type == 1 and node.type != 1
        result.append(Solid(parent.xyz, radius if tube else max(parent.radius, floor), node.xyz, radius, index))
    return result


def signed_distance(solid, x, y, z):
    """The least of |p - c(t)| - r(t) over t in 0...1, in closed form. Arrays that broadcast; um."""
    axis = solid.b - solid.a
    length = float(np.linalg.norm(axis))
    q = [x - solid.a[0], y - solid.a[1], z - solid.a[2]]
    if length == 0:
        return np.sqrt(q[0] ** 2 + q[1] ** 2 + q[2] ** 2) - max(solid.ra, solid.rb)
    u = axis / length
    h = q[0] * u[0] + q[1] * u[1] + q[2] * u[2]
    rho = np.sqrt(sum((part - h * along) ** 2 for part, along in zip(q, u)))
    slope = (solid.rb - solid.ra) / length  # of the radius along the axis
    if abs(slope) >= 1:  # one ball holds the other: the function is monotonic
        t = np.where(slope > 0, length, 0.0) + 0 * h
    else:
        # The derivative (t - h) / sqrt((t - h)^2 + rho^2) - slope is zero here; the function is convex.
        t = np.clip(h + rho * slope / np.sqrt(1 - slope * slope), 0, length)
    return np.sqrt((h - t) ** 2 + rho**2) - (solid.ra + slope * t)


def searched_distance(solid, x, y, z, half_slab=0.0):
    """The same by golden section search, for any thickness: the distance is to the vertical segment z +- half_slab."""
    x, y, z = np.broadcast_arrays(x, y, z)

    def at(t):
        c = [solid.a[n] + t * (solid.b[n] - solid.a[n]) for n in range(3)]
        dz = np.maximum(0, np.abs(z - c[2]) - half_slab)
        return np.sqrt((x - c[0]) ** 2 + (y - c[1]) ** 2 + dz**2) - (solid.ra + t * (solid.rb - solid.ra))

    golden = 0.6180339887498949
    low, high = np.zeros(x.shape), np.ones(x.shape)
    for _ in range(64):
        left, right = high - golden * (high - low), low + golden * (high - low)
        lower = at(left) <= at(right)
        high, low = np.where(lower, right, high), np.where(lower, low, left)
    return np.minimum(np.minimum(at(np.zeros(x.shape)), at(np.ones(x.shape))), at((low + high) / 2))


def _box(low, high, shape, spacing, origin):
    """Slices of the voxels whose centres can lie in a box (z, y, x), um; None when there is none."""
    slices = []
    for n in range(3):
        first = max(0, int(np.floor(low[n] / spacing[n] - origin[n])) - 1)
        end = min(shape[n], int(np.ceil(high[n] / spacing[n] - origin[n])) + 2)
        if first >= end:
            return None
        slices.append(slice(first, end))
    return tuple(slices)


def _centres(box, spacing, origin):
    """Broadcastable z, y, x of the voxel centres of a box, um."""
    z, y, x = (
        (np.arange(part.start, part.stop, dtype=float) + origin[n]) * spacing[n] for n, part in enumerate(box)
    )
    return z[:, None, None], y[None, :, None], x[None, None, :]


def _each(pieces, reach, shape, spacing, origin, half_slab=0.0):
    """Every solid with the voxels within `reach` um of it and their signed distances."""
    for solid in pieces:
        low = np.minimum(solid.a - solid.ra, solid.b - solid.rb)[::-1] - reach - (half_slab, 0, 0)
        high = np.maximum(solid.a + solid.ra, solid.b + solid.rb)[::-1] + reach + (half_slab, 0, 0)
        box = _box(low, high, shape, spacing, origin)
        if box is None:
            continue
        z, y, x = _centres(box, spacing, origin)
        distance = searched_distance(solid, x, y, z, half_slab) if half_slab else signed_distance(solid, x, y, z)
        yield solid, box, distance


def _nodes(swc, units, spacing):
    nodes = swc if isinstance(swc, list) else parse(swc)
    if units == "nm":
        return [dataclasses.replace(node, xyz=node.xyz * 0.001, radius=node.radius * 0.001) for node in nodes]
    return scaled(nodes, spacing) if units == "px" else nodes


def _floor(spacing, floor, slab):
    if not floor:
        return 0.0
    return half_diagonal(spacing[1:]) if slab else half_diagonal(spacing)


def label_volume(
    swc, shape, spacing=ALLEN_SPACING, origin=(0, 0, 0), variant="classes", taper=False, slab=False, floor=True,
    markers=None, ignore_radius=5.0, ignore_value=255, units="um", pixel=None,
):
    """The volume of classes, classes3, binary, ignore (uint8) or instance (uint16).

    `swc` is the file's bytes, or nodes. `markers` is a list of (x, y, z, type) as `parse_markers` returns. `pixel` is the
    spacing that units "px" count in, when it is not `spacing` (pyramid levels).
    """
    nodes = _nodes(swc, units, pixel or spacing)
    codes = sections(nodes)[0] if variant == "instance" else classes(nodes)
    if variant == "classes3":
        codes = [3 if code == 4 else code for code in codes]
    if variant == "binary":
        codes = [1] * len(codes)
    lowest = _floor(spacing, floor, slab)
    nothing = 1 << 20
    volume = np.full(shape, nothing, np.int32)
    half = spacing[0] / 2 if slab else 0.0
    lines = outlines(nodes)
    pieces = solids(nodes, lowest, taper) + [_closing(nodes, line, lowest) for line in lines]
    for solid, box, distance in _each(pieces, 1e-5, shape, spacing, origin, half):
        part = volume[box]
        part[distance <= TOLERANCE] = np.minimum(part[distance <= TOLERANCE], codes[solid.node])
    for line in lines:
        inside, height, thickness = _area(nodes, line, lowest, shape, spacing, origin)
        part = inside[None] & (np.maximum(height - half, 0) <= thickness + TOLERANCE)
        volume[part] = np.minimum(volume[part], codes[line[0]])
    volume[volume == nothing] = 0
    if variant == "ignore":
        volume[volume == 255] = ignore_value
        radius = max(ignore_radius, lowest)
        centres = [np.array(marker[:3]) for marker in markers or [] if marker[3] in (10, 20)]
        balls = [Solid(centre, radius, centre, radius, 0) for centre in centres]
        for _, box, distance in _each(balls, 1e-5, shape, spacing, origin, half):
            volume[box][distance <= TOLERANCE] = ignore_value
    return volume.astype(np.uint16 if variant == "instance" else np.uint8)


def label_window(swc, start, shape, spacing=ALLEN_SPACING, origin=(0, 0, 0), **options):
    """`label_volume` of the box of `shape` voxels that begins at voxel `start` of the grid."""
    return label_volume(swc, shape, spacing, tuple(o + s for o, s in zip(origin, start)), **options)


def level_geometry(shape, spacing, origin, level):
    """Shape, spacing and origin of a pyramid level: rows and columns 2^level as large, planes as they are."""
    scale = 1 << level
    shape = (shape[0], -(-shape[1] // scale), -(-shape[2] // scale))
    origin = (origin[0], (origin[1] + (scale - 1) / 2) / scale, (origin[2] + (scale - 1) / 2) / scale)
    return shape, (spacing[0], spacing[1] * scale, spacing[2] * scale), origin


def parse_markers(data, shift):
    """(x, y, z, type) of a marker file, less `shift` (z, y, x): markers count voxels from 1."""
    result = []
    for line in data.decode().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        columns = [column.strip() for column in line.split(",")]
        try:
            kind = int(columns[5])
        except (IndexError, ValueError):
            kind = None
        x, y, z = (float(column) - part for column, part in zip(columns, shift[::-1]))
        result.append((x, y, z, kind))
    return result


def centerline_volume(swc, shape, spacing=ALLEN_SPACING, origin=(0, 0, 0), units="um", pixel=None):
    """Per edge the voxels from + floor(d k / n + 1/2) between the voxels nearest to its ends; the lowest class wins."""
    nodes = _nodes(swc, units, pixel or spacing)
    codes = classes(nodes)
    volume = np.zeros(shape, np.uint8)

    def voxel(node):
        return [int(np.floor(node.xyz[2 - n] / spacing[n] - origin[n] + 0.5)) for n in range(3)]

    for index, node in enumerate(nodes):
        end = voxel(node)
        start = voxel(nodes[node.parent]) if node.parent >= 0 else end
        steps = max(abs(e - s) for e, s in zip(end, start))
        for k in range(steps + 1):
            at = tuple(s + ((2 * (e - s) * k + steps) // (2 * steps) if steps else 0) for e, s in zip(end, start))
            if all(0 <= place < side for place, side in zip(at, shape)):
                volume[at] = codes[index] if volume[at] == 0 else min(volume[at], codes[index])
    return volume


def distance_field(swc, shape, spacing=ALLEN_SPACING, origin=(0, 0, 0), clip=2.0, taper=False, floor=True):
    """Least signed distance of any solid, um, clipped to +-clip."""
    nodes = _nodes(swc, "um", spacing)
    field = np.full(shape, clip)
    lowest, lines = _floor(spacing, floor, False), outlines(nodes)
    pieces = solids(nodes, lowest, taper) + [_closing(nodes, line, lowest) for line in lines]
    for _, box, distance in _each(pieces, clip, shape, spacing, origin):
        field[box] = np.minimum(field[box], distance)
    for line in lines:
        inside, height, thickness = _area(nodes, line, lowest, shape, spacing, origin)
        field = np.where(inside[None], np.minimum(field, height - thickness), field)
    return np.maximum(field, -clip)


def distance_steps(field, clip=2.0):
    """|distance| in steps of clip / 127, before it is cut to a whole number."""
    return 127 * np.minimum(np.abs(np.where((field > 0) & (field <= TOLERANCE), 0, field)) / clip, 1)


def distance_codes(field, clip=2.0):
    steps = np.floor(distance_steps(field, clip))
    return np.where(field <= TOLERANCE, 128 + steps, 127 - steps).astype(np.uint8)


def _centroid(nodes, line):
    """The centroid of an outline's area."""
    x, y, z = np.array([nodes[index].xyz for index in line]).T
    cross = x * np.roll(y, -1) - y * np.roll(x, -1)
    middle = [np.sum((part + np.roll(part, -1)) * cross) / (3 * np.sum(cross)) for part in (x, y)]
    return np.array([*middle, z[0]])


def node_peaks(swc, shape, spacing=ALLEN_SPACING, origin=(0, 0, 0), sigma=0.5, floor=True):
    """255 exp(-d^2 / (2 sigma^2)) to the nearest soma, tip or branch point, before rounding."""
    nodes = _nodes(swc, "um", spacing)
    sigma = max(sigma, half_diagonal(spacing)) if floor else sigma
    children = np.zeros(len(nodes), int)
    for node in nodes:
        if node.parent >= 0:
            children[node.parent] += 1
    z, y, x = _centres(tuple(slice(0, side) for side in shape), spacing, origin)
    squared = np.full(shape, np.inf)
    lines = outlines(nodes)
    outlined = {index for line in lines for index in line}
    places = [
        node.xyz for index, (node, count) in enumerate(zip(nodes, children))
        if index not in outlined and (node.type == 1 or count != 1)
    ]
    for place in places + [_centroid(nodes, line) for line in lines]:
        squared = np.minimum(squared, (x - place[0]) ** 2 + (y - place[1]) ** 2 + (z - place[2]) ** 2)
    return 255 * np.exp(-squared / (2 * sigma * sigma))


def sections(nodes):
    """The section id of each node, and the class of each id from 1 (index 0 is unused).

    A section is a chain of nodes of one class between branch points; connected soma nodes are one. Ids count from 1 by
    class, within one in the order of the first nodes in the file.
    """
    codes = classes(nodes)
    children = [[] for _ in nodes]
    for index, node in enumerate(nodes):
        if node.parent >= 0:
            children[node.parent].append(index)

    def is_head(index):
        parent = nodes[index].parent
        if parent < 0 or codes[parent] != codes[index]:
            return True
        return codes[index] != 1 and len(children[parent]) > 1

    heads = sorted((index for index in range(len(nodes)) if is_head(index)), key=lambda index: (codes[index], index))
    ids = [0] * len(nodes)
    for number, head in enumerate(heads, 1):
        stack = [head]
        while stack:
            index = stack.pop()
            ids[index] = number
            stack += [child for child in children[index] if not is_head(child)]
    return ids, [0] + [codes[head] for head in heads]
