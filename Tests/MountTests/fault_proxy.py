#!/usr/bin/env python3
"""A reverse proxy that does wrong, on purpose and for real.

    with FaultProxy("http://127.0.0.1:8000") as proxy:
        proxy.add(r"section_image_download", "half_body", count=2)
        proxy.add(r"query\\.json", "503", probability=0.3, seed=7, retry_after=1)
        ... requests to proxy.url ...
        proxy.requests      # what arrived, and which fault it met

It stands in front of an origin and passes everything through faithfully (keep-alive, ranges, HEAD, chunked bodies)
except what a rule says. Rules are tried in order; the first that matches the path with its query, is not used up,
and wins its draw applies. `python fault_proxy.py --self-test` checks every fault. Standard library only.

Faults and their parameters (defaults):

    refuse          closes the listener and every connection; restore() or seconds (None) opens the same port again
    blackhole       the same, but connecting is not refused: nobody answers, as behind a firewall or a cable that is cut
    reset           RST in place of a reply
    close           orderly close in place of a reply
    half_body       announced whole, cut after fraction (0.5), then closed; abort (False) cuts with a RST
    long_length     Content-Length too long by extra (1000), then closed
    short_length    the first size (1000) bytes as if they were all
    wrong_range     206 whose Content-Range is shifted by shift (1)
    ignore_range    200 with the whole file in reply to a range
    stall_headers   no byte for seconds (3600), then closed
    stall_body      fraction (0.5) of the body, then no byte for seconds (3600)
    drip            head at once, then size (1) bytes every interval (1.0) seconds
    delay           the true reply after seconds (1.0)
    429, 503, 500   that status; retry_after (1; None for 500) seconds, or an HTTP date given as text
    status          status code (404)
    html            a log-in page under status 200, as captive portals give it
    empty           status 200 and no bytes
    redirect_loop   302 to the same URL
    jpeg_size       a valid JPEG of width (33) x height (17), components (1), in place of the true one
    body            another body, of any length: body (bytes)
    jpeg_flip       the true JPEG with flips (64) bytes of its scan inverted
    jpeg_truncate   the true JPEG with the scan cut after fraction (0.5), ended properly and padded to its length
    change_etag     the file as a later version: another ETag, honouring If-Range, and other bytes if alter (True)
    other_image     the same part of another file, under another ETag: the path with old (a regular expression) made new
    tls             302 to a TLS listener with a self-signed certificate (see also tls_url)
    truncated_json  the true JSON cut after fraction (0.5), with the length that fits
    huge_json       well-formed JSON of size (1 GiB) bytes, chunked, made on the way
    gzip_bomb       a gzip-encoded JSON that unpacks to size (1 GiB)
"""

from __future__ import annotations

import argparse
import http.client
import random
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from fault_answers import Answers, Request
from fault_bodies import flat_jpeg  # noqa: F401, re-exported for tests that need a valid JPEG
from fault_http import CHUNK, Hangup, Upstream, finish, read_head, shut_listener

FAULTS = (
    "refuse blackhole reset close half_body long_length short_length wrong_range ignore_range stall_headers stall_body drip delay "
    "429 503 500 status html empty redirect_loop jpeg_size jpeg_flip jpeg_truncate body change_etag other_image tls truncated_json "
    "huge_json gzip_bomb"
).split()


@dataclass
class Rule:
    """One wrong. Applies to `count` matching requests (None: all) after the first `after`, each with `probability`.

    `only` "size": requests that ask how long a file is (HEAD, or its first byte alone); "bytes": all others.
    """

    match: str
    fault: str
    count: int | None = None
    probability: float = 1.0
    seed: int = 0
    after: int = 0
    only: str | None = None
    parameters: dict = field(default_factory=dict)
    fired: int = 0
    seen: int = 0

    def __post_init__(self):
        if self.fault not in FAULTS:
            raise ValueError(f"no such fault: {self.fault}")
        self._pattern = re.compile(self.match)
        self._random = random.Random(self.seed)

    def applies(self, purpose: str, path: str) -> bool:
        """Whether this request meets the fault; counts it. Called under the proxy's lock."""
        if (self.only or purpose) != purpose or not self._pattern.search(path):
            return False
        self.seen += 1
        if self.seen <= self.after or (self.count is not None and self.fired >= self.count):
            return False
        if self._random.random() >= self.probability:
            return False
        self.fired += 1
        return True


class FaultProxy(Answers):
    """The proxy. Rules may be changed while it runs; `requests` is a list of Request in order of arrival.

    `redirects` leads from where the origin's redirects led to the path that was asked for. `connections` counts those
    accepted, `peak_active` the most requests that were under way at once, and `errors` holds the proxy's own failures: a
    test may assert that it is empty.
    """

    def __init__(self, origin_base_url: str, host: str = "127.0.0.1", port: int = 0):
        self.origin = urllib.parse.urlsplit(origin_base_url.rstrip("/"))
        self.rules: list[Rule] = []
        self.requests: list[Request] = []
        self.errors: list[Exception] = []
        self.redirects: dict[str, str] = {}
        self.connections = 0
        self.active = 0
        self.peak_active = 0
        self._host, self._port = host, port
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._listener = None
        self._blackhole: list[socket.socket] = []
        self._tls_listener = None
        self._tls_folder = None
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._timers: list[threading.Timer] = []

    # --- life

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    @property
    def tls_url(self) -> str:
        """The same proxy behind a self-signed certificate; the listener is opened on first use (needs openssl)."""
        if self._tls_listener is None:
            self._start_tls()
        return f"https://{self._host}:{self._tls_listener.getsockname()[1]}"

    def start(self) -> "FaultProxy":
        self._stopping.clear()
        self.restore()
        return self

    def stop(self) -> None:
        self._stopping.set()
        for timer in self._timers:
            timer.cancel()
        self.refuse()
        if self._tls_listener is not None:
            shut_listener(self._tls_listener)
            self._tls_listener = None
        if self._tls_folder is not None:
            shutil.rmtree(self._tls_folder, ignore_errors=True)
            self._tls_folder = None
        self._drop_connections()
        for thread in list(self._threads):
            if thread is not threading.current_thread():
                thread.join(10)
        self._threads = []

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # --- control

    def add(
        self, match: str, fault: str, count=None, probability=1.0, seed=0, after=0, only=None, **parameters
    ) -> Rule:
        """Appends a rule."""
        rule = Rule(match, str(fault), count, probability, seed, after, only, parameters)
        with self._lock:
            self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Forgets the rules and the log, and accepts connections again."""
        with self._lock:
            self.rules.clear()
            self.requests.clear()
        self.restore()

    def refuse(self) -> None:
        """Closes the listener and every connection: connecting is refused from now on."""
        self._close_listener()
        self._drop_connections()

    def blackhole(self) -> None:
        """Closes every connection; whoever connects from now on gets no answer at all."""
        self._close_listener()
        listener = self._listen(self._port, backlog=0)
        kept = [listener]
        # Nobody accepts: once the queue is full the kernel drops every SYN.
        while True:
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            kept.append(filler)
            filler.settimeout(0.2)
            try:
                filler.connect((self._host, self._port))
            except TimeoutError:
                break
        with self._lock:
            self._blackhole = kept
        # Only now, so that nobody who was cut off finds the moment between.
        self._drop_connections()

    def _close_listener(self):
        with self._lock:
            listener, self._listener = self._listener, None
            blackhole, self._blackhole = self._blackhole, []
        if listener is not None:
            shut_listener(listener)
        for one in blackhole:
            one.close()

    def restore(self) -> None:
        """Listens again, on the same port."""
        with self._lock:
            if self._listener is not None or self._stopping.is_set():
                return
            for one in self._blackhole:
                one.close()
            self._blackhole = []
            self._listener = self._listen(self._port)
            self._port = self._listener.getsockname()[1]
            listener = self._listener
        self._spawn(self._accept, listener, None)

    def _drop_connections(self):
        with self._lock:
            sockets = list(self._sockets)
        for connection in sockets:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _listen(self, port, backlog=256):
        end = time.monotonic() + 10
        while True:
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((self._host, port))
                listener.listen(backlog)
                return listener
            except OSError:
                # While nobody listened, somebody's outgoing connection may have been given this port.
                listener.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)

    def _start_tls(self):
        openssl = shutil.which("openssl")
        if openssl is None:
            raise RuntimeError("the TLS fault needs the openssl command")
        self._tls_folder = tempfile.mkdtemp(prefix="fault-proxy-")
        key, certificate = Path(self._tls_folder, "key.pem"), Path(self._tls_folder, "certificate.pem")
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=fault-proxy",
             "-addext", f"subjectAltName=IP:{self._host}", "-keyout", key, "-out", certificate],
            check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._tls_listener = self._listen(0)
        self._spawn(self._accept, self._tls_listener, context)

    def _spawn(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        with self._lock:
            self._threads = [t for t in self._threads if t.is_alive() or t.ident is None]
            self._threads.append(thread)
        thread.start()

    # --- connections

    def _accept(self, listener, context):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._sockets.add(connection)
            self._spawn(self._serve, connection, context)

    def _serve(self, plain, context):
        connection, upstream, abort = plain, None, False
        try:
            if context is not None:
                connection = context.wrap_socket(plain, server_side=True)
                with self._lock:
                    self._sockets.discard(plain)
                    self._sockets.add(connection)
            reader = connection.makefile("rb", CHUNK)
            upstream = Upstream(self.origin)
            while not self._stopping.is_set():
                head = read_head(reader)
                if head is None:
                    break
                with self._lock:
                    self.active += 1
                    self.peak_active = max(self.peak_active, self.active)
                try:
                    keep = self._answer(connection, reader, upstream, *head)
                finally:
                    with self._lock:
                        self.active -= 1
                if not keep:
                    break
        except Hangup as hangup:
            abort = hangup.abort
        except (OSError, http.client.HTTPException):
            pass
        except Exception as error:
            # The proxy's own mistake, not a wrong it was asked for: the tests look here.
            self.errors.append(error)
        finally:
            with self._lock:
                self._sockets.discard(connection)
                self._sockets.discard(plain)
            if upstream is not None:
                upstream.close()
            finish(connection, abort)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A reverse proxy that does wrong on purpose.")
    parser.add_argument("--self-test", action="store_true", help="check every fault and exit")
    parser.add_argument("--origin", help="base URL to stand in front of")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", action="append", default=[], metavar="REGEX=FAULT[:PROBABILITY]")
    arguments = parser.parse_args()
    if arguments.self_test:
        import fault_proxy_selftest

        sys.exit(fault_proxy_selftest.main())
    if not arguments.origin:
        parser.error("--origin or --self-test")
    with FaultProxy(arguments.origin, port=arguments.port) as running:
        for text in arguments.fault:
            pattern, _, what = text.rpartition("=")
            name, _, chance = what.partition(":")
            running.add(pattern, name, probability=float(chance or 1))
        print(running.url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
