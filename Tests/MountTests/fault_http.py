"""The HTTP/1.1 that fault_proxy speaks: reading and writing heads, and one connection to the origin."""

from __future__ import annotations

import http.client
import socket
import struct
import urllib.parse

CHUNK = 1 << 18
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "upgrade"}


class Hangup(Exception):
    """The connection is to end; `abort` with a RST."""

    def __init__(self, abort=False):
        self.abort = abort


class Reply:
    """An origin's reply: head, and a body that is read on demand."""

    def __init__(self, status, reason, headers, response=None, body=b""):
        self.status, self.reason, self.headers = status, reason, headers
        self.response = response
        self.body = body

    def get(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def set(self, name, value):
        self.headers = [(k, v) for k, v in self.headers if k.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, str(value)))

    def load(self):
        """The whole body; it is sent with a Content-Length from now on."""
        if self.response is not None:
            self.body, self.response = self.response.read(), None
            self.set("Transfer-Encoding", None)
            self.set("Content-Length", len(self.body))
        return self.body

    def replace(self, body):
        self.load()
        self.body = body
        self.set("Content-Length", len(body))


class Upstream:
    """One kept-alive connection to the origin."""

    def __init__(self, origin):
        self.origin, self.connection = origin, None

    def fetch(self, method, path, headers, body):
        for attempt in (0, 1):
            reused = self.connection is not None
            if not reused:
                kind = http.client.HTTPSConnection if self.origin.scheme == "https" else http.client.HTTPConnection
                self.connection = kind(self.origin.netloc, timeout=600)
            try:
                self.connection.putrequest(method, self.origin.path + path, skip_host=True, skip_accept_encoding=True)
                self.connection.putheader("Host", self.origin.netloc)
                for name, value in headers:
                    if name.lower() not in HOP_BY_HOP and name.lower() != "host":
                        self.connection.putheader(name, value)
                self.connection.endheaders(body)
                response = self.connection.getresponse()
                break
            except (OSError, http.client.HTTPException):
                self.close()
                # A kept-alive connection may have ended in the meantime; a new one tells.
                if attempt == 1 or not reused:
                    raise
        kept = [(k, v) for k, v in response.headers.items() if k.lower() not in HOP_BY_HOP]
        return Reply(response.status, response.reason, kept, response=response)

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def shut_listener(listener):
    """Closes a listener so that a thread blocked in accept() returns, too."""
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    listener.close()


def finish(connection, abort):
    try:
        if abort:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            connection.shutdown(socket.SHUT_WR)
            # Unread input would turn the close into a RST, which may overtake the reply.
            connection.settimeout(0.05)
            while connection.recv(CHUNK):
                pass
    except OSError:
        pass
    connection.close()


def read_head(reader):
    line = reader.readline(65537)
    parts = line.decode("latin-1").split()
    if len(parts) != 3:
        return None
    headers = []
    while (line := reader.readline(65537)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name.strip(), value.strip()))
    target = parts[1]
    if target.startswith(("http://", "https://")):
        split = urllib.parse.urlsplit(target)
        target = urllib.parse.urlunsplit(("", "", split.path or "/", split.query, ""))
    return parts[0], target, headers


def without(headers, *names):
    return [(k, v) for k, v in headers if k.lower() not in names]


def head_bytes(status, reason, headers) -> bytes:
    lines = [f"HTTP/1.1 {status} {reason}"] + [f"{k}: {v}" for k, v in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk_bytes(part) -> bytes:
    return b"%x\r\n%b\r\n" % (len(part), part)
