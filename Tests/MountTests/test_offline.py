"""The network goes, comes back, or is not to be used: what is cached reads on, the rest fails at once and by name.

And a file that changes upstream: a handle sees one version or ESTALE, a new open sees the new bytes.
"""

import errno
import json
import os
import pathlib
import re
import threading
import time

import pytest

import fault_bounds
import harness
import reliability
from fault_proxy import FaultProxy
from recorded_origin import RecordedOrigin

EXTENT = 1 << 20


@pytest.fixture(scope="module")
def recorded(origin):
    with RecordedOrigin(origin.url) as recorded:
        yield recorded


@pytest.fixture
def proxy(recorded):
    with FaultProxy(recorded.url) as proxy:
        yield proxy


def mount_of(proxy, *options, **more):
    return harness.Mount(
        proxy.url, options=["--timeout", "20", *options], environment=reliability.QUICK, **more)


def cells(mount):
    return [pathlib.Path("mouse", cell) for cell in reliability.trainable(mount)]


def drop_blocks(cache, count):
    """Removes the last `count` block files."""
    for path in sorted(reliability.blocks(cache))[:count]:
        os.unlink(path)


def test_offline_serves_what_is_cached_and_names_the_rest(proxy, tmp_path):
    with mount_of(proxy, cache=tmp_path / "cache") as mount:
        first, second = cells(mount)[:2]
        names = [first / "skeleton.swc", first / "stack" / "0003.tif", first / "labels" / "0003.tif",
                 first / "meta.json", pathlib.Path("cells.json")]
        truth = {name: (mount / name).read_bytes() for name in names}
        planes = sorted(os.listdir(mount / first / "stack"))
        reliability.wait_until_idle(mount)
    proxy.clear()
    connections = proxy.connections
    with mount_of(proxy, "--offline", cache=tmp_path / "cache") as mount:
        for name, expected in truth.items():
            assert (mount / name).read_bytes() == expected, name
        assert sorted(os.listdir(mount / first / "stack")) == planes
        # Another plane's pixels, another cell's rows, a size nobody asked for: each ENETDOWN.
        header = (mount / first / "stack" / "0050.tif").open("rb").read(64)
        assert header == truth[first / "stack" / "0003.tif"][:64]
        for action in [lambda: reliability.read_at(mount / first / "stack" / "0050.tif", 1 << 20, 4096),
                       lambda: os.listdir(mount / second / "stack"),
                       lambda: os.stat(mount / second / "skeleton.swc"),
                       lambda: reliability.read_at(mount / first / "ephys.nwb", 0, 4096)]:
            with pytest.raises(OSError) as caught:
                action()
            assert caught.value.errno == errno.ENETDOWN
        assert mount.status()["readers"]["waiting"] == 0
    assert not proxy.requests and proxy.connections == connections


def test_offline_without_a_catalogue_is_refused_with_a_sentence(proxy, tmp_path):
    mount = mount_of(proxy, "--offline", cache=tmp_path / "cache")
    try:
        result = mount.start(check=False)
        assert result.returncode != 0
        assert "offline" in result.stderr and len(result.stderr.strip().split("\n")) == 1
    finally:
        mount.clean()


def test_the_network_goes_and_comes_back(proxy, tmp_path):
    with mount_of(proxy, cache=tmp_path / "cache") as mount:
        first, second = cells(mount)[:2]
        stack = mount / first / "stack"
        names = [first / "skeleton.swc", first / "stack" / "0003.tif", first / "labels" / "0003.tif"]
        truth = {name: (mount / name).read_bytes() for name in names}
        os.stat(mount / first / "ephys.nwb")

        proxy.refuse()
        seen = []
        for index in range(20, 40):
            _, code = reliability.outcome(lambda: reliability.read_at(stack / f"{index:04}.tif", 1 << 20, 4096))
            seen.append(code)
            if code == "ENETDOWN":
                break
        # The first readers find out by trying; from then on it is known.
        assert set(seen[:-1]) <= {"EIO", "ETIMEDOUT"} and seen[-1] == "ENETDOWN", seen
        assert mount.status()["network"]["unreachable"]

        # Refused at once: no connection is tried for them. The prober alone knocks, every second or more rarely.
        for index in range(40, 60):
            _, code = reliability.outcome(lambda: reliability.read_at(stack / f"{index:04}.tif", 1 << 20, 4096))
            assert code == "ENETDOWN", index
        _, code = reliability.outcome(lambda: os.listdir(mount / second / "stack"))
        assert code == "ENETDOWN", "metadata fails as fast as data"
        _, code = reliability.outcome(lambda: reliability.read_at(mount / first / "ephys.nwb", 0, 4096))
        assert code == "ENETDOWN"
        for name, expected in truth.items():
            reliability.forget_pages(mount / name)
            assert (mount / name).read_bytes() == expected, name
        assert "out of reach" in mount.log_text()

        proxy.restore()

        def is_back():
            return reliability.outcome(lambda: reliability.read_at(stack / "0041.tif", 1 << 20, 4096))[1] is None
        harness.wait_until(is_back, 60, "the mount's recovery without a remount")
        assert os.listdir(mount / second / "stack")
        assert not mount.status()["network"]["unreachable"]
        assert "is back" in mount.log_text()
        reliability.wait_until_idle(mount)


# Seconds for twenty reads that are refused. Waiting for the connect time-out, 2 s and four times each, they would take minutes.
AT_ONCE = 5


def read_planes(stack, numbers):
    """What the errno of a page of each plane is."""
    return [reliability.outcome(lambda: reliability.read_at(stack / f"{number:04}.tif", 1 << 20, 4096))[1]
            for number in numbers]


def until_gone(mount, stack):
    harness.wait_until(lambda: read_planes(stack, [20]) == ["ENETDOWN"], 60, "that the host is known to be gone")
    assert mount.status()["network"]["unreachable"]


def test_a_refused_read_makes_no_attempt(proxy, tmp_path):
    """The host accepts again and does not answer: only the prober is seen to ask, and readers are told at once."""
    with mount_of(proxy, "--read-ahead", "0", cache=tmp_path / "cache") as mount:
        stack = mount / cells(mount)[0] / "stack"
        numbers = range(40, 60)
        for number in numbers:
            (stack / f"{number:04}.tif").stat()
        proxy.refuse()
        until_gone(mount, stack)
        proxy.add("", "stall_headers")
        proxy.requests.clear()
        proxy.restore()
        start = time.monotonic()
        assert read_planes(stack, numbers) == ["ENETDOWN"] * 20
        assert time.monotonic() - start < AT_ONCE * harness.PATIENCE
        # The prober repeats one request; it has knocked before the end is looked at.
        harness.wait_until(lambda: proxy.requests, 60, "a knock")
        assert len({request.path for request in list(proxy.requests)}) == 1
        assert mount.status()["network"]["unreachable"]
        proxy.clear()
        harness.wait_until(lambda: read_planes(stack, [40]) == [None], 60, "the mount's recovery without a remount")


def test_a_network_that_swallows_everything(proxy, tmp_path):
    """Connecting is not refused but leads nowhere: an error within the connect time-out, and what is cached reads on."""
    with mount_of(proxy, "--read-ahead", "0", cache=tmp_path / "cache") as mount:
        cell = cells(mount)[0]
        stack = mount / cell / "stack"
        truth = {name: (mount / name).read_bytes() for name in (cell / "skeleton.swc", cell / "stack" / "0003.tif")}
        (stack / "0020.tif").stat()
        reliability.wait_until_idle(mount)
        proxy.blackhole()
        found = []

        def read():
            start = time.monotonic()
            found.append((read_planes(stack, [20])[0], time.monotonic() - start))
        reader = threading.Thread(target=read)
        reader.start()
        rounds = 0
        while reader.is_alive():
            for name, expected in truth.items():
                reliability.forget_pages(mount / name)
                assert (mount / name).read_bytes() == expected, name
            rounds += reader.is_alive()
        reader.join()
        code, seconds = found[0]
        # The page lies in several tiles; when enough of them have given up, the host is held to be gone.
        assert code in ("EIO", "ETIMEDOUT", "ENETDOWN"), code
        assert rounds > 0, "what is cached was read while somebody waited"
        connecting = float(reliability.QUICK["NEURONFS_CONNECT_TIMEOUT"])
        pauses = 7 * float(reliability.QUICK["NEURONFS_BACKOFF_BASE"])
        assert connecting < seconds <= fault_bounds.allowed(
            fault_bounds.PAGE_QUESTIONS * (fault_bounds.ATTEMPTS * connecting + pauses))
        assert re.search("no (connection|reply) within", mount.log_text())
        until_gone(mount, stack)
        start = time.monotonic()
        assert read_planes(stack, range(40, 60)) == ["ENETDOWN"] * 20
        assert time.monotonic() - start < AT_ONCE * harness.PATIENCE
        proxy.restore()
        harness.wait_until(lambda: read_planes(stack, [20]) == [None], 60, "the mount's recovery without a remount")
        assert not mount.status()["network"]["unreachable"]


def test_a_mount_starts_without_the_network(proxy, tmp_path):
    """From the last good catalogue, with what is cached."""
    with mount_of(proxy, cache=tmp_path / "cache") as mount:
        name = cells(mount)[0] / "skeleton.swc"
        truth = (mount / name).read_bytes()
    proxy.refuse()
    with mount_of(proxy, cache=tmp_path / "cache") as mount:
        assert (mount / name).read_bytes() == truth


def changed(data):
    """What the proxy makes of a file it presents as changed."""
    return bytes(255 - byte for byte in data)


def test_a_recording_that_changes_under_an_open_handle(proxy, tmp_path):
    with mount_of(proxy, cache=tmp_path / "cache") as mount:
        path = mount / cells(mount)[0] / "ephys.nwb"
        size = os.stat(path).st_size
        with open(path, "rb", buffering=0) as handle:
            os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            old = os.pread(handle.fileno(), 4096, 0)
            proxy.add("well_known_file_download", "change_etag")
            with pytest.raises(OSError) as caught:
                os.pread(handle.fileno(), 4096, 3 * EXTENT)
            assert caught.value.errno == errno.ESTALE

            # A new open sees the new file, all of it, once the change has been looked at.
            def sees_the_new_file():
                with open(path, "rb", buffering=0) as fresh:
                    return reliability.outcome(lambda: os.pread(fresh.fileno(), 4096, 3 * EXTENT))[1] is None
            harness.wait_until(sees_the_new_file, 60, "a new open after the change")
            fresh = path.read_bytes()
            assert len(fresh) == size
            assert fresh[:4096] == changed(old), "an old block in the new file"
            # The old handle is told so, wherever it reads; it never gets a new byte.
            for offset in (0, EXTENT, 3 * EXTENT, 4 * EXTENT):
                os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                got, code = reliability.outcome(lambda: os.pread(handle.fileno(), 4096, offset))
                assert code == "ESTALE" or (offset == 0 and got == old), offset
        reliability.wait_until_idle(mount)
        proxy.clear()
    with mount_of(proxy, "--offline", cache=tmp_path / "cache") as mount:
        again = mount / "mouse" / path.parent.name / "ephys.nwb"
        assert again.read_bytes() == fresh, "the new version, whole, from the disk"
        assert reliability.metrics(mount)["cache_corrupt_total"] == 0


def test_a_skeleton_that_changes_changes_its_labels(proxy, tmp_path):
    """Labels are made from one version of the skeleton; a skeleton that can no longer be read gives EIO, not old labels."""
    with mount_of(proxy, cache=tmp_path / "cache") as mount:
        cell = cells(mount)[0]
        old = (mount / cell / "skeleton.swc").read_bytes()
        assert (mount / cell / "labels" / "0010.tif").read_bytes()
        reliability.wait_until_idle(mount)
    # A remount that finds neither block nor pages: the version known is old, the file is not.
    drop_blocks(tmp_path / "cache", 1 << 20)
    proxy.add("well_known_file_download", "change_etag")
    with mount_of(proxy, cache=tmp_path / "cache") as mount:
        path = mount / cell / "skeleton.swc"
        states = set()

        def sees_the_new_file():
            got, code = reliability.outcome(path.read_bytes)
            states.add(code)
            return got
        new = harness.wait_until(sees_the_new_file, 60, "the changed skeleton")
        assert new == changed(old)
        assert states <= {None, "ESTALE"}, states
        _, code = reliability.outcome((mount / cell / "labels" / "0010.tif").read_bytes)
        assert code == "EIO", "inverted bytes are no skeleton"


class OneVersion:
    """An open handle of which every byte must be of one and the same of several versions of a file."""

    def __init__(self, path, versions, refusal="ESTALE"):
        self.versions, self.refusal = versions, refusal
        self.file = open(path, "rb", buffering=0)
        os.posix_fadvise(self.file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)

    def read(self, offset):
        """Whether the page could be had; if so it is of a version of which everything read before was, too."""
        got, code = reliability.outcome(lambda: os.pread(self.file.fileno(), 4096, offset))
        assert code in (None, self.refusal), code
        if code:
            return False
        left = {name: data for name, data in self.versions.items() if data[offset:offset + 4096] == got}
        assert left, f"bytes at {offset} that are not of the version {' or '.join(self.versions)}"
        self.versions = left
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


def picture(proxy, plane):
    """The bytes of a plane, and what the origin calls its picture."""
    proxy.requests.clear()
    data = plane.read_bytes()
    names = {match[1] for request in list(proxy.requests) if (match := re.search("imageservice.*path=([^&]+)", request.path))}
    assert len(names) == 1
    return data, names.pop()


def test_a_plane_that_changes_is_never_mixed(proxy, tmp_path):
    """Tiles of a plane arrive as of another version, with other pixels: a handle reads one version or ESTALE."""
    with mount_of(proxy, "--read-ahead", "0", cache=tmp_path / "cache") as mount:
        stack = cells(mount)[0] / "stack"
        names = [f"{number:04}.tif" for number in range(4, 8)]
        pictures = {name: picture(proxy, mount / stack / name) for name in [*names, "0060.tif"]}
        _, height, width = json.loads((mount / stack.parent / "meta.json").read_text())["stack"]["shape"]
    other, other_name = pictures.pop("0060.tif")
    header = len(other) - height * width
    versions = {name: {"old": data, "new": data[:header] + other[header:]} for name, (data, _) in pictures.items()}
    # On every tile some, and of each none that is the same in both versions.
    pages = [offset for offset in range(0, len(other), 64 << 10)
             if all(one["old"][offset:offset + 4096] != one["new"][offset:offset + 4096] for one in versions.values())]
    assert len(pages) > 20
    with mount_of(proxy, "--read-ahead", "0", cache=tmp_path / "other") as mount:
        for seed, name in enumerate(names):
            old = pictures[name][1]
            change = {"match": re.escape(old), "fault": "other_image", "old": re.escape(old), "new": other_name}
            change_once(proxy, change, mount / stack / name, versions[name], pages)
            keep_changing(proxy, change | {"probability": 0.5, "seed": seed}, mount / stack / name, versions[name], pages)
            proxy.clear()
            proxy.add(**change)

            def is_new():
                with OneVersion(mount / stack / name, versions[name]) as handle:
                    return all(handle.read(offset) for offset in pages)
            harness.wait_until(is_new, 60, "one version after the changes")
            proxy.clear()
        assert (mount / stack / "0060.tif").read_bytes() == other
        assert reliability.metrics(mount)["cache_corrupt_total"] == 0
        reliability.wait_until_idle(mount)
    with mount_of(proxy, "--offline", cache=tmp_path / "other") as mount:
        for name in names:
            with OneVersion(mount / stack / name, versions[name], refusal="ENETDOWN") as handle:
                assert any([handle.read(offset) for offset in pages])


def change_once(proxy, change, path, versions, pages):
    """One tile of another version, under a handle that has read of the old one: it gets no byte of the new one."""
    with OneVersion(path, versions) as handle:
        assert handle.read(pages[0]) and list(handle.versions) == ["old"]
        rule = proxy.add(count=1, **change)
        # Not only up to the first refusal: what follows may be had again.
        assert not all([handle.read(offset) for offset in pages])
        assert rule.fired == 1
    proxy.clear()


def keep_changing(proxy, change, path, versions, pages):
    """Every other tile of another version, under handles that come and go."""
    rule = proxy.add(**change)
    for _ in range(4):
        with OneVersion(path, versions) as first, OneVersion(path, versions) as second:
            for ahead, behind in zip(pages, reversed(pages)):
                first.read(ahead)
                second.read(behind)
    assert 0 < rule.fired < rule.seen
