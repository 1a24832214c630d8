"""umount of a mount that others hold: it says who, and with --lazy the process ends and the cache is free."""

import contextlib
import errno
import json
import os
import pathlib
import signal
import subprocess

import pytest

from command_line import STOPS
from harness import PATIENCE, Mount, alive, binary, is_mounted, wait_until
from other_user import UID, Namespace, private_namespace
from preload import Preload
from test_commands import one_sentence, run

needs_namespaces = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a mount namespace")


@pytest.fixture
def mount(origin):
    with Mount(origin.url) as mount:
        yield mount


@contextlib.contextmanager
def process(*command, **options):
    """A process that says "ready" once it is where it is to be."""
    child = subprocess.Popen([*map(str, command), "sh", "-c", "echo ready && exec sleep 1000"], stdout=subprocess.PIPE,
                             text=True, **options)
    try:
        assert child.stdout.readline() == "ready\n"
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def elsewhere(mount):
    """A process in a mount namespace that has a copy of the mount, and to which unmounting does not spread."""
    return process(*private_namespace(mount.path))


def assert_free(mount):
    """The cache can be had at once: the process is gone, and with it its lock."""
    assert not alive(mount.pid) and not is_mounted(mount.path)
    assert json.loads(run("cache", "status", "--json", "--cache-dir", mount.cache).stdout)["holder"] is None
    assert mount.start().returncode == 0


@needs_namespaces
def test_another_mount_namespace_is_named_and_lazy_ends_the_mount(mount):
    with elsewhere(mount) as holder:
        result = mount.umount()
        assert result.returncode == 1
        sentence = one_sentence(result)
        assert f"sleep (pid {holder.pid}, root, mount namespace with {mount.path})" in sentence
        assert f"process {mount.pid} still runs" in sentence and f"neuronfs umount --lazy {mount.path}" in sentence
        assert alive(mount.pid)
        # What was said holds: nothing is mounted here, and the cache is not free.
        result = mount.umount()
        assert result.returncode == 1 and f"process {mount.pid} of an earlier mount still runs" in one_sentence(result)
        result = run("umount", "--lazy", mount.path)
        assert result.returncode == 0, result.stderr
        assert_free(mount)
        result = mount.umount()
        assert result.returncode == 0, result.stderr


@needs_namespaces
def test_lazy_at_once_in_spite_of_another_mount_namespace(mount):
    with elsewhere(mount) as holder:
        assert run("umount", "--lazy", mount.path).returncode == 0
        assert_free(mount)
        # Inside, the mount is there and dead.
        look = subprocess.run(["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", "ls", mount.path], capture_output=True,
                              text=True)
        assert look.returncode != 0


@needs_namespaces
def test_a_namespace_that_ends_in_time_is_no_obstacle(mount):
    with elsewhere(mount) as holder:
        ending = subprocess.Popen([binary(), "umount", str(mount.path)], stderr=subprocess.PIPE, text=True)
        wait_until(lambda: not is_mounted(mount.path), what="the mount here to go")
        holder.kill()
        assert ending.wait(60 * PATIENCE) == 0, ending.stderr.read()
        ending.stderr.close()
    assert_free(mount)


def test_another_mount_with_the_same_device_number_is_no_obstacle(origin):
    """Linux gives the number of a file system that is gone to the next one, here while the old process takes ten seconds to
    end: libdispatch waits for a thread that it cannot have."""
    with Preload() as preload, Mount(origin.url, environment=preload.environment) as first:
        number = os.stat(first.path).st_dev
        preload.threads(0)
        ending = subprocess.Popen([binary(), "umount", str(first.path)], stderr=subprocess.PIPE, text=True)
        wait_until(lambda: not is_mounted(first.path), what="the mount to go")
        with contextlib.ExitStack() as mounts:
            # Other tests mount as well, and may be first.
            while not any(device(line) == number for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()):
                mounts.enter_context(Mount(origin.url))
            assert ending.poll() is None
            assert ending.wait(60 * PATIENCE) == 0, ending.stderr.read()
        ending.stderr.close()


def device(line):
    """The device number of a line of mountinfo."""
    return os.makedev(*map(int, line.split(" ")[2].split(":")))


@needs_namespaces
def test_a_second_place_of_the_mount_is_named(mount, tmp_path):
    subprocess.run(["mount", "--bind", mount.path, tmp_path], check=True)
    try:
        result = mount.umount()
        assert result.returncode == 1 and f"held by the mount on {tmp_path}" in one_sentence(result)
    finally:
        subprocess.run(["umount", tmp_path], check=True)
    wait_until(lambda: not alive(mount.pid), what="end of the daemon")


@STOPS
def test_a_process_inside_is_named_with_its_user(mount):
    with process(cwd=mount / "mouse") as crawler:
        result = mount.umount()
        assert result.returncode == 1
        sentence = one_sentence(result)
        user = "root" if os.geteuid() == 0 else f"user {os.geteuid()}"
        assert f"sleep (pid {crawler.pid}, {user}, its working directory)" in sentence
        assert f"neuronfs umount --lazy {mount.path}" in sentence
        assert is_mounted(mount.path) and alive(mount.pid) and os.listdir(mount.path)


@STOPS
def test_lazy_ends_a_mount_with_a_crawler_inside(mount):
    folder = os.open(mount / "mouse", os.O_RDONLY)
    try:
        with process(cwd=mount / "mouse"):
            assert run("umount", "--lazy", mount.path).returncode == 0
            with pytest.raises(OSError) as failure:
                os.listdir(folder)
            assert failure.value.errno == errno.ENOTCONN
            assert_free(mount)
    finally:
        os.close(folder)


@STOPS
def test_lazy_ends_a_process_that_is_stopped(mount):
    os.kill(mount.pid, signal.SIGSTOP)
    try:
        assert run("umount", "--lazy", mount.path).returncode == 0
        assert_free(mount)
    finally:
        if alive(mount.pid):
            os.kill(mount.pid, signal.SIGCONT)


@needs_namespaces
def test_a_user_ends_a_mount_in_use(origin):
    with Namespace() as user:
        path = user.folder / "mnt"
        result = user.run("mount", path, "--endpoint", origin.url, "--cache-dir", user.folder / "cache")
        assert result.returncode == 0, result.stderr
        pid = json.loads(user.read(path / ".neuronfs" / "status.json"))["pid"]
        with process(*user.shell(), "env", "-C", path / "mouse"):
            result = user.run("umount", path)
            assert result.returncode == 1 and f", user {UID}, its working directory)" in one_sentence(result)
            result = user.run("umount", "--lazy", path)
            assert result.returncode == 0, result.stderr
            assert not alive(pid) and not user.is_mounted(path)


def test_lazy_of_what_is_not_mounted(tmp_path):
    result = run("umount", "--lazy", tmp_path)
    assert result.returncode == 2 and "nothing is mounted" in one_sentence(result)
