"""A wrong clock and a limit on threads for the program under test, set and changed while it runs (preload.c)."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest


class Preload:
    """`environment` is for the program; `clock` and `threads` change what it sees from then on."""

    def __init__(self):
        compiler = shutil.which("cc") or shutil.which("clang")
        if compiler is None:
            pytest.skip("no C compiler here")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="neuronfs-preload-"))
        library = self.folder / "preload.so"
        source = pathlib.Path(__file__).with_name("preload.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source, "-ldl"], check=True)
        self.environment = {
            "LD_PRELOAD": str(library), "PRELOAD_CLOCK": str(self.folder / "clock"),
            "PRELOAD_THREADS": str(self.folder / "threads")}

    def clock(self, seconds):
        """The wall clock is ahead by `seconds` from now on."""
        self._write("clock", seconds)

    def threads(self, count):
        """A process may have `count` threads besides its first from now on; those that it has stay."""
        self._write("threads", count)

    def _write(self, name, number):
        # Renamed, because it is read at any moment.
        (self.folder / "next").write_text(str(int(number)))
        os.replace(self.folder / "next", self.folder / name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)
