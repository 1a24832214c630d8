"""Every fault an origin can have, on every kind of object: the reader gets right bytes or an errno, never wrong ones.

Each case runs on a mount of its own: the fault strikes once; it strikes for ever; it ends; and after a remount offline
what is on the disk is compared. A folder beside the database is read while the fault lasts. All cases run side by side,
since they mostly wait. `--write-reliability-table` writes the table of docs/RELIABILITY.md from what they showed; without it the table is compared.
"""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import tempfile
import urllib.parse

import pytest

import fault_bounds
import fault_cases
import harness
import reliability
import reliability_table
import two_sources
from fault_bodies import gzip_bomb
from fault_proxy import FaultProxy
from recorded_origin import RecordedOrigin

SIDE_BY_SIDE = 12


class World:
    """The origin of all cases, the true bytes, and catalogues to begin with."""

    def __init__(self, origin_url):
        self.recorded = RecordedOrigin(origin_url)
        self.origin_url = self.recorded.url
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="neuronfs-test-world-"))
        self.sources = two_sources.TwoSources(self.folder)
        self.truth, self.planes = {}, {}
        try:
            with harness.Mount(self.origin_url, cache=self.folder / "cells") as mount:
                self.cells = sorted(os.listdir(mount / "trainable" / "mouse"))[:2]
                self.truth["cells.json"] = (mount / "cells.json").read_bytes()
            with harness.Mount(self.origin_url, cache=self.folder / "rows") as mount:
                ids = []
                for cell in self.cells:
                    url = os.getxattr(mount / "mouse" / cell / "skeleton.swc", "user.neuronfs.url").decode()
                    ids.append(url.rsplit("/", 1)[1])
                    for name in ("stack/0003.tif", "stack/0005.tif", "skeleton.swc", "ephys.nwb",
                                 "projections/min_xy.jpg"):
                        self.truth[f"mouse/{cell}/{name}"] = (mount / "mouse" / cell / name).read_bytes()
                    self.truth[f"mouse/{cell}/stack"] = sorted(os.listdir(mount / "mouse" / cell / "stack"))
                    meta = json.loads((mount / "mouse" / cell / "meta.json").read_text())
                    self.planes[cell] = meta["stack"]["shape"]
                self.skeletons = f"well_known_file_download/({'|'.join(ids)})$"
            # Packed here, so that no case waits for it longer than a reply may take.
            gzip_bomb(fault_cases.BOMB)
        except BaseException:
            self.close()
            raise

    def template(self, item):
        """A cache directory whose catalogue knows what `item` is not about."""
        return self.folder / ("cells" if item in ("rows of a cell", "size of a file") else "rows")

    def row_offset(self, name, row):
        """A page of a plane that holds nothing but pixels of `row` and the next ones."""
        _, height, width = self.planes[name.split("/")[1]]
        header = len(self.truth[name]) - height * width
        return -(-(header + row * width) // 4096) * 4096

    def close(self):
        self.recorded.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def results(origin):
    world = World(origin.url)
    try:
        with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            futures = {case: pool.submit(fault_cases.run, world, *case) for case in fault_cases.CASES}
            found = {case: future.result() for case, future in futures.items()}
        for case, result in found.items():
            # Beside eleven others a mount may get no processor for longer than its time-outs. Wrong bytes are never excused.
            if fault_cases.is_starved(result):
                print(f"once more, by itself: {result}")
                found[case] = fault_cases.run(world, *case)
        yield found
    finally:
        world.close()


@pytest.mark.parametrize("fault,item", fault_cases.CASES, ids=[f"{i}-{f}" for f, i in fault_cases.CASES])
def test_fault(results, fault, item):
    result = results[fault, item]
    print(result)
    assert not result.crash
    assert "WRONG" not in (result.once, result.ever, result.cached_during, result.recovered)
    assert result.beside == "right", "the folder beside the database, while the fault lasts"
    assert result.beside_seconds <= two_sources.QUICKLY * harness.PATIENCE, "at once"
    assert not result.beside_kept, "nothing of the folder in the cache"
    assert result.once_fired == 1, "the fault that strikes once has struck"
    assert result.ever_fired >= fault_cases.least_fired(fault, item), "the fault that stays has met what was tried again"
    assert (result.once, result.ever) == fault_cases.expected(fault, item), "what the reader sees"
    once, ever = fault_cases.bounds(fault, item)
    assert result.once_seconds <= fault_bounds.allowed(once), "within what time"
    assert result.ever_seconds <= fault_bounds.allowed(ever), "within what time"
    assert result.cached_during == "right", "what was cached, while the fault lasts"
    assert result.recovered == "right", "without a remount"
    assert result.offline == "right", "every byte on disk, after a remount"
    assert result.offline_requests == 0
    if "Retry-After" in fault:
        assert result.once_pause >= 0.99, "the server asked for a second"
    assert result.corrupt == 0
    assert result.killed_seconds <= harness.PATIENCE, "SIGKILL ends a waiting process within a second"
    assert result.timed_out == 0, "every fault has an end of its own, before the deadline that bounds them all"
    assert result.kept_blocks <= 3 or fault == "200 for a range", "of a page on four tiles, one of them bad"
    if item != "image tile" and result.ever != "right":
        assert result.kept_blocks == 0


def test_table(results, request):
    """docs/RELIABILITY.md says what these tests have shown."""
    table = reliability_table.render(results.values())
    if request.config.getoption("--write-reliability-table"):
        reliability_table.write(table)
    written = reliability_table.read()
    assert reliability_table.without_counts(written) == reliability_table.without_counts(table), "make reliability-table"


def told_falsely(origin, tmp_path, name, *faults):
    """A mount that was told a false length of `name` by replies with `faults`: (mount, its path of the file, its bytes)."""
    stack = contextlib.ExitStack()
    with stack:
        proxy = stack.enter_context(FaultProxy(origin.url))
        with harness.Mount(proxy.url, cache=tmp_path / "before") as mount:
            path = mount / "trainable" / "mouse" / reliability.trainable(mount)[0] / name
            url, truth = os.getxattr(path, "user.neuronfs.url").decode(), path.read_bytes()
        place = path.relative_to(mount.path)
        mount = stack.enter_context(harness.Mount(proxy.url, cache=tmp_path / "cache"))
        target = "imageservice" if name.endswith(".jpg") else re.escape(urllib.parse.urlsplit(url).path)
        for fault in faults:
            proxy.add(target, fault, only="size", count=1)
        false = (mount / place).stat().st_size
        proxy.clear()
        assert false != len(truth)
        return stack.pop_all(), mount / place, truth


def heals(path, truth):
    """Never a wrong or a missing byte; and the true length without a remount."""
    got, code = reliability.outcome(path.read_bytes)
    assert code in ("EIO", "ESTALE") or got == truth, code
    harness.wait_until(lambda: path.stat().st_size == len(truth), 30, "the true length")
    assert path.read_bytes() == truth


def test_a_false_length_of_a_picture_is_found_out(origin, tmp_path):
    """A picture made on request has no parts that could prove its length: reading it does, and counts it."""
    stack, path, truth = told_falsely(origin, tmp_path, "projections/min_xy.jpg", "long_length")
    with stack:
        assert path.stat().st_size == len(truth) + 1000
        heals(path, truth)


@pytest.mark.parametrize("fault", ["short_length", "long_length"])
def test_a_false_length_of_a_file_is_found_out(origin, tmp_path, fault):
    """A server that has no ranges at first and answers HEAD carelessly: the file is never given short."""
    stack, path, truth = told_falsely(origin, tmp_path, "ephys.nwb", "ignore_range", fault)
    with stack:
        heals(path, truth)
