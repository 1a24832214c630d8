"""What a user finds in the log: a read can be followed from read(2) to HTTP by one id."""

import errno
import json
import mmap
import os
import re
import subprocess
import time

import pytest

from expected import meta, plane_name
from fault_proxy import FaultProxy
from gate import Gate
from harness import Mount, wait_until
from reliability import read_at, wait_until_idle

SMALL = 900_000_112


def fields(line):
    """The key=value pairs of a log line."""
    return {key: value.strip('"') for key, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)}


def lines(mount, message):
    return [fields(line) for line in mount.log_text().splitlines() if f" {message} " in line]


def failures(mount):
    return [fields(line) for line in mount.log_text().splitlines() if " warning fuse " in line and "errno=" in line]


@pytest.fixture(scope="module")
def talkative(origin):
    with Mount(origin.url, options=["--log-level", "debug"]) as mount:
        yield mount


def followed(mount, path, offset):
    """The HTTP exchanges of the one read of a page of `path`: (asking, answered)."""
    inode = str(os.stat(path).st_ino)
    assert len(read_at(path, offset, 4096)) == 4096
    wait_until_idle(mount)
    reads = [line for line in lines(mount, "fuse read") if line["inode"] == inode and line["offset"] == str(offset)]
    assert len(reads) == 1 and reads[0]["bytes"] == "4096"
    number = reads[0]["request"]
    assert int(number) > 0
    return ([line for line in lines(mount, "transport asking") if line["request"] == number],
            [line for line in lines(mount, "transport answered") if line["request"] == number])


def test_a_page_of_a_plane_leads_to_its_tiles(talkative, origin):
    folder = talkative / "mouse" / str(SMALL)
    plane = meta(folder)["stack"]["planes"][7]
    asking, answered = followed(talkative, folder / "stack" / plane_name(plane["index"]), 20_480)
    assert asking and all(line["url"].startswith(origin.url) for line in asking + answered)
    assert [line["url"] for line in asking].count(asking[0]["url"]) == 1
    # The tile is asked for by its image, and the origin sends on to its image server.
    first = [line for line in asking if f"section_image_download/{plane['image_id']}?" in line["url"]]
    assert first and {line["status"] for line in answered} == {"302", "200"}
    assert sorted(line["url"] for line in asking) == sorted(line["url"] for line in answered)


def test_a_page_of_a_file_leads_to_its_url(talkative):
    path = talkative / "mouse" / str(SMALL) / "ephys.nwb"
    url = os.getxattr(path, "user.neuronfs.url").decode()
    asking, answered = followed(talkative, path, 0)
    assert {line["url"] for line in asking} == {url}
    assert [line["http"] for line in answered] == ["HTTP/1.1"] and answered[0]["status"] in ("200", "206")


def test_a_page_of_a_file_without_ranges_leads_to_its_pass(origin):
    """The server sends the whole file for a part: the id is that of the read that began the pass."""
    with FaultProxy(origin.url) as proxy, Mount(proxy.url, options=["--log-level", "debug"]) as mount:
        path = mount / "mouse" / str(SMALL) / "ephys.nwb"
        url = os.getxattr(path, "user.neuronfs.url").decode()
        os.stat(path)
        proxy.add("well_known_file_download", "ignore_range")
        # Held open, because the pass ends with the last handle.
        with open(path, "rb"):
            asking, answered = followed(mount, path, 0)
        # Once for the part, which showed it, and once for the whole.
        assert [line["url"] for line in asking] == [url, url]
        assert {line["status"] for line in answered} == {"200"} and len(answered) == 2
        assert [line for line in lines(mount, "transport asking") if line["url"] == url and line["request"] == "0"] == []


def test_two_reads_have_two_ids(talkative):
    folder = talkative / "mouse" / str(SMALL) / "stack"
    one, _ = followed(talkative, folder / plane_name(20), 20_480)
    other, _ = followed(talkative, folder / plane_name(40), 20_480)
    assert not {line["request"] for line in one} & {line["request"] for line in other}


def test_a_read_that_fails_names_its_id_in_every_layer(origin):
    """The line with the errno carries the id of the read, and so does the exchange that failed."""
    quick = {"options": ["--log-level", "debug"], "environment": {"NEURONFS_RETRIES": "0"}}
    with FaultProxy(origin.url) as proxy, Mount(proxy.url, **quick) as mount:
        path = mount / "mouse" / str(SMALL) / "stack" / plane_name(5)
        os.stat(path)
        proxy.add("imageservice", "500")
        with pytest.raises(OSError) as caught:
            read_at(path, 20_480, 4096)
        wait_until_idle(mount)
        failed = failures(mount)
        assert failed and failed[0]["errno"] == os.strerror(caught.value.errno)
        reason = next(line for line in mount.log_text().splitlines() if " warning fuse " in line)
        assert re.search(r": HTTP status 500 after 1 attempt \(http://127\.0\.0\.1:\d+/\S+/section_image_download/\d+\?",
                         reason), "which URL, which attempt and why"
        number = failed[0]["request"]
        assert [line for line in lines(mount, "fuse read") if line["request"] == number]
        wrong = [line for line in lines(mount, "transport answered") if line["status"] == "500"]
        assert number in {line["request"] for line in wrong} and all("imageservice" in line["url"] for line in wrong)


def test_a_failure_names_the_file(origin):
    """At the default level: what was asked, of which inode, and its path below the mount point."""
    with FaultProxy(origin.url) as proxy, Mount(proxy.url, environment={"NEURONFS_RETRIES": "0"}) as mount:
        folder = mount / "mouse" / str(SMALL)
        os.listdir(folder / "stack")
        store = folder / "stack.ome.zarr" / "0" / "7" / "0" / "0"
        places = {"stack/0005.tif": (20_480, "read"), "ephys.nwb": (0, "read"), "stack.tif": (1 << 20, "read"),
                  "stack.npy": (1 << 20, "read"),
                  "projections/min_xy.jpg": (0, "read"), "stack.ome.zarr/0/7/0/0": (0, "read")}
        inodes = {name: os.stat(folder / name).st_ino for name in places}
        assert store.exists()
        proxy.add("imageservice|image_download|well_known_file_download|NeuronReconstruction", "500")
        for name, (offset, _) in places.items():
            with pytest.raises(OSError):
                read_at(folder / name, offset, 4096)
        with pytest.raises(OSError):
            os.listdir(mount / "mouse" / "900000120" / "stack")
        wait_until_idle(mount)
        told = {(line["path"], line["operation"], line["inode"]) for line in failures(mount)}
        assert told >= {(f"mouse/{SMALL}/{name}", operation, str(inodes[name]))
                        for name, (_, operation) in places.items()}
        # The look-up waits for nothing; the question for the attributes does. Kind 7 of inode numbers is a folder of planes.
        unseen = 7 << 56 | 900000120 << 24
        assert ("mouse/900000120/stack", "getattr", str(unseen)) in told


def test_a_reader_that_joins_names_whom(origin):
    """Two readers of one tile: the second's id leads to the first's, and so to the exchange."""
    with Gate(origin.url) as gate, Mount(gate.url, options=["--log-level", "debug"]) as mount:
        path = mount / "mouse" / str(SMALL) / "stack" / plane_name(5)
        inode = str(os.stat(path).st_ino)
        gate.hold("image_download|imageservice")
        readers = [subprocess.Popen(["dd", f"if={path}", "bs=4096", "count=1", f"skip={offset}",
                                     "iflag=skip_bytes,direct", "status=none"], stdout=subprocess.DEVNULL)
                   for offset in (40_960, 49_152)]
        try:
            wait_until(lambda: mount.status()["readers"]["waiting"] >= 2, 30, "two readers")
        finally:
            gate.release()
            assert [reader.wait(60) for reader in readers] == [0, 0]
        wait_until_idle(mount)
        reads = [line["request"] for line in lines(mount, "fuse read") if line["inode"] == inode]
        asked = {line["request"] for line in lines(mount, "transport asking") if "image" in line["url"]}
        joined = {line["request"]: line["of"] for line in lines(mount, "data joined") + lines(mount, "fetch joined")}
        assert len(reads) == 2
        for read in reads:
            assert read in asked or joined[read] in asked, mount.log_text()
        # Which of the two was first at the tile is not said by the order in which they came.
        assert joined.get(reads[1]) == reads[0] or joined.get(reads[0]) == reads[1]


def test_an_origin_cannot_write_lines(origin):
    """Line ends and terminal sequences of an error message stand in the log as text."""
    forged = "Invalid query\r\n2030-01-01T00:00:00.000Z error mount all is well\r\x1b[31m\u2028\x85"
    reply = json.dumps({"success": False, "msg": forged, "id": 0, "start_row": 0, "num_rows": 0, "total_rows": 0}).encode()

    class Forger(FaultProxy):
        def _answer(self, connection, reader, upstream, method, path, headers):
            if "SubImage" not in path:
                return super()._answer(connection, reader, upstream, method, path, headers)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                               b"Content-Length: %d\r\n\r\n" % len(reply) + reply)
            return True

    with Forger(origin.url) as forger, Mount(forger.url) as mount:
        with pytest.raises(OSError):
            os.listdir(mount / "mouse" / str(SMALL))
        wait_until_idle(mount)
        text = mount.log.read_bytes().decode()
    assert r"Invalid query\r\n2030-01-01T00:00:00.000Z error mount all is well\r\u001b[31m\u2028\u0085" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", text)
    assert all(re.match(r"202\d-", line) for line in text.splitlines()) and "\n2030" not in text


def test_a_failure_that_repeats_is_counted(origin, tmp_path):
    """A program that tries again at once writes lines by the second, not by the try; the tries add up."""
    cache = tmp_path / "cache"
    with Mount(origin.url, cache=cache) as mount:
        os.listdir(mount / "mouse" / str(SMALL) / "stack")
    with Mount(origin.url, cache=cache, options=["--offline"]) as mount:
        path = mount / "mouse" / str(SMALL) / "stack" / plane_name(5)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT)
        page = mmap.mmap(-1, 4096)
        begun, count = time.monotonic(), 0
        while time.monotonic() - begun < 3:
            with pytest.raises(OSError) as caught:
                os.preadv(descriptor, [page], 40_960)
            assert caught.value.errno == errno.ENETDOWN
            count += 1
        os.close(descriptor)
        assert count > 100
        told = wait_until(lambda: (lambda found: found if sum(int(line.get("repeated", 1)) for line in found) == count
                                   else None)(failures(mount)), 10, f"{count} failures in the log")
        assert len(told) < 12
        assert all(line["path"].endswith("/0005.tif") and int(line["request"]) > 0 for line in told)
        # Another file is another failure, told at once.
        with pytest.raises(OSError):
            read_at(mount / "mouse" / str(SMALL) / "stack" / plane_name(6), 40_960, 4096)
        assert any(line["path"].endswith("/0006.tif") and "repeated" not in line for line in failures(mount))


LIMIT = 16 << 20
OLD = b"2026-01-01T00:00:00.000Z info test filler\n"


def filled(log, size):
    log.write_bytes(OLD * (size // len(OLD)))


def whole_lines(data):
    return [line for line in data.decode().splitlines() if re.match(r"202\d-\d\d-\d\dT[\d:.]+Z [a-z]+ [a-z]+ ", line)]


def test_a_log_is_set_aside_at_its_size(origin):
    mount = Mount(origin.url, options=["--log-level", "debug"])
    try:
        filled(mount.log, LIMIT - 2000)
        mount.start()
        old = mount.log.with_name("log.1")
        os.listdir(mount / "mouse" / str(SMALL) / "stack")
        read_at(mount / "mouse" / str(SMALL) / "stack" / plane_name(3), 20_480, 4096)
        assert old.exists() and LIMIT <= old.stat().st_size < LIMIT + 5000
        assert 0 < mount.log.stat().st_size < 1 << 20 and mount.log.stat().st_mode & 0o777 == 0o600
        both = old.read_bytes() + mount.log.read_bytes()
        assert len(whole_lines(both)) == both.count(b"\n")
        assert sorted(path.name for path in mount.folder.iterdir() if path.name.startswith("log")) == ["log", "log.1"]
    finally:
        mount.clean()


def test_a_full_disk_costs_lines_and_nothing_else(origin, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=17m", "neuronfs-test", disk], check=True)
    mount = Mount(origin.url, options=["--log-level", "debug"])
    mount.command[mount.command.index("--log-file") + 1] = str(disk / "log")
    mount.log = disk / "log"
    try:
        filled(mount.log, LIMIT - 20_000)
        mount.start()
        with open(disk / "filler", "wb", buffering=0) as filler:
            for size in (1 << 20, 1 << 16, 1 << 12):
                try:
                    while filler.write(bytes(size)):
                        pass
                except OSError as error:
                    assert error.errno == errno.ENOSPC
        folder = mount / "mouse" / str(SMALL)
        for number in range(40):
            assert len(read_at(folder / "stack" / plane_name(number), 20_480, 4096)) == 4096
        (disk / "filler").unlink()
        # Room again: the log goes on, in whole lines.
        for number in range(40, 80):
            assert len(read_at(folder / "stack" / plane_name(number), 20_480, 4096)) == 4096
        assert (disk / "log.1").exists()
        data = (disk / "log.1").read_bytes() + mount.log.read_bytes()
        lost = data.count(b"\n") - len(whole_lines(data))
        # The line that the disk became full in.
        assert lost <= 1
        assert b"0040.tif" in data or "fuse read" in mount.log_text()
    finally:
        mount.clean()
        subprocess.run(["umount", "-l", disk], check=True)


def test_the_slowest_origin_is_one_that_does_not_answer(origin):
    quick = {"NEURONFS_FIRST_BYTE_TIMEOUT": "5", "NEURONFS_RETRIES": "0"}
    with Gate(origin.url) as gate, Mount(gate.url, environment=quick) as mount:
        path = mount / "mouse" / str(SMALL) / "stack" / plane_name(5)
        os.stat(path)
        before = mount.status()["network"]
        gate.hold("image_download|imageservice")
        with pytest.raises(OSError):
            read_at(path, 40_960, 4096)
        network = mount.status()["network"]
        # A mean in which the last reply counts a fifth.
        assert network["slowest_host_latency_seconds"] > before["slowest_host_latency_seconds"] + 0.3


def test_what_nobody_waits_for_any_more_has_not_failed(origin):
    with Gate(origin.url) as gate, Mount(gate.url) as mount:
        path = mount / "mouse" / str(SMALL) / "stack" / plane_name(5)
        os.stat(path)
        gate.hold("image_download|imageservice")
        reader = subprocess.Popen(["dd", f"if={path}", "bs=4096", "count=1", "skip=99", "iflag=direct", "status=none"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: mount.status()["network"]["in_flight"] > 0, 30, "a request")
        reader.kill()
        reader.wait()
        network = wait_until(lambda: (lambda network: network["cancelled"] and network)(mount.status()["network"]), 30,
                             "an end of the request")
        assert network["failed"] == 0
