"""Mounts that are refused, stopped half-way, stuck, or somebody else's: one true sentence, and nothing left behind."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import pytest

import harness
from command_line import STOPS
from gate import Gate
from harness import Mount, alive, binary, is_mounted, wait_until
from other_user import UID, Namespace
from test_commands import one_sentence, run


@pytest.fixture(scope="module")
def user():
    """A machine on which everybody may open /dev/fuse and nobody may let others in."""
    with Namespace() as space:
        yield space


@pytest.fixture
def place(user):
    """A folder that the user may write."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=user.folder))
    folder.chmod(0o777)
    return folder


@contextlib.contextmanager
def user_mount(user, origin, place):
    """A mount of the user, whose status only the user can read."""
    path = place / "mnt"
    result = user.run("mount", path, "--endpoint", origin.url, "--cache-dir", place / "cache")
    assert result.returncode == 0, result.stderr
    pid = json.loads(user.read(path / ".neuronfs" / "status.json"))["pid"]
    try:
        yield path, pid
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGCONT)
        if user.is_mounted(path):
            user.run("umount", path)
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


# Refused mounts


def test_allow_other_that_is_not_permitted_is_told_beforehand(user, origin, place):
    result = user.run("mount", place / "mnt", "--allow-other", "--endpoint", origin.url, "--cache-dir", place / "cache")
    assert result.returncode == 2
    sentence = one_sentence(result)
    assert "user_allow_other" in sentence and "/etc/fuse.conf" in sentence
    assert not (place / "cache").exists()


def test_allow_other_that_is_permitted(origin):
    with Namespace(fuse_conf="# as an administrator writes it\n  user_allow_other  # for the lab\n") as user:
        path = user.folder / "mnt"
        result = user.run("mount", path, "--allow-other", "--endpoint", origin.url, "--cache-dir", user.folder / "cache")
        assert result.returncode == 0, result.stderr
        assert user.read(path / "README.txt", user=False)
        assert user.run("umount", path).returncode == 0


@pytest.mark.parametrize("foreground", [[], ["--foreground"]])
def test_a_directory_of_somebody_else(user, origin, place, foreground):
    theirs = place / "theirs"
    theirs.mkdir(mode=0o755)
    result = user.run("mount", theirs, *foreground, "--endpoint", origin.url, "--cache-dir", place / "cache")
    assert result.returncode == 1
    sentence = one_sentence(result)
    assert f"could not mount on {theirs}" in sentence and "no write access" in sentence
    assert not user.is_mounted(theirs)


def test_a_device_that_may_not_be_opened(origin):
    with Namespace(device=0o600) as user:
        result = user.run("mount", user.folder / "mnt", "--endpoint", origin.url, "--cache-dir", user.folder / "cache")
        assert result.returncode == 1
        assert "/dev/fuse cannot be opened: Permission denied" in one_sentence(result)


def test_root_without_the_capability(origin, tmp_path):
    command = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", binary(), "mount", tmp_path / "mnt",
               "--endpoint", origin.url, "--cache-dir", tmp_path / "cache"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1
    sentence = one_sentence(result)
    assert "Operation not permitted" in sentence and "--cap-add SYS_ADMIN" in sentence
    assert not is_mounted(tmp_path / "mnt")


def test_another_user_reads_a_mount_that_lets_others_in(user, origin, place):
    """One mount by root for everybody on a shared machine; without the option the same read is refused."""
    path = place / "mnt"
    for options, expected in (["--allow-other"], 0), ([], 1):
        result = user.run("mount", path, *options, "--endpoint", origin.url, "--cache-dir", place / "cache", user=False)
        assert result.returncode == 0, result.stderr
        plane = path / "mouse" / "900000112" / "stack" / "0005.tif"
        read = subprocess.run([*user.shell(), "cat", plane], capture_output=True)
        assert (read.returncode != 0) == expected, read.stderr
        if expected == 0:
            assert read.stdout[:4] == b"II*\0" and read.stdout == user.read(plane, user=False)
            assert str(path) in user.run("status").stdout
        else:
            assert b"Permission denied" in read.stderr
        assert user.run("umount", path, user=False).returncode == 0


# Where a mount is made


@pytest.mark.parametrize("word", ["missing/cells", "./missing/./cells/", "missing/no/../cells", "link/cells"])
def test_a_relative_path_below_what_is_missing(origin, tmp_path, word):
    (tmp_path / "aim").mkdir()
    (tmp_path / "link").symlink_to("aim")
    path = tmp_path / ("aim" if word.startswith("link") else "missing") / "cells"
    result = run("mount", word, "--endpoint", origin.url, "--cache-dir", tmp_path / "cache", cwd=tmp_path)
    try:
        assert result.returncode == 0, result.stderr
        assert is_mounted(path)
        assert not is_mounted("/missing/cells")
        assert run("umount", word, cwd=tmp_path).returncode == 0
    finally:
        for left in (path, pathlib.Path("/missing/cells")):
            if is_mounted(left):
                subprocess.run(["umount", "-l", left], check=True)
        for left in ("/missing/cells", "/missing"):
            if os.path.isdir(left):
                os.rmdir(left)


# Signals during the start


def starting(gate, folder, *options):
    """A mount that waits for the list of cells."""
    gate.hold("ApiCellTypesSpecimenDetail")
    process = subprocess.Popen([binary(), "mount", folder / "mnt", "--endpoint", gate.url, "--cache-dir", folder / "cache",
                                "--log-file", folder / "log", *options], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: gate.active > 0, what="request for the list of cells")
    return process


@pytest.mark.parametrize("options", [["--foreground"], []])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_start_of_a_mount(origin, tmp_path, number, options):
    with Gate(origin.url) as gate:
        process = starting(gate, tmp_path, *options)
        try:
            process.send_signal(number)
            assert process.wait(10 * harness.PATIENCE) == 130
            assert "stopped before the mount was up" in process.stderr.read()
            assert not is_mounted(tmp_path / "mnt")
            # The daemon is gone: the cache can be had at once, and nothing is mounted later.
            gate.release()
            with Mount(origin.url, cache=tmp_path / "cache"):
                assert not is_mounted(tmp_path / "mnt")
        finally:
            gate.release()
            process.kill()
            process.wait()
            process.stderr.close()
            if is_mounted(tmp_path / "mnt"):
                subprocess.run(["umount", "-l", tmp_path / "mnt"], check=True)


def test_a_signal_at_any_moment_of_the_start_leaves_no_dead_mount(origin, tmp_path):
    """The moments around the mount itself are hit by trying many."""
    cache = tmp_path / "cache"
    with Mount(origin.url, cache=cache):
        pass
    codes = set()
    for step in range(16):
        path = tmp_path / f"mnt{step}"
        process = subprocess.Popen([binary(), "mount", path, "--endpoint", origin.url, "--foreground", "--cache-dir", cache],
                                   stderr=subprocess.PIPE, text=True)
        time.sleep(0.06 + 0.02 * step)
        process.send_signal(signal.SIGTERM)
        try:
            codes.add(process.wait(20 * harness.PATIENCE))
            assert not is_mounted(path)
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
            if is_mounted(path):
                subprocess.run(["umount", "-l", path], check=True)
    # -15: before the program had blocked the signal.
    assert codes <= {0, 130, -signal.SIGTERM}


# Mounts that do not answer


@pytest.fixture
def silent(origin):
    """A mount whose process is stopped, and goes on afterwards so that it can end."""
    with Mount(origin.url) as mount:
        os.kill(mount.pid, signal.SIGSTOP)
        try:
            yield mount
        finally:
            if alive(mount.pid):
                os.kill(mount.pid, signal.SIGCONT)


@STOPS
def test_a_silent_mount_is_told_within_seconds(silent, origin, tmp_path):
    with Mount(origin.url) as healthy:
        result = run("status")
        assert result.returncode == 0
        assert f"does not answer: neuronfs umount {silent.path}" in result.stdout
        assert str(healthy.cache) in result.stdout
        result = run("doctor", silent.path, "--cache-dir", silent.cache, "--endpoint", origin.url)
        assert result.returncode == 1
        lines = result.stdout.splitlines()
        found = next(i for i, line in enumerate(lines) if line.startswith("bad") and str(silent.path) in line)
        assert "does not answer" in lines[found]
        assert lines[found + 1].strip() == f"-> kill -9 {silent.pid}; neuronfs umount {silent.path}"
        link = tmp_path / "link"
        link.symlink_to(silent.path / "mouse" / "900000112")
        commands = (["mount", silent.path, "--endpoint", origin.url, "--cache-dir", tmp_path], ["find", silent.path],
                    ["sync", silent.path], ["prefetch", silent.path / "mouse"], ["cache", "pin", link],
                    ["cache", "unpin", silent.path / "splits" / "train"])
        # Side by side: each waits for some seconds.
        with concurrent.futures.ThreadPoolExecutor(len(commands)) as pool:
            results = list(pool.map(lambda words: run(*words), commands))
        for words, result in zip(commands, results):
            assert result.returncode == 1, words
            assert "does not answer" in one_sentence(result)
        status = json.loads(run("cache", "status", "--json", "--cache-dir", healthy.cache).stdout)
        assert status["mount_point"] == str(healthy.path)


def test_a_link_behind_a_mount_is_followed_where_the_path_leaves_it(origin, tmp_path):
    """Links inside a mount are left unread: it may not answer. Behind `..` the path is outside again."""
    with Mount(origin.url) as mount:
        (tmp_path / "link").symlink_to(mount.path)
        through = f"{mount.path}/{os.path.relpath(tmp_path / 'link', mount.path)}"
        assert through.startswith(f"{mount.path}/..")
        assert [one["pid"] for one in json.loads(run("status", "--json", through).stdout)] == [mount.pid]


@STOPS
def test_umount_of_a_silent_mount(silent):
    result = run("umount", silent.path)
    # Not 0: its cache is not free.
    assert result.returncode == 1
    assert "did not answer" in result.stderr and f"kill -9 {silent.pid}" in result.stderr
    assert not is_mounted(silent.path)
    # What waits in vain no longer holds it: told to go on, it ends by itself.
    os.kill(silent.pid, signal.SIGCONT)
    wait_until(lambda: not alive(silent.pid), what="end of the daemon")


# Mounts of somebody else


def test_root_sees_whose_a_mount_is(user, origin, place):
    with user_mount(user, origin, place) as (path, _):
        result = user.run("status", path, user=False)
        assert result.returncode == 0
        assert "dead" not in result.stdout and f"mounted by user {UID} without --allow-other" in result.stdout
        assert f"by user {UID}" in json.loads(user.run("status", path, "--json", user=False).stdout)[0]["state"]
        assert f"note {path} was mounted by user {UID} without --allow-other" in user.run("doctor", path, user=False).stdout
        assert "900000112" in user.run("find", path).stdout


def test_root_waits_for_the_process_of_a_user(user, origin, place):
    with user_mount(user, origin, place) as (path, pid):
        assert user.run("umount", path, user=False).returncode == 0
        assert not alive(pid)
        assert not user.is_mounted(path)


def test_a_user_and_a_mount_of_root(user, origin, place):
    path = place / "mnt"
    result = user.run("mount", path, "--endpoint", origin.url, "--cache-dir", place / "cache", user=False)
    assert result.returncode == 0, result.stderr
    shown = user.run("status", path).stdout
    assert "dead" not in shown and "mounted by root without --allow-other" in shown
    result = user.run("umount", path)
    assert result.returncode == 2
    assert one_sentence(result) == f"neuronfs: {path} was mounted by root: only they can unmount it"
    assert user.is_mounted(path)
    assert user.run("umount", path, user=False).returncode == 0


@STOPS
def test_a_busy_mount_of_a_user_says_who(user, origin, place):
    with user_mount(user, origin, place) as (path, _):
        holder = subprocess.Popen([*user.shell(), "tail", "-f", path / "README.txt"], stdout=subprocess.PIPE)
        try:
            assert holder.stdout.read(1)
            result = user.run("umount", path)
            assert result.returncode == 1
            assert "is busy: it is in use by tail" in one_sentence(result)
        finally:
            holder.kill()
            holder.wait()
            holder.stdout.close()
        os.kill(json.loads(user.read(path / ".neuronfs" / "status.json"))["pid"], signal.SIGSTOP)
        result = user.run("umount", path)
        assert result.returncode == 1 and "did not answer" in result.stderr
        assert not user.is_mounted(path)


# Numbers that cannot be


@pytest.mark.parametrize("number", ["inf", "nan", "1e12", "1e30", "-1"])
def test_seconds_that_cannot_be(tmp_path, number):
    for words in (["sync", tmp_path, f"--timeout={number}"], ["serve-demo", f"--latency={number}"]):
        result = run(*words)
        assert result.returncode == 64, words
        assert "is 0 to 86400 seconds" in result.stderr


def test_a_shape_that_cannot_be(tmp_path):
    (tmp_path / "a.swc").write_text("1 1 5 5 1 1 -1\n")
    most = str((1 << 63) - 1)
    result = run("label", tmp_path / "a.swc", "--shape", f"{most},{most},{most}", "--level", "3", "--force", "-o",
                 tmp_path / "a.tif")
    assert result.returncode == 64
    assert "--shape is three numbers" in result.stderr


@pytest.mark.parametrize("node", ["1 1 NaN NaN NaN 3 -1", "1 1 5 5 1e300 3 -1", "1 1 1e30 -1e30 1e30 3 -1",
                                  "1 1 5 5 1e9 3 -1", "1 1 -1e9 5 5 3 -1"])
def test_preview_of_a_soma_that_is_nowhere(tmp_path, node):
    """Of files as a mount has them, because a mount gives no labels for such a skeleton."""
    depth, height, width = 7, 40, 50
    meta = {"stack": {"shape": [depth, height, width], "voxel_spacing_um": [0.28, 0.1144, 0.1144],
                      "offset_in_full_frame_px": [1, 1]}}
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    (tmp_path / "skeleton.swc").write_text(f"# a skeleton\n{node}\n")
    for series in ("stack", "labels"):
        (tmp_path / series).mkdir()
        for index in range(depth):
            (tmp_path / series / f"{index:04d}.tif").write_bytes(b"II*\0" + bytes([index]) * (height * width))
    result = run("preview", tmp_path, "-o", tmp_path / "picture.png", "--size", "16")
    assert result.returncode == 0, result.stderr
    plane = int(result.stdout.split("plane ")[1].split(",")[0])
    depth_of_soma = float(node.split()[4])
    assert plane == (6 if depth_of_soma in (5.0, 1e9) else 3)
