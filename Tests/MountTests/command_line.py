"""The commands as a user runs them, with and without a terminal, and what they leave on disk, found without them."""

import fcntl
import hashlib
import json
import os
import pathlib
import pty
import select
import signal
import struct
import subprocess
import termios

import pytest

from harness import binary

# For a command that gives up while a thread of it waits in the kernel.
STOPS = pytest.mark.unsanitized(reason="LeakSanitizer stops every thread at the end of a program, also one that cannot stop")


def run(*arguments, environment=None, **options):
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=300,
                          env=dict(os.environ, **(environment or {})), **options)


def ok(*arguments, **options):
    result = run(*arguments, **options)
    assert result.returncode == 0, f"{arguments}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def on_terminal(*arguments, answer=None):
    """Runs with a terminal for all three streams. Returns the exit code and what was written."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 80, 0, 0))
        os.execv(binary(), [binary(), *map(str, arguments)])
    text = b""
    try:
        while True:
            if not select.select([terminal], [], [], 300)[0]:
                raise AssertionError(f"silent for too long after {text!r}")
            try:
                part = os.read(terminal, 65536)
            except OSError:  # EIO: the other end is closed
                break
            if not part:
                break
            text += part
            if answer and b"[y/N]" in text:
                os.write(terminal, answer.encode() + b"\n")
                answer = None
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text.decode()
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(terminal)


def cache_status(cache, *options):
    return json.loads(ok("cache", "status", "--json", "--cache-dir", cache, *options))


def blocks(cache):
    """The block files, found without the program."""
    return sorted(path for path in pathlib.Path(cache).glob("blocks-V*/??/*") if path.is_file())


def disk_bytes(cache):
    return sum((path.stat().st_size + 4095) // 4096 * 4096 for path in blocks(cache))


def cells(mount):
    """Folders of trainable mouse cells."""
    folder = mount / "trainable" / "mouse"
    return [mount / "mouse" / name for name in sorted(os.listdir(folder))]


def planes(cell, count, first=0):
    return [cell / "stack" / name for name in sorted(os.listdir(cell / "stack"))[first:first + count]]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def requests(mount):
    return mount.status()["network"]["requests"]
