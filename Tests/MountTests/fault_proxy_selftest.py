"""Checks every fault of fault_proxy with http.client against a small origin: `python fault_proxy.py --self-test`."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import http.server
import io
import json
import random
import socket
import ssl
import threading
import time
import urllib.parse

from fault_proxy import FAULTS, FaultProxy, flat_jpeg

FILE = random.Random(1).randbytes(200_001)
ROWS = json.dumps({"success": True, "msg": [{"id": n} for n in range(500)]}).encode()
JPEG = flat_jpeg(400, 300, 90)
BODIES = {
    "/file": (FILE, "application/octet-stream"), "/json": (ROWS, "application/json"), "/jpeg": (JPEG, "image/jpeg"),
}


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        if path == "/base/moved":
            self.send_response(302)
            self.send_header("Location", f"http://{self.headers['Host']}/base/file?after=move")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        body, kind = BODIES.get(path.removeprefix("/base"), (b"no such file", "text/plain"))
        given, status = self.headers.get("Range"), 200 if body is not None and kind != "text/plain" else 404
        part = body
        if given and self.headers.get("If-Range", '"v1"') == '"v1"':
            first, _, last = given.removeprefix("bytes=").partition("-")
            last = min(int(last or len(body) - 1), len(body) - 1)
            part, status = body[int(first):last + 1], 206
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
        if path == "/base/json":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if self.command == "GET":
                for start in range(0, len(part), 1000):
                    piece = part[start:start + 1000]
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("ETag", '"v1"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(part)


class SelfTest:
    def __init__(self, proxy):
        self.proxy = proxy
        self.netloc = urllib.parse.urlsplit(proxy.url).netloc

    def get(self, path, method="GET", timeout=20, **headers):
        """Status, headers and body of one request on a new connection."""
        connection = http.client.HTTPConnection(self.netloc, timeout=timeout)
        try:
            connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def fails(self, error, *arguments, **keywords):
        try:
            result = self.get(*arguments, **keywords)
        except error as got:
            return got
        raise AssertionError(f"no {error} but {result[0]}")

    def faithful(self):
        assert self.get("/file")[2] == FILE
        status, headers, body = self.get("/file", Range="bytes=100-199", If_Range='"v1"')
        assert (status, body, headers["Content-Range"]) == (206, FILE[100:200], f"bytes 100-199/{len(FILE)}")
        status, headers, body = self.get("/json")
        assert (status, body, headers["Transfer-Encoding"]) == (200, ROWS, "chunked")
        status, headers, body = self.get("/file", method="HEAD")
        assert (status, body, headers["Content-Length"]) == (200, b"", str(len(FILE)))
        assert self.get("/nothing")[0] == 404
        status, headers, _ = self.get("/moved")
        assert (status, headers["Location"]) == (302, self.proxy.url + "/file?after=move")
        before, connection = self.proxy.connections, http.client.HTTPConnection(self.netloc)
        for _ in range(20):
            connection.request("GET", "/json")
            assert connection.getresponse().read() == ROWS
        connection.close()
        assert self.proxy.connections == before + 1

    def refuse(self):
        self.proxy.add("/file", "refuse", count=1)
        self.fails((ConnectionResetError, http.client.RemoteDisconnected), "/file")
        self.fails(ConnectionRefusedError, "/file")
        self.proxy.restore()
        assert self.get("/file")[2] == FILE
        self.proxy.add("/file", "refuse", count=1, seconds=0.3)
        self.fails((ConnectionResetError, http.client.RemoteDisconnected), "/file")
        while True:
            try:
                assert self.get("/file")[2] == FILE
                break
            except ConnectionRefusedError:
                time.sleep(0.05)

    def blackhole(self):
        self.proxy.add("/file", "blackhole", count=1)
        self.fails((ConnectionResetError, http.client.RemoteDisconnected), "/file")
        for _ in range(3):
            self.fails(socket.timeout, "/file", timeout=0.3)
        self.proxy.restore()
        assert self.get("/file")[2] == FILE

    def reset(self):
        self.proxy.add("/file", "reset", count=2)
        for _ in range(2):
            error = self.fails(ConnectionResetError, "/file")
            assert not isinstance(error, http.client.RemoteDisconnected), "closed, not reset"
        assert self.get("/file")[2] == FILE

    def close(self):
        self.proxy.add("/file", "close", count=1)
        self.fails(http.client.RemoteDisconnected, "/file")

    def half_body(self):
        self.proxy.add("/file", "half_body", count=1)
        error = self.fails(http.client.IncompleteRead, "/file")
        assert error.partial == FILE[:len(FILE) // 2]
        self.proxy.add("/file", "half_body", count=1, abort=True)
        self.fails((ConnectionResetError, http.client.IncompleteRead), "/file")

    def long_length(self):
        self.proxy.add("/file", "long_length", count=1)
        error = self.fails(http.client.IncompleteRead, "/file")
        assert error.partial == FILE and error.expected == 1000

    def short_length(self):
        self.proxy.add("/file", "short_length", count=2)
        status, headers, body = self.get("/file")
        assert (status, headers["Content-Length"], body) == (200, "1000", FILE[:1000])
        assert self.get("/file", method="HEAD")[1]["Content-Length"] == "1000"
        self.proxy.add("/nothing", "short_length", count=1)
        assert self.get("/nothing")[::2] == (404, b"no such file")

    def wrong_range(self):
        self.proxy.add("/file", "wrong_range", count=2)
        status, headers, body = self.get("/file", Range="bytes=100-199")
        assert (status, headers["Content-Range"]) == (206, f"bytes 101-200/{len(FILE)}") and body == FILE[100:200]
        assert self.get("/file")[0] == 206

    def ignore_range(self):
        self.proxy.add("/file", "ignore_range", count=1)
        status, headers, body = self.get("/file", Range="bytes=100-199", If_Range='"v1"')
        assert (status, body, headers["Content-Range"]) == (200, FILE, None)

    def stall_headers(self):
        self.proxy.add("/file", "stall_headers", count=1)
        self.fails(socket.timeout, "/file", timeout=0.5)

    def stall_body(self):
        self.proxy.add("/file", "stall_body", count=1)
        connection = http.client.HTTPConnection(self.netloc, timeout=20)
        connection.request("GET", "/file")
        response = connection.getresponse()
        assert response.read(len(FILE) // 2) == FILE[:len(FILE) // 2]
        connection.sock.settimeout(0.5)
        try:
            raise AssertionError(response.read(1))
        except socket.timeout:
            connection.close()

    def drip(self):
        self.proxy.add("/file", "drip", count=1, interval=0.5)
        connection = http.client.HTTPConnection(self.netloc, timeout=5)
        connection.request("GET", "/file")
        response = connection.getresponse()
        assert [response.read1(100) for _ in range(3)] == [FILE[n:n + 1] for n in range(3)]
        connection.close()

    def delay(self):
        self.proxy.add("/file", "delay", count=1, seconds=0.2)
        assert self.get("/file")[2] == FILE

    def statuses(self):
        for fault, code, retry in (("429", 429, "1"), ("503", 503, "1"), ("500", 500, None), ("status", 404, None)):
            self.proxy.add("/file", fault, count=1)
            status, headers, _ = self.get("/file")
            assert (status, headers["Retry-After"]) == (code, retry)
        self.proxy.add("/file", "503", count=1, retry_after="Sun, 06 Nov 1994 08:49:37 GMT")
        assert self.get("/file")[1]["Retry-After"].endswith("GMT")

    def html(self):
        self.proxy.add("/jpeg", "html", count=1)
        status, headers, body = self.get("/jpeg")
        assert status == 200 and headers.get_content_type() == "text/html" and b"log in" in body

    def empty(self):
        self.proxy.add("/file", "empty", count=1)
        assert self.get("/file")[::2] == (200, b"")

    def redirect_loop(self):
        self.proxy.add("/file", "redirect_loop", count=3)
        for _ in range(3):
            status, headers, _ = self.get("/file?x=1")
            assert (status, headers["Location"]) == (302, self.proxy.url + "/file?x=1")

    def jpeg_size(self):
        self.proxy.add("/jpeg", "jpeg_size", count=1, width=50, height=20, components=3)
        body = self.get("/jpeg")[2]
        assert self.decoded(body) in (None, (50, 20)) and body != JPEG

    def body(self):
        self.proxy.add("/file", "body", count=1, body=b"something else")
        assert self.get("/file")[2] == b"something else"

    def jpeg_flip(self):
        self.proxy.add("/jpeg", "jpeg_flip", count=1)
        body = self.get("/jpeg")[2]
        start = JPEG.index(b"\xff\xda") + 10
        assert len(body) == len(JPEG) and body[:start] == JPEG[:start] and body[-2:] == b"\xff\xd9"
        assert sum(a != b for a, b in zip(body, JPEG)) == 64

    def jpeg_truncate(self):
        self.proxy.add("/jpeg", "jpeg_truncate", count=1)
        body = self.get("/jpeg")[2]
        kept = body.rstrip(b"\0")
        assert len(body) == len(JPEG) and kept.endswith(b"\xff\xd9") and len(kept) < len(JPEG) - 100
        assert JPEG.startswith(kept[:-2])

    @staticmethod
    def decoded(body):
        """Size of a JPEG by Pillow, None without it."""
        try:
            from PIL import Image
        except ImportError:
            return None
        image = Image.open(io.BytesIO(body))
        image.load()
        assert image.getpixel((0, 0)) in (100, (100, 100, 100))
        return image.size

    def change_etag(self):
        self.proxy.add("/file", "change_etag", after=1)
        assert self.get("/file", Range="bytes=0-99")[1]["ETag"] == '"v1"'
        status, headers, body = self.get("/file", Range="bytes=100-199", If_Range='"v1"')
        assert status == 200 and headers["ETag"] != '"v1"' and len(body) == len(FILE) and body != FILE
        status, headers, body = self.get("/file", Range="bytes=100-199")
        assert status == 206 and headers["ETag"] != '"v1"' and body == bytes(255 - b for b in FILE[100:200])

    def other_image(self):
        self.proxy.add("/jpeg", "other_image", count=1, old="jpeg", new="file")
        status, headers, body = self.get("/jpeg?left=1", Range="bytes=100-199")
        assert (status, body) == (206, FILE[100:200]) and headers["ETag"] not in (None, '"v1"')
        assert self.get("/jpeg")[2] == JPEG

    def tls(self):
        self.proxy.add("/file", "tls", count=1)
        target = urllib.parse.urlsplit(self.get("/file")[1]["Location"])
        for context, error in ((ssl.create_default_context(), ssl.SSLCertVerificationError), (_lenient(), None)):
            connection = http.client.HTTPSConnection(target.netloc, timeout=10, context=context)
            try:
                connection.request("GET", target.path)
                assert error is None and connection.getresponse().read() == FILE
            except ssl.SSLCertVerificationError:
                assert error is not None
            finally:
                connection.close()

    def truncated_json(self):
        self.proxy.add("/json", "truncated_json", count=1)
        status, headers, body = self.get("/json")
        assert status == 200 and int(headers["Content-Length"]) == len(body) and body == ROWS[:len(ROWS) // 2]

    def huge_json(self):
        self.proxy.add("/json", "huge_json", count=1, size=5_000_000)
        body = self.get("/json")[2]
        assert abs(len(body) - 5_000_000) < 4 and json.loads(body)["success"] is True

    def gzip_bomb(self):
        self.proxy.add("/json", "gzip_bomb", count=1, size=3_000_000)
        body = self.get("/json")[2]
        assert len(body) < 10_000 and json.loads(gzip.decompress(body)) == []

    def rules(self):
        rule = self.proxy.add("/file", "500", probability=0.3, seed=5)
        first = [self.get("/file")[0] for _ in range(40)]
        assert 3 < first.count(500) < 25 and first.count(500) == rule.fired
        self.proxy.clear()
        self.proxy.add("/file", "500", probability=0.3, seed=5)
        assert [self.get("/file")[0] for _ in range(40)] == first, "not repeatable"
        assert [r.fault for r in self.proxy.requests if r.fault] == ["500"] * first.count(500)
        self.proxy.clear()
        self.proxy.add("/file", "500", only="size")
        assert self.get("/file")[0] == 200 and self.get("/file", method="HEAD")[0] == 500
        assert self.get("/file", Range="bytes=0-0")[0] == 500 and self.get("/file", Range="bytes=0-1")[0] == 206

    def unreachable(self):
        with FaultProxy("http://127.0.0.1:9") as lonely:
            assert SelfTest(lonely).get("/")[0] == 502

    def parallel(self):
        failures = []

        def work():
            connection = http.client.HTTPConnection(self.netloc, timeout=30)
            for _ in range(40):
                connection.request("GET", "/file")
                if connection.getresponse().read() != FILE:
                    failures.append(1)
            connection.close()

        began, threads = time.perf_counter(), [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        seconds = time.perf_counter() - began
        return f"320 files of {len(FILE)} bytes on 8 connections: {320 * len(FILE) / seconds / 1e6:.0f} MB/s"


def _lenient():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


CHECKS = [
    name for name in vars(SelfTest) if not name.startswith("_") and name not in ("get", "fails", "decoded")
]


UNCHECKED = set(FAULTS) - set(CHECKS) - {"429", "503", "500", "status"}


@contextlib.contextmanager
def running():
    """A SelfTest with its proxy and its origin."""
    origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    origin.daemon_threads = True
    server = threading.Thread(target=origin.serve_forever)
    server.start()
    try:
        with FaultProxy(f"http://127.0.0.1:{origin.server_address[1]}/base") as proxy:
            yield SelfTest(proxy)
    finally:
        origin.shutdown()
        server.join()
        origin.server_close()


def main() -> int:
    assert not UNCHECKED, f"unchecked faults: {UNCHECKED}"
    failed = 0
    with running() as test:
        for name in CHECKS:
            test.proxy.clear()
            try:
                note = getattr(test, name)()
                print(f"ok    {name}" + (f"   ({note})" if note else ""), flush=True)
            except Exception as error:
                failed += 1
                print(f"FAIL  {name}: {type(error).__name__}: {error}", flush=True)
    for error in test.proxy.errors:
        failed += 1
        print(f"FAIL  inside the proxy: {type(error).__name__}: {error}")
    print(f"{len(CHECKS) - failed} of {len(CHECKS)} checks passed")
    return 1 if failed else 0
