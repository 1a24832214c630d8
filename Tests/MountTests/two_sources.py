"""A folder beside the database in one mount, for the tests of faults, crashes and load.

Whatever becomes of the origin and of the daemon, the cell of the folder is read at once and right, and no cache has anything
of it.
"""

import time

import numpy as np

from folder_pairs import SPACING, FolderMount, volume, write_pair
from reliability import forget_pages, outcome

NAME, CELL = "own", "own/cell"
# Each row of the images begins with it, and the skeleton has it: any block of the folder has it.
MARK = b"never in a cache"
SHAPE = (3, 150, 230)
SKELETON = MARK.join([b"# ", b"\n1 1 9 9 0.5 6 -1\n"])
# Seconds within which all of `read` ends. It takes some hundredths of a second; the rest is for busy processors.
QUICKLY = 10


class TwoSources:
    """Mounts the database together with a folder of one cell, which is written here."""

    def __init__(self, place):
        self.folder = place / NAME
        self.pixels = volume(SHAPE)
        self.pixels[:, :, :len(MARK)] = np.frombuffer(MARK, np.uint8)
        write_pair(self.folder / "cell", self.pixels, SKELETON.decode(), SPACING)
        assert self.is_kept_in(self.folder)

    def mount(self, endpoint, options=(), **arguments):
        """A mount of both, which is not started."""
        return FolderMount(self.folder, endpoint=endpoint, options=["--source", "allen", *options], **arguments)

    def read(self, mount):
        """Reads images, labels and skeleton of the folder from the daemon: ("right", "WRONG" or the errno, seconds)."""
        start = time.monotonic()
        state, code = outcome(lambda: "right" if self._is_right(mount / CELL) else "WRONG")
        return code or state, time.monotonic() - start

    def _is_right(self, cell):
        for name in ("stack.npy", "labels.npy", "skeleton.swc"):
            forget_pages(cell / name)
        labels = np.load(cell / "labels.npy")
        return (np.array_equal(np.load(cell / "stack.npy"), self.pixels) and (cell / "skeleton.swc").read_bytes() == SKELETON
                and labels.shape == SHAPE and set(np.unique(labels)) == {0, 1})

    @staticmethod
    def is_kept_in(folder):
        """Whether any file below `folder`, a cache directory, has a part of the images or the skeleton."""
        return any(MARK in path.read_bytes() for path in folder.rglob("*") if path.is_file())
