#!/usr/bin/env python3
"""A dataset of image and label crops, as the __getitem__ of a PyTorch Dataset would read them. Usage:
training_crops.py MOUNTPOINT
"""

import hashlib
import pathlib
import sys

import numpy as np
import tifffile


class Crops:
    """Pairs of (image, label), 256 x 256 px, around labelled pixels of the training cells. The seed makes them the
    same each time.
    """

    def __init__(self, mount, side=256, seed=0):
        self.cells = sorted((pathlib.Path(mount) / "splits" / "train").iterdir())
        self.side, self.rng = side, np.random.default_rng(seed)

    def __iter__(self):
        while True:
            cell = self.cells[self.rng.integers(len(self.cells))]
            names = sorted(path.name for path in (cell / "labels").iterdir())
            # Reading labels/ needs no network, so the loop reads planes until one has labels.
            name = names[self.rng.integers(len(names))]
            label = tifffile.memmap(cell / "labels" / name, mode="r")
            rows, columns = np.nonzero(label)
            if len(rows) == 0:
                continue
            pick = self.rng.integers(len(rows))
            top = int(np.clip(rows[pick] - self.side // 2, 0, label.shape[0] - self.side))
            left = int(np.clip(columns[pick] - self.side // 2, 0, label.shape[1] - self.side))
            window = np.s_[top:top + self.side, left:left + self.side]
            image = tifffile.memmap(cell / "stack" / name, mode="r")
            yield f"{cell.name}/{name}", np.array(image[window]), np.array(label[window])


if __name__ == "__main__":
    for (name, image, label), _ in zip(Crops(sys.argv[1]), range(6)):
        inside, outside = image[label > 0].mean(), image[label == 0].mean()
        digest = hashlib.sha256(label.tobytes()).hexdigest()[:16]
        print(f"{name}  labelled {np.count_nonzero(label):6d}  grey inside {inside:5.1f} outside {outside:5.1f}  {digest}")
