"""A proxy behind which images and files change: each has other bytes and another version from the moment a test says so."""

import re
import threading
import urllib.parse
import urllib.request

from fault_proxy import FaultProxy

IMAGE = re.compile(r"section_image_download/(\d+)\?")
FILE = re.compile(r"well_known_file_download/(\d+)$")


class ChangingOrigin(FaultProxy):
    """Passes everything through but what has changed.

    images      image id -> (id of the image whose pixels it has now, its version)
    files       file id -> (its bytes now, its version)
    has_ranges  whether the changed files can be had in parts
    """

    def __init__(self, url):
        super().__init__(url)
        self.images = {}
        self.files = {}
        self.has_ranges = True
        self._gates = {}
        self._held = set()

    def hold(self, pattern):
        """Lets requests whose path matches wait, until `release` of the same pattern."""
        self._gates[pattern] = threading.Event()

    def release(self, pattern):
        self._gates.pop(pattern).set()
        self._held.discard(pattern)

    def holds(self, pattern):
        """Whether a request waits for `pattern`."""
        return pattern in self._held

    def _answer(self, connection, reader, upstream, method, path, headers):
        for pattern, gate in list(self._gates.items()):
            if re.search(pattern, path):
                self._held.add(pattern)
                # Stopping a test must not hang on a request that is held.
                while not gate.wait(0.02) and not self._stopping.is_set():
                    pass
        image, file = IMAGE.search(path), FILE.search(path)
        if image and int(image[1]) in self.images:
            other, version = self.images[int(image[1])]
            url = urllib.parse.urlunsplit((*self.origin[:2], path.replace(image[1], str(other), 1), "", ""))
            with urllib.request.urlopen(url, timeout=60) as reply:
                self._send_part(connection, method, reply.read(), version, "image/jpeg", {})
            return True
        if file and int(file[1]) in self.files:
            named = {name.lower(): value for name, value in headers}
            self._send_part(
                connection, method, *self.files[int(file[1])], "application/octet-stream",
                named if self.has_ranges else {})
            return True
        return super()._answer(connection, reader, upstream, method, path, headers)

    @staticmethod
    def _send_part(connection, method, body, version, content_type, named):
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", named.get("range", ""))
        head = f'ETag: "{version}"\r\nContent-Type: {content_type}\r\n'
        if asked and named.get("if-range") in (None, f'"{version}"') and int(asked[1]) < len(body):
            first, end = int(asked[1]), min(int(asked[2]) + 1, len(body))
            head = f"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {first}-{end - 1}/{len(body)}\r\n{head}"
            body = body[first:end]
        else:
            head = f"HTTP/1.1 200 OK\r\n{head}"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + (b"" if method == "HEAD" else body))
