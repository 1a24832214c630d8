"""What a user can plant in a cache directory for root: links, second names and FIFOs, for each name and each command.

Root must not change, lengthen, own or make anything outside, and must not hang.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from harness import PATIENCE, binary, is_mounted, wait_until
from other_user import AS_USER, UID, Namespace

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be misled by another user")

TREASURE = b"root's own\n" * 20
# Files that commands or the mount open in a cache directory, and directories on the way to blocks.
NAMES = ["pins", "pins.lock", "removals", "lock", "neuronfs.log"]
KINDS = ["link", "dangling", "hard", "fifo"]
COMMANDS = {
    "pin": ["pin", "11"], "unpin": ["unpin", "11"], "clear": ["clear", "--yes"], "prune": ["prune", "--to", "0"],
    "verify": ["verify", "--quiet"], "status": ["status", "--specimens"],
}
DIGEST = "0123456789abcdef0123456789abcdef"


class Trap:
    """A cache directory of the user with one block (a damaged one), and a file and a folder of root beside it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="neuronfs-planted-"))
        self.folder.chmod(0o755)
        self.cache = self.folder / "theirs" / "cache"
        self.safe = self.folder / "safe"
        self.safe.mkdir(mode=0o700)
        self.treasure = self.safe / "treasure"
        self.treasure.write_bytes(TREASURE)
        os.utime(self.treasure, (1_600_000_000, 1_600_000_000))
        self.block = self.cache / "blocks-V1" / DIGEST[:2] / DIGEST[2:]
        self.block.parent.mkdir(parents=True)
        self.block.write_bytes(b"no block")
        self.give(self.folder / "theirs")
        self.before = self.look()

    @staticmethod
    def give(path):
        for place in [path, *path.rglob("*")]:
            os.chown(place, UID, UID)

    def plant(self, name, kind):
        path = self.cache / name
        path.unlink(missing_ok=True)
        if kind == "link":
            path.symlink_to(self.treasure)
        elif kind == "dangling":
            path.symlink_to(self.safe / "new")
        elif kind == "hard":
            os.link(self.treasure, path)
            self.before = self.look()
        else:
            os.mkfifo(path)
        if kind != "hard":
            os.lchown(path, UID, UID)

    def look(self):
        """All that a command could change of root's: bytes, owner, mode, times, names."""
        status = self.treasure.stat()
        return (self.treasure.read_bytes(), status.st_uid, status.st_gid, status.st_mode, status.st_mtime,
                sorted(os.listdir(self.safe)))

    def run(self, *arguments, **options):
        return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=60 * PATIENCE,
                              **options)

    def cache_command(self, name):
        return self.run("cache", *COMMANDS[name], "--cache-dir", self.cache)


def told(name, kind, result):
    """Whether the sentence names the file. With the user's rights root's file cannot be opened under its second name."""
    return name in result.stderr and ("; remove " in result.stderr or kind == "hard" and "Permission denied" in result.stderr)


@pytest.fixture
def trap():
    trap = Trap()
    yield trap
    shutil.rmtree(trap.folder)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_a_planted_file_and_a_command_of_root(trap, name, kind, command):
    trap.plant(name, kind)
    result = trap.cache_command(command)
    assert trap.look() == trap.before
    assert "Fatal" not in result.stderr
    # What root has made there is the user's.
    assert {path.lstat().st_uid for path in trap.cache.rglob("*") if path.name != name} == {UID}
    # A command that needs the file says which one it is.
    needed = {"pins": {"status", "clear", "prune", "pin", "unpin"}, "pins.lock": {"pin", "unpin"}}
    if command in needed.get(name, ()):
        assert result.returncode == 1
        assert told(name, kind, result), result.stderr


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["blocks-V1", f"blocks-V1/{DIGEST[:2]}"])
def test_a_planted_link_in_place_of_a_directory(trap, name, command):
    """Root's folder looks like a folder of blocks: none of its files may be removed."""
    inside = trap.safe / DIGEST[:2] if name == "blocks-V1" else trap.safe
    inside.mkdir(exist_ok=True)
    (inside / DIGEST[2:]).write_bytes(b"root's own")
    trap.before = trap.look()
    shutil.rmtree(trap.cache / name)
    (trap.cache / name).symlink_to(trap.safe)
    os.lchown(trap.cache / name, UID, UID)
    result = trap.cache_command(command)
    assert trap.look() == trap.before
    assert (inside / DIGEST[2:]).read_bytes() == b"root's own"
    if command not in ("pin", "unpin"):
        assert result.returncode == 1 and "symbolic link" in result.stderr


@pytest.mark.parametrize("kind", ["link", "hard", "fifo"])
def test_a_planted_block_is_not_read_into(trap, kind):
    trap.plant(trap.block.relative_to(trap.cache), kind)
    result = trap.cache_command("verify")
    assert result.returncode == 1 and "1 unreadable and left" in result.stdout
    assert trap.look() == trap.before


def test_root_clears_and_pins_in_the_cache_of_a_user(trap):
    """What is no trap works, and leaves the user's files to the user."""
    assert "removed 1 blocks" in trap.cache_command("clear").stdout
    assert trap.cache_command("pin").returncode == 0
    made = {path.name: path.lstat() for path in trap.cache.iterdir()}
    assert {"pins", "pins.lock", "removals"} <= set(made)
    assert {status.st_uid for status in made.values()} == {UID}
    assert (trap.cache / "pins").read_text() == "11\n"
    mine = subprocess.run([*AS_USER, "cat", trap.cache / "pins"], capture_output=True, text=True)
    assert mine.stdout == "11\n"


def test_a_link_of_a_user_does_not_lead_root_to_a_directory_of_root(trap):
    target = trap.safe / "private"
    target.mkdir()
    before = sorted(os.listdir(trap.safe))
    link = trap.folder / "theirs" / "link"
    link.symlink_to(target)
    os.lchown(link, UID, UID)
    result = trap.run("cache", "pin", "11", "--cache-dir", link)
    assert result.returncode == 1 and f"a symbolic link of user {UID} leads to it" in result.stderr
    assert os.listdir(target) == [] and sorted(os.listdir(trap.safe)) == before


# Mounts


def mount(trap, origin, *options):
    # Where the user cannot go.
    path = trap.safe / "mnt"
    path.mkdir(exist_ok=True)
    trap.before = trap.look()
    try:
        return trap.run("mount", path, "--endpoint", origin.url, "--cache-dir", trap.cache, *options)
    finally:
        if is_mounted(path):
            assert trap.run("umount", path).returncode == 0


def test_a_mount_of_root_refuses_the_cache_of_a_user_unless_told(trap, origin):
    before = sorted(os.listdir(trap.cache))
    for options in ([], ["--foreground"], ["--uid", "0"], ["--uid", str(UID - 1)]):
        result = mount(trap, origin, *options)
        assert result.returncode == 2, result.stderr
        assert f"belongs to user {UID}" in result.stderr and f"--uid {UID}" in result.stderr
        assert sorted(os.listdir(trap.cache)) == before


def test_a_mount_of_root_for_a_user_leaves_the_files_to_the_user(trap, origin):
    result = mount(trap, origin, "--uid", UID)
    assert result.returncode == 0, result.stderr
    # It also ends by itself, on a signal, where the user cannot unmount.
    path = trap.safe / "mnt"
    process = subprocess.Popen([binary(), "mount", path, "--endpoint", origin.url, "--cache-dir", trap.cache, "--uid",
                                str(UID), "--foreground"], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_mounted(path) and os.listdir(path), what="the mount")
        process.terminate()
        assert process.wait(20 * PATIENCE) == 0
        assert not is_mounted(path)
    finally:
        process.kill()
        process.wait()
    found = {path.name: path.lstat().st_uid for path in trap.cache.iterdir()}
    assert {"lock", "neuronfs.log"} <= set(found) and any("catalogue" in name for name in found)
    assert set(found.values()) == {UID}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [*NAMES, "catalogue", "catalogue-wal", "catalogue-shm", "catalogue-journal"])
def test_a_planted_file_and_a_mount_of_root(trap, origin, name, kind):
    if name.startswith("catalogue"):
        # The name of the database is learnt from one that was made.
        assert mount(trap, origin, "--uid", UID).returncode == 0
        made = next(path.name for path in trap.cache.glob("catalogue*") if not path.name.endswith(("-wal", "-shm")))
        name = name.replace("catalogue", made)
    trap.plant(name, kind)
    for options in ([], ["--uid", UID]):
        result = mount(trap, origin, *options)
        assert trap.look() == trap.before
        assert {path.lstat().st_uid for path in trap.cache.rglob("*") if path.name != name} == {UID}
    # A lock that may not be written is that of a read-only cache, which is served.
    if (name, kind) != ("lock", "hard") and (name in ("lock", "neuronfs.log") or name.startswith("catalogue")):
        assert result.returncode == 1
        assert told(name, kind, result), result.stderr


# Whose word names a directory


def test_the_status_of_a_users_mount_does_not_name_a_directory_for_root(origin):
    """A user's mount says where its cache is; root, told to pin a path in it, would write there."""
    with Namespace() as user:
        path = user.folder / "mnt"
        with open(user.folder / "fuse.conf", "w") as conf:
            conf.write("user_allow_other\n")
        result = user.run("mount", path, "--allow-other", "--endpoint", origin.url, "--cache-dir", user.folder / "cache")
        assert result.returncode == 0, result.stderr
        try:
            document = json.loads(user.read(path / ".neuronfs" / "status.json", user=False))
            assert document["cache"]["directory"] == str(user.folder / "cache")
            for verb in ("pin", "unpin"):
                result = user.run("cache", verb, path / "mouse" / "900000112", user=False)
                assert result.returncode == 2
                assert f"mounted by user {UID}" in result.stderr and "--cache-dir" in result.stderr
            assert not (user.folder / "cache" / "pins").exists()
            result = user.run("cache", "pin", path / "mouse" / "900000112", "--cache-dir", user.folder / "cache", user=False)
            assert result.returncode == 0, result.stderr
            assert (user.folder / "cache" / "pins").stat().st_uid == UID
            assert user.run("cache", "unpin", path / "mouse" / "900000112").returncode == 0
        finally:
            assert user.run("umount", path).returncode == 0
