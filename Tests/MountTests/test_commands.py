"""The command line: readiness, one-sentence errors, clean ends."""

import os
import pathlib
import signal
import subprocess
import threading

import pytest

import harness
from harness import Mount, alive, binary, is_mounted, kernel_umount, wait_until


def run(*arguments, **options):
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=120, **options)


def one_sentence(result):
    """An error is one line that says what is wrong, without a trace."""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("neuronfs: "), result.stderr
    return lines[0]


def test_mount_returns_when_ls_works_and_leaves_nothing(origin):
    with Mount(origin.url) as mount:
        assert {"mouse", "human", "README.txt"} <= set(os.listdir(mount.path))
        pid = mount.pid
        result = mount.umount()
        assert result.returncode == 0, result.stderr
        assert not is_mounted(mount.path)
        assert not alive(pid)


def test_mount_makes_the_directory(origin, tmp_path):
    with Mount(origin.url, path=tmp_path / "new" / "place") as mount:
        assert (mount.path / "mouse").is_dir()


@pytest.mark.parametrize("arguments", [["--cache-size", "many"], ["--no-such-option"], ["--timeout", "0"],
                                       ["--labels", "pink"], ["--endpoint", "ftp://x"]])
def test_bad_option(tmp_path, arguments):
    result = run("mount", tmp_path / "mnt", *arguments)
    assert result.returncode == 64
    assert "Error" in result.stderr
    assert not is_mounted(tmp_path / "mnt")


def test_not_a_directory(origin, tmp_path):
    (tmp_path / "file").write_text("x")
    result = run("mount", tmp_path / "file", "--endpoint", origin.url, "--cache-dir", tmp_path / "cache")
    assert result.returncode == 2
    assert "is not a directory" in one_sentence(result)


def test_busy_mount_point(origin, tmp_path):
    (tmp_path / "mnt").mkdir()
    (tmp_path / "mnt" / "thesis.txt").write_text("x")
    result = run("mount", tmp_path / "mnt", "--endpoint", origin.url, "--cache-dir", tmp_path / "cache")
    assert result.returncode == 2
    assert "not empty" in one_sentence(result)


def test_already_mounted(origin, tmp_path):
    with Mount(origin.url) as mount:
        result = run("mount", mount.path, "--endpoint", origin.url, "--cache-dir", tmp_path / "cache")
        assert result.returncode == 1
        assert "already a NeuronFS mount" in one_sentence(result)
        assert os.listdir(mount.path)


def test_unreachable_and_nothing_cached(tmp_path):
    result = run("mount", tmp_path / "mnt", "--endpoint", "http://127.0.0.1:9", "--cache-dir", tmp_path / "cache",
                 "--timeout", "5")
    assert result.returncode == 1
    sentence = one_sentence(result)
    assert "cannot reach the database at http://127.0.0.1:9" in sentence
    assert not is_mounted(tmp_path / "mnt")


def test_offline_and_nothing_cached(tmp_path):
    result = run("mount", tmp_path / "mnt", "--offline", "--cache-dir", tmp_path / "cache")
    assert result.returncode == 1
    assert "no catalogue is cached" in one_sentence(result)


def test_cache_in_use_names_the_holder(origin, tmp_path):
    with Mount(origin.url) as mount:
        result = run("mount", tmp_path / "mnt", "--endpoint", origin.url, "--cache-dir", mount.cache)
        assert result.returncode == 1
        sentence = one_sentence(result)
        assert str(mount.pid) in sentence and str(mount.path) in sentence


def test_umount_of_a_busy_mount_says_who(origin):
    with Mount(origin.url) as mount:
        with open(mount / "README.txt"):
            result = mount.umount()
            assert result.returncode == 1
            sentence = one_sentence(result)
            assert "is busy" in sentence and str(os.getpid()) in sentence
            assert is_mounted(mount.path)
        assert mount.umount().returncode == 0


def test_umount_waits_for_a_moment_of_use(origin):
    """As `neuronfs status` and `neuronfs cache` use every mount of the machine."""
    with Mount(origin.url) as mount:
        file = open(mount / "README.txt")
        timer = threading.Timer(0.3, file.close)
        timer.start()
        try:
            assert mount.umount().returncode == 0
        finally:
            timer.join()


def test_umount_of_what_is_no_mount(tmp_path):
    result = run("umount", tmp_path)
    assert result.returncode == 2
    assert "nothing is mounted" in one_sentence(result)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_foreground_mount(origin, tmp_path, number):
    path = tmp_path / "mnt"
    process = subprocess.Popen([binary(), "mount", path, "--endpoint", origin.url, "--foreground", "--cache-dir",
                                tmp_path / "cache"], stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: is_mounted(path) and os.path.exists(path / "README.txt"), what="mount")
        process.send_signal(number)
        assert process.wait(20) == 0, process.stderr.read()
        assert not is_mounted(path)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stderr.close()
        if is_mounted(path):
            subprocess.run(["umount", "-l", path], check=True)


def test_kernel_umount_ends_the_daemon(origin):
    with Mount(origin.url) as mount:
        kernel_umount(mount.path)
        wait_until(lambda: not alive(mount.pid), what="end of the daemon")


def test_mount_over_a_dead_mount(origin):
    with Mount(origin.url) as mount:
        mount.kill()
        with pytest.raises(OSError):
            os.listdir(mount.path)
        mount.start()
        assert "mouse" in os.listdir(mount.path)


def test_umount_of_a_dead_mount(origin):
    with Mount(origin.url) as mount:
        mount.kill()
        assert mount.umount().returncode == 0
        assert not is_mounted(mount.path)


def test_status(origin):
    with Mount(origin.url) as mount:
        result = run("status", mount.path)
        assert result.returncode == 0
        assert str(mount.path) in result.stdout
        result = run("status", mount.path, "--json")
        import json
        document = json.loads(result.stdout)[0]
        assert document["mount_point"] == str(mount.path)
        assert document["pid"] == mount.pid


def test_demo_command(tmp_path):
    with Mount(options=[]) as mount:
        cells = os.listdir(mount / "trainable" / "mouse")
        assert cells
        folder = mount / "trainable" / "mouse" / cells[0]
        picture = tmp_path / "preview.png"
        result = run("preview", folder, "-o", picture, "--size", 256)
        assert result.returncode == 0, result.stderr
        from PIL import Image
        image = Image.open(picture)
        assert image.size == (2 * 256 + 4, 256)


def test_preview_of_no_specimen(tmp_path):
    result = run("preview", tmp_path, "-o", tmp_path / "x.png")
    assert result.returncode == 2
    assert "no specimen" in one_sentence(result)
