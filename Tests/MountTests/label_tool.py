"""Runs `neuronfs label` for the tests."""

import subprocess

import numpy as np

import brute
import neurons
from harness import binary

SHAPE = (14, 40, 46)
SPACING = brute.ALLEN_SPACING


def xyz(zyx):
    return ",".join(str(value) for value in zyx[::-1])


def label(swc, output, shape=SHAPE, spacing=SPACING, origin=(0, 0, 0), force=True, options=(), **popen):
    """Runs the command. Most skeletons here stick out of their little volumes on purpose: hence `force`."""
    command = [binary(), "label", str(swc), "--shape", xyz(shape), "--spacing", xyz(spacing), "--origin", xyz(origin)]
    command += ["--force"] if force else []
    command += [str(option) for option in options] + ["-o", str(output)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **popen)


def labelled(swc, output, **arguments):
    result = label(swc, output, **arguments)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return np.load(output) if str(output).endswith(".npy") else None


def refused(result, *parts, code=2):
    assert result.returncode == code, (result.returncode, result.stderr)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("neuronfs: "), result.stderr
    for part in parts:
        assert part in lines[0], lines[0]
    assert result.stdout == ""


def write(folder, seed, shape=SHAPE, spacing=SPACING, origin=(0, 0, 0), count=60):
    path = folder / f"{seed}.swc"
    path.write_text(neurons.awkward(seed, shape, spacing, origin, count))
    return path
