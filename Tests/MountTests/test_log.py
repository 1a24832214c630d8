"""What a user finds in the log: a read can be followed from read(2) to HTTP by one id."""

import os
import re

import pytest

from expected import meta, plane_name
from fault_proxy import FaultProxy
from harness import Mount
from reliability import read_at, wait_until_idle

SMALL = 900_000_112


def fields(line):
    """The key=value pairs of a log line."""
    return {key: value.strip('"') for key, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)}


def lines(mount, message):
    return [fields(line) for line in mount.log_text().splitlines() if f" {message} " in line]


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
        failed = [fields(line) for line in mount.log_text().splitlines() if " warning " in line and "errno=" in line]
        assert failed and failed[0]["errno"] == os.strerror(caught.value.errno)
        number = failed[0]["request"]
        assert [line for line in lines(mount, "fuse read") if line["request"] == number]
        wrong = [line for line in lines(mount, "transport answered") if line["status"] == "500"]
        assert number in {line["request"] for line in wrong} and all("imageservice" in line["url"] for line in wrong)
