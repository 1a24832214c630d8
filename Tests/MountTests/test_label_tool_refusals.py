"""`neuronfs label`: what it refuses, what it tolerates, what it leaves behind, what it shows meanwhile."""

import fcntl
import json
import os
import pty
import resource
import signal
import struct
import subprocess
import termios
import time

import numpy as np
import pytest
import tifffile

import brute
import neurons
from harness import binary, real_data, wait_until
from label_tool import SHAPE, SPACING, label, labelled, refused


@pytest.fixture
def neuron(tmp_path):
    path = tmp_path / "cell.swc"
    path.write_text(neurons.awkward(5, SHAPE, SPACING))
    return path


# Skeletons that are not as they should be


@pytest.mark.parametrize("text, parts", [
    ("1 1 2 2 2 0.5\n", ["line 1", "7 are needed"]),
    ("# head\n1 1 2 2 2 0.5 -1\n2 3 2 nan 2 0.5 1\n", ["line 3", "y is not a finite number"]),
    ("1 1 2 2 2 0.5 -1\n2 3 2 inf 2 0.5 1\n", ["line 2", "not a finite number"]),
    ("1 1 2 2 2 0.5 -1\n2 3 2 2 2 -0.5 1\n", ["line 2", "the radius is negative"]),
    ("1 3 2 2 2 1 3\n2 3 2 2 2 1 1\n3 3 2 2 2 1 2\n", ["its own ancestor"]),
    ("1 3 2 2 2 1 1\n", ["line 1", "its own parent"]),
    ("1 1 2 2 2 0.5 -1\n1 3 2 2 2 0.5 1\n", ["line 2", "twice"]),
    ("1 1 2 2 2 0.5 -1\n2 3 a b c 0.5 1\n", ["line 2", '"a"']),
    ("1 1 1e300 2 2 0.5 -1\n", ["line 1"]),
    ("", ["no node"]),
    ("# only a comment\n", ["no node"]),
])
def test_malformed(tmp_path, text, parts):
    (tmp_path / "bad.swc").write_text(text)
    refused(label(tmp_path / "bad.swc", tmp_path / "x.tif", force=False), "bad.swc", *parts)
    assert os.listdir(tmp_path) == ["bad.swc"]


def test_binary_garbage(tmp_path):
    random = np.random.default_rng(1)
    for number, data in enumerate([random.bytes(4096), b"\x89PNG\r\n\x1a\n", b"\xff" * 4096]):
        path = tmp_path / f"{number}.swc"
        path.write_bytes(data)
        refused(label(path, tmp_path / "x.tif"), f"{number}.swc")
    refused(label("/dev/zero", tmp_path / "x.tif"), "longer than")
    refused(label(tmp_path, tmp_path / "x.tif"), "cannot read")
    refused(label(tmp_path / "none.swc", tmp_path / "x.tif"), "No such file")


def test_two_million_nodes(tmp_path):
    path = tmp_path / "large.swc"
    with open(path, "w") as file:
        file.writelines(f"{index} 3 2 2 2 0.1 {index - 1}\n" for index in range(1, 2_000_001))
    refused(label(path, tmp_path / "x.tif"), "more than 1000000 nodes")


def test_tolerated(tmp_path):
    """A parent that is not in the file makes a root; order, line ends, byte order mark and comments do not matter."""
    plain = "1 1 2 2 2 0.5 -1\n2 3 3 3 2 0.2 1\n3 2 1 1 1 0.2 99\n"
    awkward = "\ufeff# comment\r\n\r\n 3\t2 1 1 1 0.2 99 extra\r\n2 3 3.0 3 2 0.2 1.0\r\n1 1 2 2 2 0.5 -1"
    (tmp_path / "a.swc").write_text(plain)
    (tmp_path / "b.swc").write_bytes(awkward.encode())
    for name in ("a", "b"):
        result = label(tmp_path / f"{name}.swc", tmp_path / f"{name}.npy")
        assert result.returncode == 0 and "1 node names a parent that the file does not hold" in result.stderr
    first = np.load(tmp_path / "a.npy")
    assert np.array_equal(first, np.load(tmp_path / "b.npy"))
    assert np.array_equal(first, brute.label_volume(plain, SHAPE))
    assert json.loads((tmp_path / "a.json").read_text())["skeleton"]["roots"] == 2


def test_misfit(tmp_path):
    swc = tmp_path / "cell.swc"
    swc.write_text("1 1 2 2 2 0.5 -1\n2 3 40 3 2 0.2 1\n")
    refused(label(swc, tmp_path / "x.npy", force=False), "does not fit", "x coordinates", "--force")
    assert sorted(os.listdir(tmp_path)) == ["cell.swc"]
    voxels = labelled(swc, tmp_path / "x.npy", force=True)
    assert np.array_equal(voxels, brute.label_volume(swc.read_bytes(), SHAPE)) and voxels.any()
    swc.write_text("1 1 2 2 2 0.5 -1\n2 3 -140 3 2 0.2 1\n")
    refused(label(swc, tmp_path / "y.npy", force=False), "frame")


def test_skeleton_in_another_frame(tmp_path):
    data = real_data()
    if data is None:
        pytest.skip("no real data beside the checkout")
    swc = data / "swc" / "694146546_upright_NOT_image_frame.swc"
    refused(label(swc, tmp_path / "x.npy", shape=(500, 12000, 12000), force=False), "does not fit")


# Options and places


@pytest.mark.parametrize("options", [
    ["--shape", "10,10"], ["--shape", "0,5,5"], ["--shape", "a,b,c"], ["--spacing", "0,1,1"], ["--spacing", "nan,1,1"],
    ["--variant", "pink"], ["--level", "99"], ["--slab", "--variant", "nodes"], ["--clip", "3"],
    ["--markers", "m"], ["--variant", "ignore"], ["--ignore-value", "7"], ["--units", "mm"], ["-o", "labels.png"],
    ["--ignore-value", "256", "--variant", "ignore", "--markers", "/dev/null"],
], ids=" ".join)
def test_bad_options(tmp_path, neuron, options):
    result = subprocess.run(
        [binary(), "label", str(neuron), "--shape", "5,5,5", "-o", str(tmp_path / "x.tif"), *options],
        capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert result.returncode == 64 and "Error" in result.stderr
    assert os.listdir(tmp_path) == ["cell.swc"]


@pytest.mark.parametrize("options, part", [
    (["--variant", "distance", "--clip", "0"], "clip"), (["--variant", "nodes", "--sigma", "0"], "sigma"),
    (["--variant", "ignore", "--markers", "/dev/null", "--ignore-value", "0"], "ignore value 0"),
])
def test_options_the_engine_refuses(tmp_path, neuron, options, part):
    refused(label(neuron, tmp_path / "x.tif", options=options), part)


def test_volumes_that_cannot_be(tmp_path, neuron):
    refused(label(neuron, tmp_path / "x.tif", shape=(5, 70000, 10)), "a plane of 10 x 70000 voxels")
    refused(label(neuron, f"{tmp_path}/x/", shape=(5, 65536, 65536)), "would be longer than", ".zarr")
    assert os.listdir(tmp_path) == ["cell.swc"]


def test_nothing_is_lost(tmp_path, neuron):
    """A directory with something in it and a description of something else are refused; a label file is replaced."""
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / "0000.tif").write_text("mine")
    refused(label(neuron, tmp_path / "stack"), "is not empty")
    assert (tmp_path / "stack" / "0000.tif").read_text() == "mine"
    (tmp_path / "x.zarr").mkdir()
    (tmp_path / "x.zarr" / "notes").write_text("mine")
    refused(label(neuron, tmp_path / "x.zarr"), "is not empty")
    (tmp_path / "y.json").write_text('{"mine": true}')
    refused(label(neuron, tmp_path / "y.npy"), "y.json", "was not written by neuronfs label")
    (tmp_path / "y.json").write_text("mine")
    refused(label(neuron, tmp_path / "y.npy"), "y.json", "cannot be read")
    (tmp_path / "file").write_text("mine")
    refused(label(neuron, f"{tmp_path}/file/"), "is a file")
    refused(label(neuron, tmp_path / "none" / "x.tif"), "cannot write", "No such file", code=1)
    assert sorted(os.listdir(tmp_path)) == ["cell.swc", "file", "stack", "x.zarr", "y.json"]
    labelled(neuron, tmp_path / "z.npy")
    (tmp_path / "z.npy").write_text("old")
    assert labelled(neuron, tmp_path / "z.npy").any()


KINDS = ["x.tif", "x.tiff", "x.ome.tif", "x.npy", "x.ome.zarr", "x.zarr", "x/"]


@pytest.mark.parametrize("first", KINDS)
def test_a_report_describes_one_output(tmp_path, neuron, first):
    """x.json belongs to one of x.tif, x.npy, x/ ...: nnU-Net would give the others its spacing."""
    labelled(neuron, f"{tmp_path}/{first}", spacing=(0.5, 0.2, 0.2))
    report = (tmp_path / "x.json").read_bytes()
    names = sorted(os.listdir(tmp_path))
    for other in set(KINDS) - {first}:
        result = label(neuron, f"{tmp_path}/{other}", spacing=(1, 1, 1))
        refused(result, "x.json", f"describes {first.rstrip('/')}, not {other.rstrip('/')}", "choose another name")
    assert (tmp_path / "x.json").read_bytes() == report and sorted(os.listdir(tmp_path)) == names
    # The same output again: replaced where a file is, with its report.
    if first.endswith((".tif", ".tiff", ".npy")):
        labelled(neuron, tmp_path / first, spacing=(1, 1, 1))
        assert json.loads((tmp_path / "x.json").read_text())["spacing"] == [1, 1, 1]
    else:
        refused(label(neuron, f"{tmp_path}/{first}"), "is not empty")


@pytest.mark.parametrize("name", ["x.tif", "x.npy", "x.ome.zarr", "x/"])
def test_a_write_that_fails_leaves_nothing(tmp_path, neuron, name):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    result = label(
        neuron, f"{tmp_path}/{name}", shape=(8, 300, 300), preexec_fn=limit, restore_signals=False)
    refused(result, "cannot write", "File too large", code=1)
    assert os.listdir(tmp_path) == ["cell.swc"]


@pytest.mark.parametrize("name", ["x.tif", "x.zarr", "x/"])
def test_interrupted(tmp_path, name):
    """Ctrl-C in the middle of a long job ends it, with nothing left behind."""
    swc = tmp_path / "cell.swc"
    swc.write_text(neurons.grown(size=(900, 900, 280)))
    process = subprocess.Popen(
        [binary(), "label", str(swc), "--shape", "8000,8000,1000", "--variant", "distance", "--clip", "10", "-o",
         f"{tmp_path}/{name}"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        wait_until(lambda: len(os.listdir(tmp_path)) > 1, what="output")
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert "interrupted" in process.stderr.read()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stderr.close()
    assert os.listdir(tmp_path) == ["cell.swc"]


@pytest.mark.unsanitized(reason="reserves terabytes of address space for its shadow, and this test limits that to 1 GB")
def test_memory_is_bounded_and_background_takes_no_disk(tmp_path):
    """A volume of 40 GB."""
    swc = tmp_path / "cell.swc"
    swc.write_text(neurons.grown())
    gigabyte = 1 << 30
    result = label(
        swc, tmp_path / "x.tif", shape=(400, 10000, 10000), force=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (gigabyte, gigabyte)))
    assert result.returncode == 0, result.stderr
    status = os.stat(tmp_path / "x.tif")
    assert status.st_size > 40e9
    assert status.st_blocks * 512 < 2e9
    voxels = tifffile.memmap(tmp_path / "x.tif", mode="r")
    start, shape = (60, 560, 440), (16, 200, 240)
    window = voxels[tuple(slice(s, s + n) for s, n in zip(start, shape))]
    assert np.array_equal(window, brute.label_window(swc.read_bytes(), start, shape)) and window.any()
    # pytest keeps its folders.
    os.unlink(tmp_path / "x.tif")


# Progress


def test_progress_on_a_terminal(tmp_path):
    swc = tmp_path / "cell.swc"
    swc.write_text(neurons.grown(size=(200, 200, 60)))
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
    command = [binary(), "label", str(swc), "--shape", "1800,1800,220", "--variant", "distance", "--clip", "2.5", "-o",
               str(tmp_path / "x.npy")]
    try:
        process = subprocess.Popen(command, stderr=slave, stdout=subprocess.DEVNULL)
        os.close(slave)
        text = b""
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:  # EIO: the other end is closed
                break
            if not part:
                break
            text += part
        assert process.wait(120) == 0
    finally:
        os.close(master)
    pictures = text.decode().split("\r")
    bars = [picture for picture in pictures if "planes" in picture]
    assert bars and all(bar.startswith("[") and "/220 planes, " in bar and " left" in bar for bar in bars)
    assert all(len(bar.replace("\x1b[K", "")) < 90 for bar in bars)
    assert pictures[-1] == "\x1b[K", "the bar is taken away at the end"


def test_quiet(tmp_path, neuron):
    result = label(neuron, tmp_path / "x.npy", options=["--quiet"])
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    result = label(neuron, tmp_path / "x.npy")
    assert result.stdout.startswith(f"{tmp_path}/x.npy: 14 x 40 x 46 (z, y, x) voxels, variant classes")
