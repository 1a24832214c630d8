#!/usr/bin/env python3
"""The labels of a whole cell. Usage: whole_neuron.py MOUNTPOINT"""

import json
import pathlib
import sys

import numpy as np
import tifffile
import zarr

mount = pathlib.Path(sys.argv[1])
cell = sorted((mount / "trainable" / "human").iterdir())[0]
names = {1: "soma", 2: "axon", 3: "basal dendrite", 4: "apical dendrite", 255: "unknown"}

volume = tifffile.memmap(cell / "labels.tif", mode="r")
print(f"{cell.name}: {volume.shape} voxels of {json.loads((cell / 'meta.json').read_text())['stack']['voxel_spacing_um']} um")
counts = sum(np.bincount(plane.ravel(), minlength=256) for plane in volume)
for value, name in names.items():
    if counts[value]:
        print(f"  {name:16} {counts[value]:8d} voxels")

level = zarr.open(str(cell / "labels.ome.zarr"), mode="r")["2"]
small = level[:]
print(f"level 2: {small.shape}, {np.count_nonzero(small)} voxels labelled: still one piece, drawn anew at that spacing")
