"""Runs a command in this mount namespace without the NeuronFS mounts that were copied into it, but for the one on KEPT:
they would outlive their unmounting elsewhere until this namespace ends. By umount2(2), because umount(8) looks at the mount
point first, and some mounts of the tests do not answer.

Usage: unshare --mount --propagation private python alone_in_namespace.py KEPT COMMAND [ARGUMENT...]"""

import ctypes
import os
import sys

MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8

kept, *command = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
with open("/proc/self/mountinfo") as table:
    mounts = [line.split(" ")[4] for line in table if " - fuse.neuronfs " in line]
for mount in reversed(mounts):
    if mount != kept and libc.umount2(mount.encode(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0:
        sys.exit(f"cannot detach {mount}: {os.strerror(ctypes.get_errno())}")
os.execvp(command[0], command)
