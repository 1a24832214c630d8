"""The examples print what their expected files say."""

import subprocess
import sys

import pytest

import harness


@pytest.mark.parametrize("name", ["browse.sh", "training_crops.py", "whole_neuron.py"])
def test_example(demo, name):
    folder = harness.ROOT / "mount-examples"
    interpreter = [sys.executable] if name.endswith(".py") else ["bash"]
    result = subprocess.run([*interpreter, folder / name, demo.path], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stdout == (folder / "expected" / f"{name}.txt").read_text()
