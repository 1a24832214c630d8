"""Processes that read an object while a fault lasts, and are killed."""

import subprocess
import sys
import time

READER = """
import os, sys
path, way = sys.argv[1:]
print("begin", flush=True)
if way == "names":
    os.listdir(path)
elif way == "size":
    os.stat(path)
else:
    os.pread(os.open(path, os.O_RDONLY), 4096, int(way))
"""


def killed(path, way, meanwhile):
    """The longest time in seconds from SIGKILL to the end of a process, of two that read `path`.

    The later one is killed first, while the other waits. `way` is "names", "size", or the offset of a page. `meanwhile` is
    called while both wait.
    """
    processes = [subprocess.Popen([sys.executable, "-I", "-S", "-c", READER, path, way], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        for process in processes:
            assert process.stdout.readline() == b"begin\n"
        # Until both wait; when the fault ends one of them sooner, nothing is lost.
        time.sleep(0.3)
        meanwhile()
        return max(_kill(process) for process in reversed(processes))
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _kill(process):
    begin = time.monotonic()
    process.kill()
    process.wait()
    return time.monotonic() - begin
