"""What the files of a mount must hold, computed from the origin's bytes without any of NeuronFS's code.

    plane_pixels(url, plane)        the grey pixels of a plane, tile by tile from the origin over HTTP, decoded by libraries
    Tracing(swc)                    labels of any window, by brute force, quick enough for skeletons of 40,000 nodes
    components(volume)              number of 26-connected pieces
"""

import io
import json
import os

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 40))

import cv2
import numpy as np
import requests
from PIL import Image

import brute

# A plane is fetched as squares of this side from its corner (docs/ARCHITECTURE.md).
TILE = 512
# (z, y, x): a served plane begins one pixel inside the full frame on which skeletons are traced.
ORIGIN = (0, 1, 1)
SPACING = brute.ALLEN_SPACING


def meta(folder):
    """meta.json of a specimen."""
    return json.loads((folder / "meta.json").read_text())


def planes(folder):
    """Index of every plane that there is -> its entry in meta.json."""
    return {plane["index"]: plane for plane in meta(folder)["stack"]["planes"]}


def plane_name(index):
    return f"{index:04}.tif"


def luma(jpeg):
    """The Y channel of a JPEG, as libjpeg gives it; Pillow and OpenCV bring a build of their own each."""
    image = Image.open(io.BytesIO(jpeg))
    # Without the draft Pillow decodes to RGB and makes a grey of its own from that.
    image.draft("L", image.size)
    grey = np.asarray(image)
    assert image.mode == "L"
    assert np.array_equal(grey, cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE))
    return grey


def tile(url, image_id, left, top, width, height, downsample=0):
    """One rectangle of a plane, full-frame pixels."""
    reply = requests.get(
        f"{url}/api/v2/section_image_download/{image_id}",
        {"left": left, "top": top, "width": width, "height": height, "downsample": downsample}, timeout=60)
    reply.raise_for_status()
    return luma(reply.content)


def plane_pixels(url, plane, corner=(1, 1)):
    """A whole plane, from an entry of meta.json's `planes`."""
    height, width = plane["shape"]
    result = np.empty((height, width), np.uint8)
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            h, w = min(TILE, height - y), min(TILE, width - x)
            result[y : y + h, x : x + w] = tile(url, plane["image_id"], x + corner[1], y + corner[0], w, h)
    return result


def stack_pixels(url, folder):
    """The stack; a missing plane is zero."""
    shape = meta(folder)["stack"]["shape"]
    result = np.zeros(shape, np.uint8)
    for index, plane in planes(folder).items():
        result[index] = plane_pixels(url, plane)
    return result


class Tracing:
    """A skeleton, prepared so that a window costs only the solids that touch it.

    Geometry is `brute`'s; here is only the choice of solids.
    """

    def __init__(self, swc, spacing=SPACING, origin=ORIGIN):
        self.swc = swc
        self.spacing, self.origin = spacing, origin
        self.nodes = brute.parse(swc)
        self.codes = brute.classes(self.nodes)
        assert not brute.outlines(self.nodes), "windows are drawn without the area of outlines"
        self.floor = brute.half_diagonal(spacing)
        self.solids = brute.solids(self.nodes, self.floor)
        ends = np.array([[solid.a[::-1], solid.b[::-1]] for solid in self.solids])
        radii = np.array([[[solid.ra], [solid.rb]] for solid in self.solids])
        self.low, self.high = (ends - radii).min(1), (ends + radii).max(1)

    @property
    def roots(self):
        return sum(node.parent < 0 for node in self.nodes)

    def voxel(self, index):
        """The voxel (z, y, x) nearest to a node."""
        place = self.nodes[index].xyz[::-1]
        return [int(round(place[n] / self.spacing[n] - self.origin[n])) for n in range(3)]

    def distances(self, start, shape, reach=1e-5):
        """(solid, part of the window, its signed distances), for each solid within `reach` um of the window."""
        first = [(start[n] + self.origin[n]) * self.spacing[n] for n in range(3)]
        last = [(start[n] + shape[n] - 1 + self.origin[n]) * self.spacing[n] for n in range(3)]
        margin = reach + np.array(self.spacing)
        near = np.all((self.low - margin <= last) & (self.high + margin >= first), axis=1)
        for index in np.flatnonzero(near):
            box = []
            for n in range(3):
                step, shift = self.spacing[n], self.origin[n] + start[n]
                low = int(np.floor((self.low[index, n] - reach) / step - shift)) - 1
                high = int(np.ceil((self.high[index, n] + reach) / step - shift)) + 2
                box.append(slice(max(0, low), max(0, min(shape[n], high))))
            if any(part.start >= part.stop for part in box):
                continue
            z, y, x = (
                (np.arange(part.start, part.stop) + float(start[n] + self.origin[n])) * self.spacing[n]
                for n, part in enumerate(box))
            solid = self.solids[index]
            yield solid, tuple(box), brute.signed_distance(
                solid, x[None, None, :], y[None, :, None], z[:, None, None])

    def window(self, start, shape, codes=None, dtype=np.uint8):
        """The labels of the box of `shape` voxels from `start`: the lowest of `codes` (one a node) wins."""
        codes = self.codes if codes is None else codes
        nothing = 1 << 20
        volume = np.full(shape, nothing, np.int32)
        for solid, box, distance in self.distances(start, shape):
            part, inside = volume[box], distance <= brute.TOLERANCE
            part[inside] = np.minimum(part[inside], codes[solid.node])
        volume[volume == nothing] = 0
        return volume.astype(dtype)

    def plane(self, index, shape, **options):
        return self.window((index, 0, 0), (1, *shape), **options)[0]

    def level(self, level, shape):
        """This skeleton on the grid of a pyramid level, and that level's shape."""
        shape, spacing, origin = brute.level_geometry(shape, self.spacing, self.origin, level)
        return Tracing(self.swc, spacing, origin), shape


def components(coordinates):
    """How many 26-connected pieces a list of voxels (n, 3) makes."""
    coordinates = np.asarray(coordinates, np.int64)
    sides = coordinates.max(0) + 3
    keys = np.sort((coordinates[:, 0] * sides[1] + coordinates[:, 1] + 1) * sides[2] + coordinates[:, 2] + 1)
    steps = [(dz * sides[1] + dy) * sides[2] + dx for dz in (0, 1) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    pairs = []
    for step in steps:
        if step <= 0:
            continue
        place = np.searchsorted(keys, keys + step)
        place[place == len(keys)] = 0
        found = np.flatnonzero(keys[place] == keys + step)
        pairs.append(np.stack([found, place[found]]))
    a, b = np.concatenate(pairs, axis=1)
    piece = np.arange(len(keys))
    while True:
        low, high = np.minimum(piece[a], piece[b]), np.maximum(piece[a], piece[b])
        apart = low != high
        if not apart.any():
            return len(np.unique(piece))
        np.minimum.at(piece, high[apart], low[apart])
        while True:
            next_piece = piece[piece]
            if np.array_equal(next_piece, piece):
                break
            piece = next_piece
