"""What the fault proxy answers: the origin's reply, faithful or not, or a reply of its own."""

from __future__ import annotations

import email.utils
import http.client
import re
import select
import socket
import ssl
import threading
import time
import urllib.parse
from dataclasses import dataclass

from fault_bodies import flat_jpeg, flip_scan, gzip_bomb, truncate_scan
from fault_http import CHUNK, Hangup, Reply, chunk_bytes, head_bytes, without

# Faults that answer without asking the origin.
SYNTHETIC = {
    "refuse", "blackhole", "reset", "close", "stall_headers", "429", "503", "500", "status", "html", "empty", "redirect_loop",
    "jpeg_size", "tls", "huge_json", "gzip_bomb",
}

CHANGED_ETAG = '"changed-by-fault-proxy"'
OTHER_MODIFIED = "Wed, 01 Jan 2020 00:00:00 GMT"
OTHER_ETAG = '"other-image-by-fault-proxy"'


@dataclass(frozen=True)
class Request:
    """One request as it arrived; `time` is time.monotonic(), `fault` what it met or None."""

    method: str
    path: str
    headers: dict
    time: float
    fault: str | None

    @property
    def purpose(self) -> str:
        return purpose(self.method, self.headers)


def purpose(method, headers) -> str:
    """"size" of a request that asks how long a file is, else "bytes"."""
    return "size" if method == "HEAD" or headers.get("range") == "bytes=0-0" else "bytes"


class Answers:
    """The half of FaultProxy that talks; the other half in fault_proxy.py owns sockets, threads and rules."""

    def _answer(self, connection, reader, upstream, method, path, headers) -> bool:
        """Answers one request; returns whether the connection may serve another."""
        named = {k.lower(): v for k, v in headers}
        length = int(named.get("content-length") or 0)
        body = reader.read(length) if length else None
        with self._lock:
            rule = next((rule for rule in self.rules if rule.applies(purpose(method, named), path)), None)
            fault = rule.fault if rule else None
            self.requests.append(Request(method, path, named, time.monotonic(), fault))
        parameters = dict(rule.parameters) if rule else {}
        keep = named.get("connection", "").lower() != "close"
        if fault in SYNTHETIC:
            return self._synthetic(connection, fault, parameters, method, path) and keep
        if fault == "ignore_range":
            headers = without(headers, "range", "if-range")
        if fault == "change_etag":
            # The origin knows nothing of the new version: whoever asks for a part of it gets one, else the whole.
            known = named.get("if-range") in (None, parameters.get("etag", CHANGED_ETAG))
            drop = ("if-range",) if known else ("range", "if-range")
            headers = without(headers, "if-none-match", "if-modified-since", *drop)
        if fault in ("jpeg_flip", "jpeg_truncate", "truncated_json", "change_etag", "body"):
            # The body is changed below, so it must not arrive compressed.
            headers = without(headers, "accept-encoding")
        if fault == "other_image":
            path = re.sub(parameters["old"], parameters["new"], path)
        if fault == "delay":
            self._wait(connection, parameters.get("seconds", 1.0))
        try:
            reply = upstream.fetch(method, path, headers, body)
        except (OSError, http.client.HTTPException) as error:
            text = f"fault_proxy: origin unreachable: {error}\n".encode()
            reply = Reply(502, "Bad Gateway", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))],
                           body=text)
        location = reply.get("location")
        if location is not None:
            reply.set("Location", self._through(location))
            target = urllib.parse.urlsplit(reply.get("Location"))
            self.redirects[urllib.parse.urlunsplit(("", "", target.path, target.query, ""))] = path
        return self._relay(connection, reply, method, fault, parameters) and keep

    def _through(self, location: str) -> str:
        """A redirect target as it is reached through this proxy; other hosts' are left alone."""
        target = urllib.parse.urlsplit(location)
        if target.netloc and target.netloc != self.origin.netloc:
            return location
        path = target.path
        if self.origin.path and path.startswith(self.origin.path):
            path = path[len(self.origin.path):]
        if target.netloc or path.startswith("/"):
            base = self.url if target.netloc else ""
            return base + urllib.parse.urlunsplit(("", "", path or "/", target.query, target.fragment))
        return location

    def _wait(self, connection, seconds):
        """Sleeps, but not longer than the client or the proxy lives."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._stopping.is_set():
                raise Hangup()
            readable, _, _ = select.select([connection], [], [], min(left, 0.2))
            if readable:
                if isinstance(connection, ssl.SSLSocket):
                    time.sleep(min(left, 0.2))
                elif not connection.recv(1, socket.MSG_PEEK):
                    raise Hangup()
                else:
                    time.sleep(min(left, 0.05))

    # --- replies that need no origin

    def _synthetic(self, connection, fault, parameters, method, path) -> bool:
        if fault in ("refuse", "blackhole"):
            (self.refuse if fault == "refuse" else self.blackhole)()
            seconds = parameters.get("seconds")
            if seconds is not None:
                # Only now: a short time could be over before the listener is closed.
                timer = threading.Timer(seconds, self.restore)
                timer.daemon = True
                self._timers.append(timer)
                timer.start()
            raise Hangup(abort=True)
        if fault in ("reset", "close"):
            raise Hangup(abort=fault == "reset")
        if fault == "stall_headers":
            self._wait(connection, parameters.get("seconds", 3600))
            raise Hangup()
        if fault == "huge_json":
            return self._huge_json(connection, parameters.get("size", 1 << 30), method)
        headers, body, status, reason = [], b"", 200, "OK"
        if fault in ("429", "503", "500", "status"):
            status = int(parameters.get("code", 404)) if fault == "status" else int(fault)
            reason = http.client.responses.get(status, "Fault")
            retry_after = parameters.get("retry_after", 1 if fault in ("429", "503") else None)
            if retry_after is not None:
                headers.append(("Retry-After", str(retry_after)))
            headers.append(("Content-Type", "text/html"))
            body = f"<html><head><title>{status} {reason}</title></head></html>\n".encode()
        elif fault == "html":
            headers.append(("Content-Type", "text/html; charset=utf-8"))
            body = b"<!DOCTYPE html>\n<html><head><title>Please log in</title></head><body>Welcome</body></html>\n"
        elif fault in ("redirect_loop", "tls"):
            status, reason = 302, "Found"
            headers.append(("Location", (self.url if fault == "redirect_loop" else self.tls_url) + path))
        elif fault == "jpeg_size":
            headers.append(("Content-Type", "image/jpeg"))
            body = flat_jpeg(
                parameters.get("width", 33), parameters.get("height", 17), components=parameters.get("components", 1))
        elif fault == "gzip_bomb":
            headers += [("Content-Type", "application/json"), ("Content-Encoding", "gzip")]
            body = gzip_bomb(parameters.get("size", 1 << 30))
        elif fault == "empty":
            headers.append(("Content-Type", parameters.get("content_type", "application/octet-stream")))
        headers.append(("Content-Length", str(len(body))))
        connection.sendall(head_bytes(status, reason, headers) + (b"" if method == "HEAD" else body))
        return True

    def _huge_json(self, connection, size, method) -> bool:
        connection.sendall(
            head_bytes(200, "OK", [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]))
        if method == "HEAD":
            return True
        opening, closing = b'{"success": true, "id": 0, "start_row": 0, "msg": [0', b"]}"
        row = b",0" * (CHUNK // 2)
        left = max(0, size - len(opening) - len(closing)) // 2 * 2
        connection.sendall(chunk_bytes(opening))
        while left > 0:
            part = row[:min(left, len(row))]
            connection.sendall(chunk_bytes(part))
            left -= len(part)
        connection.sendall(chunk_bytes(closing) + b"0\r\n\r\n")
        return True

    # --- replies of the origin, faithful or not

    @staticmethod
    def _part(body, reply):
        """What the reply to a range holds of another body of the same length."""
        asked = re.match(r"bytes (\d+)-(\d+)/", reply.get("Content-Range") or "")
        return body[int(asked[1]):int(asked[2]) + 1] if reply.status == 206 and asked else body

    def _relay(self, connection, reply, method, fault, parameters) -> bool:
        if method != "HEAD" and fault == "body":
            reply.replace(self._part(parameters["body"], reply))
        if method != "HEAD" and reply.status == 200:
            # In another file it could not be noticed: the database tells no checksum.
            if fault in ("jpeg_flip", "jpeg_truncate") and "image/jpeg" not in (reply.get("Content-Type") or ""):
                fault = None
            if fault == "jpeg_flip":
                reply.replace(flip_scan(reply.load(), parameters.get("flips", 64), parameters.get("seed", 0)))
            elif fault == "jpeg_truncate":
                reply.replace(truncate_scan(reply.load(), parameters.get("fraction", 0.5)))
            elif fault == "truncated_json":
                whole = reply.load()
                reply.replace(whole[:int(len(whole) * parameters.get("fraction", 0.5))])
        if fault == "change_etag":
            reply.set("ETag", parameters.get("etag", CHANGED_ETAG))
            reply.set("Last-Modified", email.utils.formatdate(usegmt=True))
            if parameters.get("alter", True) and method != "HEAD":
                reply.replace(bytes(255 - byte for byte in reply.load()))
        if fault == "other_image":
            reply.set("ETag", parameters.get("etag", OTHER_ETAG))
            reply.set("Last-Modified", OTHER_MODIFIED)
        if fault == "wrong_range":
            self._shift_range(reply, parameters.get("shift", 1))
        if fault == "long_length":
            length = int(reply.get("Content-Length") or 0) if method == "HEAD" else len(reply.load())
            reply.set("Content-Length", length + parameters.get("extra", 1000))
        if fault == "short_length":
            size = parameters.get("size", 1000)
            # Of a body that is shorter, as that of a redirect, nothing is missing.
            length = min(size, int(reply.get("Content-Length") or 0) if method == "HEAD" else len(reply.load()))
            reply.replace(reply.load()[:size])
            reply.set("Content-Length", length)
        if fault in ("half_body", "stall_body", "drip"):
            return self._partial(connection, reply, method, fault, parameters)
        unsized = self._send(connection, reply, method)
        return not unsized and fault != "long_length"

    @staticmethod
    def _shift_range(reply, shift):
        given = re.match(r"bytes (\d+)-(\d+)/(\d+|\*)", reply.get("content-range") or "")
        if given:
            first, last, total = int(given[1]), int(given[2]), given[3]
        else:
            size = len(reply.load())
            first, last, total = 0, max(0, size - 1), str(size)
            reply.status, reply.reason = 206, "Partial Content"
        if total != "*":
            total = str(max(int(total), last + shift + 1))
        reply.set("Content-Range", f"bytes {max(0, first + shift)}-{max(0, last + shift)}/{total}")

    def _partial(self, connection, reply, method, fault, parameters):
        body = reply.load() if method != "HEAD" else b""
        connection.sendall(head_bytes(reply.status, reply.reason, reply.headers))
        if method == "HEAD":
            return True
        if fault == "drip":
            step, interval = int(parameters.get("size", 1)), parameters.get("interval", 1.0)
            for start in range(0, len(body), step):
                connection.sendall(body[start:start + step])
                self._wait(connection, interval)
            return True
        connection.sendall(body[:int(len(body) * parameters.get("fraction", 0.5))])
        if fault == "stall_body":
            self._wait(connection, parameters.get("seconds", 3600))
        raise Hangup(abort=parameters.get("abort", False))

    @staticmethod
    def _send(connection, reply, method) -> bool:
        """Sends a reply as it came. Returns whether its end is the end of the connection."""
        if reply.response is None:
            body = b"" if method == "HEAD" else reply.body
            connection.sendall(head_bytes(reply.status, reply.reason, reply.headers) + body)
            return False
        response = reply.response
        has_body = method != "HEAD" and reply.status >= 200 and reply.status not in (204, 304)
        chunked = response.chunked
        headers = reply.headers + ([("Transfer-Encoding", "chunked")] if chunked else [])
        unsized = has_body and not chunked and reply.get("content-length") is None
        if unsized:
            headers.append(("Connection", "close"))
        pending = head_bytes(reply.status, reply.reason, headers)
        if has_body:
            left = response.length
            buffer = memoryview(bytearray(CHUNK))
            while count := response.readinto(buffer):
                part = buffer[:count]
                if chunked:
                    part = pending + chunk_bytes(part)
                elif pending:
                    part = pending + part
                connection.sendall(part)
                pending = b""
                if left is not None:
                    left -= count
            if left:
                # The origin itself broke off: so do we, after what it sent.
                raise Hangup()
            if chunked:
                pending += b"0\r\n\r\n"
        else:
            response.read()
        if pending:
            connection.sendall(pending)
        return unsized
