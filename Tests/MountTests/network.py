"""A network as it is in institutes: a forward proxy, a certificate authority, and TLS in front of an origin.

Standard library, the `openssl` command, and for HTTP/2 `nghttpx` (Debian: nghttp2-proxy).
"""

import contextlib
import pathlib
import select
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import urllib.parse

from fault_http import shut_listener
from harness import wait_until

# Whatever proxy the machine that runs the tests has, these tests mean their own.
NO_PROXY = {name: "" for name in (
    "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")}


class Stopped(contextlib.AbstractContextManager):
    """What is stopped at the end of a `with`."""

    def __exit__(self, *_):
        self.stop()


class Authority(Stopped):
    """A certificate authority, and a certificate of it for 127.0.0.1 and localhost. Files in a folder of its own."""

    def __init__(self):
        openssl = shutil.which("openssl")
        assert openssl, "needs the openssl command"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="neuronfs-test-ca-"))
        self.file, self.key, self.certificate = (
            self.folder / name for name in ("authority.pem", "key.pem", "certificate.pem"))
        (self.folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        commands = [
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=neuronfs-test "
            "-keyout authority.key -out authority.pem",
            "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out request.pem",
            "x509 -req -in request.pem -days 2 -CA authority.pem -CAkey authority.key -CAcreateserial -extfile names "
            "-out certificate.pem",
        ]
        for command in commands:
            subprocess.run([openssl, *command.split()], cwd=self.folder, check=True, capture_output=True)

    def stop(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class _Listener(Stopped):
    """Accepts on a free port of 127.0.0.1; `serve(connection)` runs on a thread for each."""

    def __init__(self):
        self._stopping = False
        self._sockets, self._threads, self._lock = set(), [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
            with self._lock:
                self._sockets.add(connection)
                self._threads.append(thread)
            thread.start()

    def _run(self, connection):
        try:
            with contextlib.suppress(OSError):
                self.serve(connection)
        finally:
            with self._lock:
                self._sockets.discard(connection)
            connection.close()

    def stop(self):
        shut_listener(self.listener)
        self._acceptor.join()
        with self._lock:
            sockets, threads = list(self._sockets), list(self._threads)
        for connection in sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)


def pump(left, right, change=bytes, swallows=lambda: False):
    """Passes bytes both ways until one side ends; those from the right through `change`. None while `swallows`."""
    sides = {left: right, right: left}
    while True:
        # What TLS has unpacked already does not show in select.
        ready = [side for side in sides if getattr(side, "pending", int)()] or select.select(list(sides), [], [])[0]
        for side in ready:
            data = side.recv(1 << 18)
            if not data:
                return
            if not swallows():
                sides[side].sendall(change(data) if side is right else data)


def read_head(connection):
    """A head of a request, byte by byte: what follows it belongs to somebody else."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return None
        head += byte
    return head.decode("latin-1").split("\r\n")[:-2]


class ForwardProxy(_Listener):
    """A forward proxy: absolute URIs by plain http, CONNECT for the rest.

    `log` has (method, target) of each request, `headers` its headers by lower-case name.
    """

    def __init__(self):
        self.log, self.headers = [], []
        super().__init__()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def serve(self, connection):
        while lines := read_head(connection):
            method, target, _ = lines[0].split(" ")
            self.log.append((method, target))
            self.headers.append({name.lower(): value.strip() for name, value in (
                line.split(":", 1) for line in lines[1:])})
            if method == "CONNECT":
                host, port = target.rsplit(":", 1)
                with socket.create_connection((host, int(port))) as upstream:
                    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    pump(connection, upstream)
                return
            url = urllib.parse.urlsplit(target)
            if not url.scheme:
                connection.sendall(b"HTTP/1.1 400 Not a proxy request\r\nContent-Length: 0\r\n\r\n")
                return
            kept = [line for line in lines[1:] if not line.lower().startswith(("proxy-connection:", "connection:"))]
            path = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
            with socket.create_connection((url.hostname, url.port or 80)) as upstream:
                head = [f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""]
                upstream.sendall("\r\n".join(head).encode("latin-1"))
                while data := upstream.recv(1 << 18):
                    connection.sendall(data)
            # Its end is the end of the reply: said to the client in the same way.
            return


class Relay(_Listener):
    """Passes bytes through to a port of this machine.

    `reset()` ends every connection with a RST, `freeze()` lets those that stand swallow what comes, without a word.
    """

    def __init__(self, port):
        self.target = port
        self._frozen = set()
        super().__init__()

    def serve(self, connection):
        with socket.create_connection(("127.0.0.1", self.target)) as upstream:
            pump(connection, upstream, swallows=lambda: connection in self._frozen)

    def freeze(self):
        """How many connections were frozen. Those that come later are passed on."""
        with self._lock:
            self._frozen |= self._sockets
            return len(self._frozen)

    def reset(self):
        """How many connections were cut."""
        with self._lock:
            sockets = list(self._sockets)
        for connection in sockets:
            # Both directions stay open for the thread that pumps; it meets the error and closes, which sends the RST.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.shutdown(socket.SHUT_RD)
        return len(sockets)


class TLSFront(_Listener):
    """TLS in front of an origin, passing bytes through; `handshakes` counts those that succeeded.

    Who speaks plain http to the same port is served, too, and counted in `plain`.

    - keeps_https: whether the origin's redirects to itself, which name it by http, name it by https to the client.
    """

    def __init__(self, origin_url, authority, keeps_https=True):
        self.origin = urllib.parse.urlsplit(origin_url)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(authority.certificate, authority.key)
        self.keeps_https = keeps_https
        self.handshakes = self.plain = 0
        super().__init__()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def serve(self, connection):
        # A record of a TLS handshake begins with 22.
        if connection.recv(1, socket.MSG_PEEK) != b"\x16":
            self.plain += 1
            with socket.create_connection((self.origin.hostname, self.origin.port)) as upstream:
                pump(connection, upstream)
            return
        with self.context.wrap_socket(connection, server_side=True) as secured:
            self.handshakes += 1
            with socket.create_connection((self.origin.hostname, self.origin.port)) as upstream:
                pump(secured, upstream, self.passed_on)

    def passed_on(self, reply):
        # The origin writes the head of a reply at once, so it is not cut in two here.
        wrong, right = (f"\r\nLocation: {scheme}://127.0.0.1:{self.port}/".encode() for scheme in ("http", "https"))
        return reply.replace(wrong, right) if self.keeps_https else reply


class HTTP2Front(Stopped):
    """nghttpx in front of an origin: HTTP/2 over TLS. `log()` has (protocol, status, method, path) of each request."""

    def __init__(self, origin_url, authority, *options):
        binary = shutil.which("nghttpx") or shutil.which("nghttpx", path="/usr/sbin")
        assert binary, "needs nghttpx: scripts/setup --tests"
        origin = urllib.parse.urlsplit(origin_url)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="neuronfs-test-h2-"))
        self.access = self.folder / "access"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        command = [
            binary, f"--frontend=127.0.0.1,{self.port}", f"--backend={origin.hostname},{origin.port}",
            f"--accesslog-file={self.access}", f"--errorlog-file={self.folder / 'errors'}",
            "--accesslog-format=$alpn $status $method $path $connection_id", "--workers=1", "--no-ocsp",
            "--conf=/dev/null", *options, authority.key, authority.certificate,
        ]
        command[-2:] = map(str, command[-2:])
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(self._answers, 20, "nghttpx")
        except BaseException:
            self.stop()
            raise

    def _answers(self):
        assert self.process.poll() is None, (self.folder / "errors").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def log(self):
        return [tuple(line.split()) for line in self.access.read_text().splitlines()] if self.access.exists() else []

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
