"""Starts and stops the real binary: mounts, origins, and nothing left behind whatever happens."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# How many times longer everything may take: more than 1 on a sanitized binary (scripts/sanitized-test).
PATIENCE = float(os.environ.get("NEURONFS_TEST_PATIENCE", "1"))
# "thread" or "address" when the binary is built with that sanitizer.
SANITIZED = os.environ.get("NEURONFS_SANITIZED", "")


def binary():
    path = os.environ.get("NEURONFS_BINARY")
    if not path:
        for kind in ("release", "debug"):
            candidate = ROOT / ".build" / kind / "neuronfs"
            if candidate.exists():
                path = str(candidate)
                break
    assert path and os.path.exists(path), "build first: make build"
    return path


def real_data():
    """The folder of real Allen files, or None."""
    path = pathlib.Path(os.environ.get("NEURONFS_REAL_DATA", ROOT.parent / "shared" / "allen"))
    return path if (path / "cell_types_specimen_details.csv").exists() else None


def is_mounted(path):
    with open("/proc/self/mountinfo") as table:
        return any(line.split(" ")[4].replace("\\040", " ") == str(path) for line in table)


def unmount_below(folder):
    """Takes away every NeuronFS mount below `folder`, which commands in a test may have made."""
    with open("/proc/self/mountinfo") as table:
        places = [line.split(" ")[4].replace("\\040", " ") for line in table if " fuse.neuronfs " in line]
    for place in places:
        if place.startswith(f"{folder}/"):
            subprocess.run([binary(), "umount", place], capture_output=True, timeout=60 * PATIENCE)
            assert not is_mounted(place), place


def wait_until(condition, seconds=20, what="condition"):
    """Polls, because what is waited for happens in another process. Fails after `seconds`, times PATIENCE."""
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {seconds} s")


class Origin:
    """`neuronfs serve-demo` on a free port."""

    def __init__(self, data=None, latency=None):
        # Beside a sanitized daemon the origin is a release build: it draws every image, which takes seconds otherwise.
        command = [os.environ.get("NEURONFS_ORIGIN_BINARY") or binary(), "serve-demo"]
        if data:
            command += ["--data", str(data)]
        if latency:
            command += ["--latency", str(latency)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), self.url

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Mount:
    """A mount of `endpoint` (or of the demo, without one). The cache outlives a mount when its directory is given."""

    made = []

    def __init__(self, endpoint=None, cache=None, options=(), data=None, path=None, environment=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="neuronfs-test-"))
        self.path = pathlib.Path(path) if path else self.folder / "mnt"
        self.cache = pathlib.Path(cache) if cache else self.folder / "cache"
        self.log = self.folder / "log"
        Mount.made.append(self.path)
        command = [binary()]
        command += ["mount", str(self.path), "--endpoint", endpoint] if endpoint else ["demo", str(self.path)]
        if data:
            command += ["--data", str(data)]
        command += ["--cache-dir", str(self.cache), "--log-file", str(self.log)]
        command += [str(option) for option in options]
        self.command = command
        self.environment = dict(os.environ, **(environment or {}))
        self.pid = None

    def start(self, check=True):
        result = subprocess.run(self.command, capture_output=True, text=True, timeout=150 * PATIENCE, env=self.environment)
        if result.returncode == 0:
            self.pid = self.status()["pid"]
        elif check:
            raise AssertionError(f"{' '.join(self.command)}\n{result.stderr}\n{self.log_text()}")
        return result

    def log_text(self):
        return self.log.read_text() if self.log.exists() else ""

    def status(self):
        return json.loads((self.path / ".neuronfs" / "status.json").read_text())

    def umount(self):
        return subprocess.run([binary(), "umount", str(self.path)], capture_output=True, text=True, timeout=60 * PATIENCE)

    def kill(self):
        """kill -9, then wait until the process is gone. The dead mount stays."""
        os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: not alive(self.pid), what="death of the daemon")

    def clean(self):
        """Removes the mount whatever state it is in, ends the daemon, removes the folder."""
        if is_mounted(self.path):
            result = self.umount()
            if result.returncode != 0:
                subprocess.run(["umount", "-l", str(self.path)], capture_output=True)
        if self.pid and alive(self.pid):
            os.kill(self.pid, signal.SIGKILL)
            wait_until(lambda: not alive(self.pid), what="death of the daemon")
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.clean()
            raise
        return self

    def __exit__(self, *_):
        self.clean()

    def __truediv__(self, name):
        return self.path / name


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        # The latter when it goes between opening and reading.
        return False


def kernel_umount(path):
    """umount(8). Not at once where somebody looks at all mounts of the machine, as `neuronfs status` of another test does."""
    wait_until(lambda: subprocess.run(["umount", path], capture_output=True).returncode == 0, what="umount")
