"""The network goes, comes back, or is not to be used: what is cached reads on, the rest fails at once and by name.

And a file that changes upstream: a handle sees one version or ESTALE, a new open sees the new bytes.
"""

import errno
import os
import pathlib

import pytest

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
    assert not proxy.requests


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


def test_a_plane_that_changes_is_never_mixed(proxy, tmp_path):
    """One tile of a plane arrives as of another version: the handle reads one version or ESTALE, a new one recovers."""
    with mount_of(proxy, cache=tmp_path / "cache") as mount:
        cell = cells(mount)[0]
        truth = (mount / cell / "stack" / "0004.tif").read_bytes()
        other = (mount / cell / "stack" / "0006.tif").read_bytes()
    with mount_of(proxy, cache=tmp_path / "other") as mount:
        path = mount / cell / "stack" / "0004.tif"
        pages = range(0, len(truth), 64 << 10)
        with open(path, "rb", buffering=0) as handle:
            os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            assert os.pread(handle.fileno(), 4096, 8192) == truth[8192:8192 + 4096]
            # The same pixels under another version: what tells them apart is the validator alone.
            proxy.add("cgi-bin/imageservice", "change_etag", count=1, alter=False)
            codes = set()
            for offset in pages:
                got, code = reliability.outcome(lambda: os.pread(handle.fileno(), 4096, offset))
                codes.add(code)
                assert code in (None, "ESTALE"), code
                assert code or got == truth[offset:offset + 4096]
            assert "ESTALE" in codes
        reliability.wait_until_idle(mount)

        def reads_right():
            got, code = reliability.outcome(path.read_bytes)
            assert code in (None, "ESTALE"), code
            assert code or got == truth
            return not code
        harness.wait_until(reads_right, 60, "a new open after the change")
        assert (mount / cell / "stack" / "0006.tif").read_bytes() == other
        assert reliability.metrics(mount)["cache_corrupt_total"] == 0
