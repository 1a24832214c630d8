"""A user without rights, and a view of the machine in which that user may or may not open /dev/fuse."""

import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

from harness import PATIENCE, binary

UID = 65534
AS_USER = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]


def private_namespace(kept=""):
    """The words before a command that runs in a mount namespace of its own, of the NeuronFS mounts with that on `kept` alone."""
    script = pathlib.Path(__file__).with_name("alone_in_namespace.py")
    return ["unshare", "--mount", "--propagation", "private", sys.executable, str(script), str(kept)]


class Namespace:
    """A mount namespace of its own, so that what is changed here no other process of the machine sees: a /dev/fuse of
    mode `device`, an /etc/fuse.conf of our own, and all that is mounted in it."""

    def __init__(self, device=0o666, fuse_conf="# nothing\n"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="neuronfs-user-"))
        self.folder.chmod(0o777)
        node = self.folder / "fuse"
        os.mknod(node, 0o600 | stat.S_IFCHR, os.makedev(10, 229))
        node.chmod(device)
        conf = self.folder / "fuse.conf"
        conf.write_text(fuse_conf)
        conf.chmod(0o644)
        self.program = self._reachable(binary())
        script = f"mount --bind {node} /dev/fuse && mount --bind {conf} /etc/fuse.conf && echo ready && exec sleep infinity"
        self.holder = subprocess.Popen([*private_namespace(), "sh", "-c", script], stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "ready\n"
        self.enter = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "--"]

    def _reachable(self, program):
        """The binary, or a copy of it where the user may start it."""
        if subprocess.run([*AS_USER, program, "--version"], capture_output=True).returncode == 0:
            return program
        shutil.copy(program, self.folder / "neuronfs")
        return str(self.folder / "neuronfs")

    def command(self, *arguments, user=True):
        """What starts neuronfs here, as the user or as root."""
        return [*self.shell(user), self.program, *map(str, arguments)]

    def shell(self, user=True):
        return self.enter + (AS_USER if user else [])

    def run(self, *arguments, user=True, **options):
        environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(self.folder)}
        return subprocess.run(self.command(*arguments, user=user), capture_output=True, text=True, env=environment,
                              timeout=120 * PATIENCE, **options)

    def read(self, path, user=True):
        """The bytes of a file as somebody in here reads them."""
        return subprocess.run([*self.shell(user), "cat", str(path)], capture_output=True, check=True).stdout

    def is_mounted(self, path):
        with open(f"/proc/{self.holder.pid}/mountinfo") as table:
            return any(line.split(" ")[4] == str(path) for line in table)

    def close(self):
        for path in [line.split(" ")[4] for line in open(f"/proc/{self.holder.pid}/mountinfo")
                     if " - fuse.neuronfs " in line and str(self.folder) in line]:
            subprocess.run([*self.enter, "umount", "-l", path], check=True)
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
