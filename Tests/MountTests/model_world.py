"""The world of the model, crash and soak tests: an origin behind a fault proxy, a folder beside it, and the truth as a
directory."""

import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse

import harness
import reliability
import two_sources
from fault_proxy import FaultProxy
from recorded_origin import RecordedOrigin

READER = pathlib.Path(__file__).with_name("model_reader.py")
# What HEAD tells of a picture is all that is known until the picture is read (test_faults): these do not lie to HEAD.
LIES = {fault: {"only": "bytes"} for fault in ("long_length", "short_length", "jpeg_size")}
PLANES = ("0000.tif", "0001.tif", "0017.tif", "0018.tif")
# The plane that may change, and the one whose pixels it then has.
CHANGING, ITS_OTHER = "stack/0001.tif", "stack/0018.tif"


class ModelWorld:
    """Reads a part of the tree once through a mount without faults; what it then says is the truth."""

    def __init__(self, origin_url, more_planes=0):
        """`more_planes` of each of the two stacks beyond PLANES: more than fits in the daemon's memory."""
        self.more_planes = more_planes
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="neuronfs-test-model-"))
        self.truth = self.folder / "truth"
        self.sources = two_sources.TwoSources(self.folder)
        self.recorded = RecordedOrigin(origin_url)
        self.proxy = FaultProxy(self.recorded.url).start()
        try:
            with self.mount(self.folder / "truth-cache") as mount:
                self._copy(mount)
                assert self.sources.read(mount)[0] == "right"
        except BaseException:
            self.close()
            raise
        shutil.rmtree(self.folder / "truth-cache")

    def mount(self, cache, options=(), **arguments):
        """A mount of the origin behind the proxy and of the folder, which is not started."""
        return self.sources.mount(self.proxy.url, options, cache=cache, **arguments)

    def _copy(self, mount):
        cells = [f"mouse/{cell}" for cell in reliability.trainable(mount)[:2]]
        bare = next(cell for cell in sorted(os.listdir(mount / "mouse"))
                    if not (mount / "mouse" / cell / "stack").exists())
        files = ["README.txt", "CITATION.txt", "cells.csv", "cells.json", f"mouse/{bare}/meta.json"]
        folders = ["", "mouse", "human", "trainable", "trainable/mouse", "by-layer", "splits", f"mouse/{bare}"]
        for cell in cells:
            folders += [cell, f"{cell}/stack", f"{cell}/labels", f"{cell}/projections", f"{cell}/labels-instance"]
            files += [f"{cell}/{name}" for name in ("meta.json", "skeleton.swc", "ephys.nwb", "labels-instance.json")]
            files += [f"{cell}/{folder}/{plane}" for folder in ("stack", "labels") for plane in PLANES]
            files += [f"{cell}/stack/{index:04}.tif" for index in range(30, 30 + self.more_planes)]
            files += [f"{cell}/labels-instance/{PLANES[2]}", f"{cell}/projections/min_xy.jpg"]
            for group in ("stack.ome.zarr", "labels.ome.zarr"):
                if (mount / cell / group).is_dir():
                    folders.append(f"{cell}/{group}")
                    files += [f"{cell}/{group}/{name}" for name in sorted(os.listdir(mount / cell / group))
                              if (mount / cell / group / name).is_file()]
            if (mount / cell / "skeleton.marker").exists():
                files.append(f"{cell}/skeleton.marker")
        own = two_sources.CELL
        folders += [two_sources.NAME, f"trainable/{two_sources.NAME}", own, f"{own}/stack", f"{own}/labels"]
        files += [f"{own}/{name}" for name in (
            "meta.json", "skeleton.swc", "stack.npy", "stack/0001.tif", "labels.npy", "stack.ome.zarr/0/1/0/0")]
        for name in files:
            target = self.truth / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((mount / name).read_bytes())
        listing = {folder: sorted(os.listdir(mount / folder)) for folder in folders}
        (self.truth / "listing.json").write_text(json.dumps(listing))
        self.files = files
        self._make_version(mount, cells[0])

    def _make_version(self, mount, cell):
        """Another version of one plane, in the folder `versions`: its own header, and the pixels of another one."""
        self.changing = f"{cell}/{CHANGING}"
        _, height, width = json.loads((self.truth / cell / "meta.json").read_text())["stack"]["shape"]
        old, other = ((self.truth / cell / name).read_bytes() for name in (CHANGING, ITS_OTHER))
        header = len(old) - height * width
        self.versions = self.folder / "versions"
        target = self.versions / self.changing
        target.parent.mkdir(parents=True)
        target.write_bytes(old[:header] + other[header:])
        old, new = (self._picture(mount / cell / name) for name in (CHANGING, ITS_OTHER))
        self.change = {"match": re.escape(old), "old": re.escape(old), "new": new}

    def _picture(self, plane):
        """What the origin calls the picture of a plane: where the way to its tiles leads."""
        url = urllib.parse.urlsplit(os.getxattr(plane, "user.neuronfs.url").decode())
        connection = http.client.HTTPConnection(url.netloc, timeout=60)
        try:
            connection.request("GET", f"{url.path}?{url.query}")
            location = connection.getresponse().getheader("Location")
        finally:
            connection.close()
        return urllib.parse.parse_qs(urllib.parse.urlsplit(location).query)["path"][0]

    def reader(self, mount, seed, *options):
        """Starts a process that reads at random and compares."""
        return subprocess.Popen(
            [sys.executable, str(READER), str(mount.path), str(self.truth), "--seed", str(seed), "--sure", two_sources.NAME,
             *map(str, options)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def readable(self, mount):
        """The pages that a mount offline can give of all files: every byte that is cached has been compared.

        Fails for a wrong byte, and for any error but ENETDOWN.
        """
        def check(name):
            pages = reliability.right_pages(mount / name, (self.truth / name).read_bytes(), splits=True)
            return {(name, offset) for offset in pages}
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return set().union(*pool.map(check, self.files))

    def compare_whole(self, mount):
        """Reads every file from its first byte to its last."""
        for name in self.files:
            if name != self.changing:
                assert (mount / name).read_bytes() == (self.truth / name).read_bytes(), name

        def is_one_version():
            got, code = reliability.outcome((mount / self.changing).read_bytes)
            assert code in (None, "ESTALE"), code
            return code is None and got in [(folder / self.changing).read_bytes() for folder in (self.truth, self.versions)]
        harness.wait_until(is_one_version, 60, "the plane that changed, whole")

    def close(self):
        self.proxy.stop()
        self.recorded.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def kill_after(mount, served, readers):
    """kill -9 once `served` bytes have been handed out, or when every reader has ended: a moment of the work, not of
    the clock, so that it is as random on a slow machine. Returns the metrics of just before."""
    page = {}

    def is_time():
        page.update(reliability.metrics(mount))
        return page["served_bytes_total"] > served or all(reader.poll() is not None for reader in readers)
    harness.wait_until(is_time, 120, "the moment of the kill")
    mount.kill()
    return page


def finish(process, seconds):
    """The report of a reader, or None when it had to be ended; a wrong answer fails."""
    try:
        output, errors = process.communicate(timeout=seconds * harness.PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError(f"a reader was still busy after {seconds * harness.PATIENCE} s") from None
    if process.returncode == -signal.SIGBUS:
        return None
    assert output, f"a reader ended with {process.returncode}: {errors}"
    report = json.loads(output)
    assert not report["wrong"], report
    assert report["longest_sure"][0] <= two_sources.QUICKLY * harness.PATIENCE, report
    assert process.returncode == 0, errors
    return report


def end_all(processes):
    """Leaves no reader behind, whatever happened."""
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()
