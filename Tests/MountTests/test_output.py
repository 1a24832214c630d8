"""What commands take in and give out beside their work: bytes that are not UTF-8, streams that are closed or full, pipes in
place of files."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios

import pytest

import harness
from command_line import run
from harness import Mount, binary, is_mounted
from test_commands import one_sentence

LATIN = b"caf\xe9"


@pytest.fixture(autouse=True)
def no_mount_is_left(tmp_path):
    """Here a mount that should have been refused would stay."""
    yield
    harness.unmount_below(tmp_path)


def test_arguments_that_are_not_utf8_are_refused(origin, tmp_path):
    """They were repaired into the name of another file: mounted there, or written there."""
    folder = os.fsencode(tmp_path) + b"/" + LATIN
    cases = [[b"mount", folder, b"--endpoint", origin.url.encode(), b"--cache-dir", os.fsencode(tmp_path / "cache")],
             [b"umount", folder], [b"status", folder], [b"find", b"--line", LATIN], [b"prefetch", folder],
             [b"cache", b"status", b"--cache-dir", folder], [b"preview", folder, b"-o", b"x.png"],
             [b"label", folder + b".swc", b"--shape", b"4,4,4", b"-o", folder + b".tif"], [LATIN]]
    before = sorted(os.listdir(os.fsencode(tmp_path)))
    for words in cases:
        result = run_bytes(words, cwd=tmp_path)
        assert result.returncode == 64, words
        assert "caf\\xE9" in one_sentence(result) and "is not UTF-8" in result.stderr
    assert sorted(os.listdir(os.fsencode(tmp_path))) == before


def run_bytes(words, **options):
    result = subprocess.run([os.fsencode(binary()), *words], capture_output=True, timeout=120, **options)
    return subprocess.CompletedProcess(words, result.returncode, result.stdout.decode(), result.stderr.decode())


def test_variables_and_directories_that_are_not_utf8_are_refused(origin, tmp_path):
    folder = os.fsencode(tmp_path) + b"/" + LATIN
    os.mkdir(folder)
    os.symlink(LATIN, tmp_path / "link")
    environment = {**os.environb, b"NEURONFS_CACHE_DIR": folder}
    result = run_bytes([b"cache", b"status"], env=environment)
    assert result.returncode == 64 and "NEURONFS_CACHE_DIR" in one_sentence(result)
    options = [b"--endpoint", origin.url.encode(), b"--cache-dir", os.fsencode(tmp_path / "cache")]
    for words, place in [([b"mount", b"cells", *options], folder), ([b"mount", b"link/cells", *options], tmp_path)]:
        result = run_bytes(words, cwd=place)
        assert result.returncode == 2 and "not UTF-8" in one_sentence(result)
    assert os.listdir(folder) == []
    assert len(os.listdir(os.fsencode(tmp_path))) == 2, "a directory with the repaired name"


@pytest.fixture
def printing(demo, tmp_path):
    """Commands that print something each, by their names."""
    (tmp_path / "cell.swc").write_text("1 1 2 2 2 1 -1\n2 3 4 2 2 1 1\n")
    cell = sorted(os.listdir(demo / "trainable" / "mouse"))[0]
    cache = ["--cache-dir", demo.cache]
    return {
        "help": ["--help"], "version": ["--version"], "help of a command": ["help", "find"],
        "completion": ["--generate-completion-script", "bash"], "find": ["find", demo.path],
        "find paths": ["find", demo.path, "--paths"], "status": ["status", demo.path],
        "status json": ["status", demo.path, "--json"], "cache status": ["cache", "status", *cache],
        "cache verify": ["cache", "verify", *cache], "cache prune": ["cache", "prune", "--to", "10G", *cache],
        "sync": ["sync", demo.path], "doctor": ["doctor", demo.path],
        "prefetch": ["prefetch", demo / "mouse" / cell / "meta.json"],
        "preview": ["preview", demo / "mouse" / cell, "--size", "64", "-o", tmp_path / "x.png"],
        "label": ["label", tmp_path / "cell.swc", "--shape", "64,64,16", "-o", tmp_path / "x.tif"],
        "serve-demo": ["serve-demo"],
    }


NAMES = ["help", "version", "help of a command", "completion", "find", "find paths", "status", "status json", "cache status",
         "cache verify", "cache prune", "sync", "doctor", "prefetch", "preview", "label", "serve-demo"]


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_behind_standard_output_is_an_error(printing, name):
    with open("/dev/full", "w") as full:
        result = subprocess.run([binary(), *map(str, printing[name])], stdout=full, stderr=subprocess.PIPE, text=True,
                                timeout=120 * harness.PATIENCE)
    assert result.returncode == 1
    assert "neuronfs: cannot write to standard output: No space left on device" in result.stderr


@pytest.mark.parametrize("name", NAMES[:-1])
def test_a_closed_standard_output_is_an_error_and_no_file_takes_its_number(printing, name):
    result = subprocess.run([binary(), *map(str, printing[name])], preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE,
                            text=True, timeout=120 * harness.PATIENCE)
    assert result.returncode == 1
    assert "neuronfs: cannot write to standard output: Bad file descriptor" in result.stderr


@pytest.mark.parametrize("name", NAMES[:-1])
@pytest.mark.parametrize("ignored", [False, True], ids=["", "ignored"])
def test_a_closed_pipe_stays_quiet(printing, name, ignored):
    """As in `neuronfs find | head -n 1`; also where the shell ignores SIGPIPE."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        result = subprocess.run([binary(), *map(str, printing[name])], stdout=writer, stderr=subprocess.PIPE, text=True,
                                restore_signals=not ignored, timeout=120 * harness.PATIENCE)
    finally:
        os.close(writer)
    assert "standard output" not in result.stderr and "Broken pipe" not in result.stderr
    # The doctor of a machine where something does not work ends with 1 by itself.
    assert result.returncode in (0, -signal.SIGPIPE, *([1] if name == "doctor" else []))


def test_mount_prints_nothing_and_needs_no_standard_output(origin):
    with Mount(origin.url) as mount:
        assert mount.umount().returncode == 0
        result = subprocess.run(mount.command, preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE, text=True, timeout=150)
        assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("kind", ["pipe", "device", "directory", "large"])
def test_a_configuration_that_is_no_regular_file_is_refused(origin, tmp_path, kind):
    path = tmp_path / "config.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = "/dev/zero"
    elif kind == "directory":
        path.mkdir()
    else:
        path.write_text(" " * (1 << 20) + "{}")
    mount = tmp_path / "mnt"
    reason = "longer than 1048576 bytes" if kind == "large" else "not a regular file"
    for words in (["mount", mount, "--endpoint", origin.url, "--cache-dir", tmp_path / "cache", "--config", path],
                  ["cache", "status", "--config", path]):
        result = run(*words)
        assert result.returncode == 2
        assert str(path) in one_sentence(result) and reason in result.stderr
    result = run("cache", "status", environment={"NEURONFS_CONFIG": str(path)})
    assert result.returncode == 2 and reason in one_sentence(result)
    assert not is_mounted(mount)


def test_preview_reads_and_replaces_regular_files_alone(trainable, tmp_path):
    os.mkfifo(tmp_path / "meta.json")
    result = run("preview", tmp_path, "-o", tmp_path / "x.png")
    assert result.returncode == 2 and "not a regular file" in one_sentence(result)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (pipe, tmp_path):
        result = run("preview", trainable, "-o", place, "--size", "64")
        assert result.returncode == 2 and "no regular file" in one_sentence(result)
    assert pipe.is_fifo()


def test_label_waits_for_no_pipe_in_place_of_its_report(tmp_path):
    (tmp_path / "cell.swc").write_text("1 1 2 2 2 1 -1\n2 3 4 2 2 1 1\n")
    os.mkfifo(tmp_path / "x.json")
    result = run("label", tmp_path / "cell.swc", "--shape", "64,64,16", "-o", tmp_path / "x.tif")
    assert result.returncode == 2 and "x.json exists and cannot be read: it is not a regular file" in one_sentence(result)
    assert not (tmp_path / "x.tif").exists()


def test_preview_draws_on_a_terminal_alone(trainable, tmp_path):
    words = [binary(), "preview", str(trainable), "--size", "64", "--terminal", "-o", str(tmp_path / "x.png")]
    result = subprocess.run(words, capture_output=True, timeout=120)
    assert result.returncode == 0 and b"\x1b" not in result.stdout + result.stderr
    assert result.stdout.decode().splitlines()[0].startswith(f"{tmp_path}/x.png: plane ")
    master, terminal = pty.openpty()
    os.set_blocking(master, True)
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 40, 0, 0))
        process = subprocess.Popen(words, stdout=terminal)
        text = b""
        while b"labelled pixels" not in text:
            text += os.read(master, 65536)
        assert process.wait(60) == 0
    finally:
        os.close(terminal)
        os.close(master)
    assert text.count("\u2580".encode()) >= 40
