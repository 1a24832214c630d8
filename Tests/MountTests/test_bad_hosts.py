"""A host that is busy is left alone, and what never answers holds up nothing else of its host."""

import contextlib
import os
import re
import socket
import threading
import time
import urllib.parse

import pytest

import reliability
from fault_proxy import FaultProxy
from harness import Mount, wait_until
from network import NO_PROXY, ForwardProxy, read_head

READERS = 200
SECONDS = 5


@pytest.fixture
def proxy(origin):
    with FaultProxy(origin.url) as proxy:
        yield proxy


def planes(mount, least):
    """Paths of planes, cell by cell, at least so many."""
    cells = [mount / "mouse" / cell / "stack" for cell in reliability.trainable(mount)]
    found = [[folder / name for name in sorted(os.listdir(folder)) if name.endswith(".tif")] for folder in cells]
    assert sum(map(len, found)) >= least
    return found


def image(path):
    """The id of the image behind a plane."""
    return re.search(r"\d{5,}", os.getxattr(path, "user.neuronfs.url").decode().rsplit("/", 1)[1]).group()


@contextlib.contextmanager
def threads(count, work):
    """`work(number, stopped)` on so many threads, which are waited for in the end."""
    stopped = threading.Event()
    running = [threading.Thread(target=work, args=(number, stopped), daemon=True) for number in range(count)]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in running:
            thread.join(120)
        assert not any(thread.is_alive() for thread in running)


@pytest.mark.parametrize("status, retry_after", [
    ("503", None), ("429", None), ("503", 30), ("429", "Fri, 31 Dec 9999 23:59:59 GMT")])
def test_an_outage_is_not_answered_with_a_storm(proxy, status, retry_after):
    """200 readers that try again at once, as scripts do; 0.1.0 made 1,945 requests a second of it."""
    with Mount(proxy.url, options=["--timeout", "20"]) as mount:
        files = [path for folder in planes(mount, 10) for path in folder]
        pages = [os.stat(path).st_size // 4096 for path in files]
        proxy.requests.clear()
        proxy.add("image", status, retry_after=retry_after)
        codes = set()

        def read(number, stopped):
            which, page = number % len(files), number * 64
            while not stopped.is_set():
                page += 1
                # Page 0 is the header, which asks for nothing.
                offset = (1 + page % (pages[which] - 1)) * 4096
                codes.add(reliability.outcome(lambda: reliability.read_direct(files[which], offset, 4096))[1])
                # Else the threads would do nothing but keep each other from running.
                time.sleep(0.01)
        with threads(READERS, read):
            time.sleep(SECONDS)
            asked = len(proxy.requests)
            told = reliability.metrics(mount)["http_requests_total"]
            busy = mount.status()["network"].get("busy")
        assert told >= READERS
        assert asked <= (16 if retry_after else 60), f"{asked / SECONDS} requests a second"
        assert busy == [proxy.url]
        assert codes <= {"EIO", "ETIMEDOUT"}, codes


@pytest.mark.parametrize("stalled", ["one cell", "many cells", "the same cell"])
def test_thirty_readers_of_images_that_never_answer_hold_up_no_other(proxy, stalled):
    """By order, not by time: the good image is read before any of the thirty is given up."""
    # Without a second try, so that the thirty end with the proxy, and with more patience than the test needs.
    patience = {"NEURONFS_RETRIES": "0", "NEURONFS_FIRST_BYTE_TIMEOUT": "300"}
    with Mount(proxy.url, options=["--timeout", "300"], environment=NO_PROXY | patience) as mount:
        folders = sorted(planes(mount, 31), key=len)
        good = folders[0][0] if stalled != "the same cell" else folders[-1][0]
        if stalled == "many cells":
            held = [folder[1 + number] for number in range(6) for folder in folders[1:]]
        else:
            held = folders[-1][1:]
        held = held[:30]
        assert len(held) == 30
        for path in [good, *held]:
            assert os.stat(path).st_size
        proxy.add(f"section_image_download/({'|'.join(image(path) for path in held)})[?]", "stall_headers")
        ended = []

        def read(number, stopped):
            ended.append(reliability.outcome(lambda: reliability.read_at(held[number], 40_960, 4096))[1])
        with threads(30, read):
            wait_until(lambda: proxy.active >= 6, what="the stall")
            time.sleep(1)
            begun = time.monotonic()
            assert len(reliability.read_at(good, 40_960, 4096)) == 4096
            print(f"{time.monotonic() - begun:.1f} s")
            assert not ended
            proxy.stop()
        assert set(ended) <= {"EIO", "ETIMEDOUT", "ENETDOWN"}


class NamingProxy(ForwardProxy):
    """A proxy to which every host is the one of `port`, but for addresses, which it asks as a proxy would."""

    def __init__(self, port):
        self.real = port
        super().__init__()

    def serve(self, connection):
        lines = read_head(connection)
        if not lines:
            return
        method, target, _ = lines[0].split(" ")
        url = urllib.parse.urlsplit(target)
        self.log.append((method, target))
        path = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
        kept = [line for line in lines[1:] if not line.lower().startswith(("proxy-connection:", "connection:"))]
        with socket.create_connection(("127.0.0.1", self.real)) as upstream:
            upstream.sendall("\r\n".join([f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""]).encode())
            while data := upstream.recv(1 << 18):
                connection.sendall(data)


class Sender(FaultProxy):
    """Sends whoever asks for an image to an address."""

    def _through(self, location):
        return "http://10.11.12.13:8080/secret" if "image" in location else location


def test_a_proxied_origin_sends_no_mount_to_a_private_address(origin):
    """Behind a proxy the name is all that is known, and an address that is written out is judged by itself."""
    with Sender(origin.url) as sender, NamingProxy(int(sender.url.rsplit(":", 1)[1])) as proxy:
        environment = dict(NO_PROXY, http_proxy=proxy.url)
        with Mount("http://atlas.example", options=["--timeout", "10"], environment=environment) as mount:
            plane = planes(mount, 1)[0][0]
            assert reliability.outcome(lambda: reliability.read_at(plane, 40_960, 4096))[1] == "EIO"
            assert "redirect from a public address to a private address (10.11.12.13)" in mount.log_text()
            assert not any("10.11.12.13" in target for _, target in proxy.log)
