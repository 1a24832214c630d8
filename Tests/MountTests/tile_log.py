"""Which tiles a mount has asked its origin for, and which a read cannot do without."""

import re

from expected import TILE

PAGE = 4096
_TILE = re.compile(r"/section_image_download/(\d+)\?left=(\d+)&top=(\d+)&width=(\d+)&height=(\d+)&downsample=0")


def asked(proxy, image_id):
    """(row, column) of every tile of a plane that was asked for, in order, repeats included."""
    found = [_TILE.search(request.path) for request in list(proxy.requests)]
    return [((int(match[3]) - 1) // TILE, (int(match[2]) - 1) // TILE)
            for match in found if match and int(match[1]) == image_id]


def of_window(y, x, height, width):
    """The tiles that hold a window's pixels."""
    return {(row, column) for row in range(y // TILE, (y + height - 1) // TILE + 1)
            for column in range(x // TILE, (x + width - 1) // TILE + 1)}


def of_bytes(first, last, plane_width):
    """The tiles that hold the pixels first ..< last of a plane, counted row by row."""
    tiles = set()
    while first < last:
        end = min(last, (first // plane_width + 1) * plane_width)
        row = first // plane_width // TILE
        tiles |= {(row, column) for column in range(first % plane_width // TILE, (end - 1) % plane_width // TILE + 1)}
        first = end
    return tiles


def of_pages(y, x, height, width, plane_shape, header):
    """The tiles behind the pages of memory that a window's pixels lie in: what the kernel has to ask for.

    A page is 4096 pixels of a row, so this is more than the window in x, and never more than a row in y.
    """
    rows, columns = plane_shape
    tiles, seen = set(), -1
    for row in range(y, y + height):
        first = max((header + row * columns + x) // PAGE, seen + 1)
        last = (header + row * columns + x + width - 1) // PAGE
        if first <= last:
            low, high = first * PAGE - header, min((last + 1) * PAGE - header, rows * columns)
            tiles |= of_bytes(max(low, 0), high, columns)
            seen = last
    return tiles
