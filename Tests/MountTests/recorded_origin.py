"""An origin that remembers: passes requests on to the stand-in origin once and answers from memory from then on.

Fault tests run many mounts side by side with short time-outs. Rendering a picture takes the stand-in origin a tenth of
a second or, on a busy machine, a second, which a short time-out would take for a fault that nobody injected. Recordings
of the built-in world are smaller than one block of the cache; here they are RECORDING bytes long, so that there is a
middle of the file. Ranges, validators and HEAD are answered as an Apache answers them.
"""

import hashlib
import http.client
import http.server
import re
import socket
import threading
import urllib.parse

RECORDING = 5 * (1 << 20) + 12_345
FILE = re.compile(r"/api/v2/well_known_file_download/(\d+)$")


class RecordedOrigin:
    """Serves on a free port of 127.0.0.1 until it is stopped."""

    def __init__(self, origin_url):
        self.origin = urllib.parse.urlsplit(origin_url).netloc
        self.replies = {}
        self.lock = threading.Lock()
        self.pending = {}
        handler = type("BoundHandler", (_Handler,), {"owner": self})
        self.server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def reply(self, path):
        """(status, headers, whole body) of a GET, asked for once however many want it."""
        with self.lock:
            if path in self.replies:
                return self.replies[path]
            gate = self.pending.setdefault(path, threading.Lock())
        with gate:
            with self.lock:
                if path in self.replies:
                    return self.replies[path]
            fresh = self._ask(path)
            with self.lock:
                self.replies[path] = fresh
                self.pending.pop(path, None)
            return fresh

    def _ask(self, path):
        connection = http.client.HTTPConnection(self.origin, timeout=120)
        try:
            # The origin's own redirects name the host that was asked.
            connection.request("GET", path, headers={"Host": urllib.parse.urlsplit(self.url).netloc})
            response = connection.getresponse()
            body = response.read()
            headers = {name: value for name, value in response.getheaders()
                       if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "keep-alive")}
        finally:
            connection.close()
        if response.status == 200 and body.startswith(b"\x89HDF\r\n\x1a\n"):
            # Not the file again and again: a block served in another's place would not be noticed.
            blocks = (hashlib.sha512(f"{path} {number}".encode()).digest() for number in range(RECORDING // 64 + 1))
            body = (body + b"".join(blocks))[:RECORDING]
            headers["ETag"] = f'"{RECORDING:x}-{hashlib.md5(path.encode()).hexdigest()[:12]}"'
        return response.status, headers, body


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        # A client that hangs up in mid-reply is what these tests are about.
        pass


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: RecordedOrigin

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def answer(self, sends_body):
        status, headers, body = self.owner.reply(self.path)
        part = None
        if status == 200 and FILE.search(self.path):
            part = self.part(headers, len(body))
        lines = [f"HTTP/1.1 {206 if part else status} {http.client.responses.get(206 if part else status, '')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if part:
            lines.append(f"Content-Range: bytes {part[0]}-{part[1] - 1}/{len(body)}")
            body = body[part[0]:part[1]]
        lines.append(f"Content-Length: {len(body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.wfile.write(head + body if sends_body else head)

    def part(self, headers, size):
        """The range asked for, as (first, end), when it is to be honoured."""
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        condition = self.headers.get("If-Range")
        if not match or condition not in (None, headers.get("ETag"), headers.get("Last-Modified")):
            return None
        first, end = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)
        return (first, end) if first < end else None
