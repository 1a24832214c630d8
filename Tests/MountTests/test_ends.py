"""Nothing ends a mount without a word, and a start that is to end ends: signals, crashes, threads, a disk that hangs."""

import contextlib
import ctypes
import errno
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time

import pytest

import harness
from command_line import run
from harness import Mount, alive, binary, is_mounted, wait_until
from preload import Preload
from test_commands import one_sentence

# Whose default action ends a process (signal(7)); 32 and 33 are the C library's own.
ENDING = [number for number in range(1, 65) if number not in (
    signal.SIGKILL, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT, signal.SIGCHLD,
    signal.SIGURG, signal.SIGWINCH, 32, 33)]
POLITE = [signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGXCPU]
CRASHES = [signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS]
IGNORED = [number for number in ENDING if number not in [*POLITE, *CRASHES, signal.SIGUSR1]]


@pytest.fixture
def preload():
    with Preload() as preload:
        yield preload


# Signals


def test_every_signal_is_decided_on(demo):
    """Each that would end a process is blocked, ignored or caught, whatever the C library calls it."""
    fields = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{demo.pid}/status").read_text().splitlines()
                  if line.startswith("Sig"))
    masks = [int(fields[name], 16) for name in ("SigBlk", "SigIgn", "SigCgt")]
    undecided = [number for number in ENDING if not any(mask >> (number - 1) & 1 for mask in masks)]
    assert undecided == []


def test_signals_without_a_meaning_end_nothing(demo, trainable):
    for number in IGNORED:
        os.kill(demo.pid, number)
    time.sleep(0.2)
    assert alive(demo.pid)
    assert (trainable / "skeleton.swc").read_bytes()


@pytest.mark.parametrize("number", POLITE)
def test_a_signal_that_ends_a_mount_is_named_in_the_log(origin_url, number):
    with Mount(origin_url) as mount:
        os.kill(mount.pid, number)
        wait_until(lambda: not alive(mount.pid), what="end of the daemon")
        assert not is_mounted(mount.path)
        # SIGQUIT and SIGXCPU are handed on.
        name = "SIGTERM" if number in (signal.SIGQUIT, signal.SIGXCPU) else signal.Signals(number).name
        lines = [line for line in mount.log_text().splitlines() if "a signal ends the mount" in line]
        assert len(lines) == 1 and f"signal={name}" in lines[0]


def thread(pid, name):
    """The number of the thread of this name."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        # Others may end meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if (task / "comm").read_text().strip() == name:
                return int(task.name)
    raise LookupError(name)


@pytest.mark.unsanitized(reason="a sanitizer has handlers of its own, and its report is held for a finding")
@pytest.mark.parametrize("number", CRASHES)
def test_a_crash_leaves_a_trace_in_the_log(origin_url, number):
    with Mount(origin_url, options=["--log-level", "error"]) as mount:
        # Linux may give a signal for the process to an idle thread of libfuse, whose calls have none of the program.
        assert ctypes.CDLL(None).tgkill(mount.pid, thread(mount.pid, "transport"), number) == 0
        wait_until(lambda: not alive(mount.pid), what="end of the daemon")
        lines = mount.log_text().splitlines()
        heads = [index for index, line in enumerate(lines) if " critical crash " in line]
        assert len(heads) == 1, lines
        head = lines[heads[0]]
        assert f"ends by {signal.Signals(number).name} " in head and f"sender={os.getpid()}" in head and "thread=" in head
        assert head[:10] == time.strftime("%Y-%m-%d", time.gmtime())
        # What addr2line needs: places within the program.
        program = pathlib.Path(binary()).resolve().name
        assert sum(f"{program}(+0x" in line for line in lines[heads[0] + 1:]) >= 2, lines


def test_a_crash_ends_by_its_signal(origin_url, tmp_path):
    process = subprocess.Popen([binary(), "mount", tmp_path / "mnt", "--endpoint", origin_url, "--foreground", "--cache-dir",
                                tmp_path / "cache"], stderr=subprocess.DEVNULL, preexec_fn=no_core)
    try:
        wait_until(lambda: is_mounted(tmp_path / "mnt"), what="mount")
        process.send_signal(signal.SIGABRT)
        assert process.wait(20 * harness.PATIENCE) == -signal.SIGABRT
    finally:
        process.kill()
        process.wait()
        subprocess.run(["umount", "-l", tmp_path / "mnt"], check=True)


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# Threads


def test_a_start_without_enough_threads_says_so(origin_url, preload, tmp_path):
    """However many there may be, there is a mount or a sentence."""
    codes = []
    for count in (*range(0, 16, 3), *range(16, 100)):
        preload.threads(count)
        path = tmp_path / f"mnt{count}"
        mount = Mount(origin_url, path=path, environment=preload.environment)
        try:
            result = mount.start(check=False)
            codes.append(result.returncode)
            if result.returncode == 0:
                break
            assert result.returncode == 1
            sentence = one_sentence(result)
            assert "thread" in sentence and "ulimit -u" in sentence, sentence
            assert not is_mounted(path)
            assert "Fatal" not in mount.log_text()
        finally:
            mount.clean()
    assert codes[-1] == 0 and len(codes) > 6, codes


def test_a_mount_lives_on_when_it_can_make_no_more_threads(preload, tmp_path):
    """Also through an outage and to its end."""
    with harness.Origin() as origin:
        options = ["--connect-timeout", "0.5", "--retries", "0", "--timeout", "10"]
        with Mount(origin.url, options=options, environment=preload.environment) as mount:
            preload.threads(0)
            folder = mount / "trainable" / "mouse"
            names = sorted(os.listdir(folder))
            known = (folder / names[0] / "skeleton.swc").read_bytes()
            assert known
            origin.stop()
            for name in names[1:5]:
                with pytest.raises(OSError) as caught:
                    (folder / name / "stack" / "0010.tif").read_bytes()
                assert caught.value.errno in (errno.EIO, errno.ENETDOWN, errno.ETIMEDOUT)
            assert (folder / names[0] / "skeleton.swc").read_bytes() == known
            assert alive(mount.pid)
            assert "each read goes on asking it" in mount.log_text()
            ended = mount.umount()
            assert ended.returncode == 0, ended.stderr
            assert not alive(mount.pid)


def test_commands_that_like_threads_do_without(demo, trainable, preload):
    preload.threads(0)
    status = run("status", demo.path, environment=preload.environment)
    assert status.returncode == 0 and str(demo.path) in status.stdout
    result = run("prefetch", trainable, environment=preload.environment)
    assert result.returncode == 1 and "ulimit -u" in one_sentence(result)


# A disk that hangs


@pytest.fixture
def hung(origin_url):
    """A folder of a file system that does not answer."""
    with Mount(origin_url) as mount:
        os.kill(mount.pid, signal.SIGSTOP)
        try:
            yield mount / "new"
        finally:
            os.kill(mount.pid, signal.SIGCONT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("options", [[], ["--foreground"]], ids=["background", "foreground"])
def test_a_start_that_is_stuck_on_its_disk_ends_on_a_signal(hung, origin_url, tmp_path, options, number):
    process = subprocess.Popen([binary(), "mount", tmp_path / "mnt", "--endpoint", origin_url, "--cache-dir", hung,
                                "--log-file", tmp_path / "log", *options], stderr=subprocess.PIPE, text=True)
    try:
        def daemon():
            """The process that is to be the mount, once it waits for the disk."""
            for folder in pathlib.Path("/proc").iterdir():
                try:
                    words = (folder / "cmdline").read_bytes()
                    threads = len(os.listdir(folder / "task"))
                except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
                    continue
                if b"--foreground" in words and str(tmp_path / "mnt").encode() in words and threads > 1:
                    return int(folder.name)
            return None
        if options:
            pid = wait_until(daemon, what="start of the daemon")
        else:
            # Root looks whose the directory is before it starts the daemon.
            pid = process.pid
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(number)
        if options:
            assert process.wait(10 * harness.PATIENCE) == 130
            assert "stopped before the mount was up" in process.stderr.read()
        else:
            assert process.wait(10 * harness.PATIENCE) in (130, -number)
        assert not alive(pid) and daemon() is None
        assert not is_mounted(tmp_path / "mnt")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_log_on_a_disk_that_hangs_does_not_hold_ctrl_c(hung, origin_url, tmp_path):
    process = subprocess.Popen([binary(), "mount", tmp_path / "mnt", "--endpoint", origin_url, "--cache-dir",
                                tmp_path / "cache", "--log-file", hung / "log"], stderr=subprocess.PIPE)
    try:
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(10 * harness.PATIENCE) in (130, -signal.SIGINT)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


# Files that may not be longer


@pytest.mark.parametrize("name", ["x.tif", "x.npy", "x.ome.zarr", "x/"])
def test_label_says_that_its_file_would_be_too_long(demo, trainable, tmp_path, name):
    shutil.copy(trainable / "skeleton.swc", tmp_path / "cell.swc")
    command = [binary(), "label", tmp_path / "cell.swc", "--shape", "1000,1000,200", "--force", "-o", f"{tmp_path}/{name}"]
    # 16 KiB, and the action of SIGXFSZ as a shell leaves it.
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, preexec_fn=lambda: (
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL), resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))))
    assert result.returncode == 1, result
    sentence = one_sentence(result)
    assert "File too large" in sentence and "ulimit -f" in sentence
    assert os.listdir(tmp_path) == ["cell.swc"]


def test_a_mount_outlives_the_limit_on_the_size_of_files(origin_url):
    """Its blocks cannot be kept, nor its log written: it serves all the same."""
    with Mount(origin_url) as mount:
        folder = mount / "trainable" / "mouse"
        names = sorted(os.listdir(folder))
        resource.prlimit(mount.pid, resource.RLIMIT_FSIZE, (4096, 4096))
        for name in names[:3]:
            assert (folder / name / "skeleton.swc").read_bytes()
            assert (folder / name / "stack" / "0010.tif").read_bytes()
        assert alive(mount.pid)
        assert mount.status()["cache"]["write_failures"] > 0
