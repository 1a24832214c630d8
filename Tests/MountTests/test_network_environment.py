"""Proxies and certificate authorities are taken from the environment, as every program takes them.

All of it with the real binary: a forward proxy that logs, and TLS under an authority made for the test.
"""

import errno
import json
import os
import urllib.parse

import pytest
import tifffile

from expected import plane_name, plane_pixels, planes
from harness import Mount
from network import NO_PROXY, Authority, ForwardProxy, TLSFront

CELL = 900_000_112
PLANE = 5


@pytest.fixture(scope="module")
def authority():
    with Authority() as authority:
        yield authority


@pytest.fixture
def proxy():
    with ForwardProxy() as proxy:
        yield proxy


@pytest.fixture
def front(origin, authority):
    with TLSFront(origin.url, authority) as front:
        yield front


def mount_of(url, *options, **environment):
    clean = dict(NO_PROXY, SSL_CERT_FILE="", CURL_CA_BUNDLE="", NEURONFS_BACKOFF_BASE="0.05")
    return Mount(url, options=["--timeout", "60", *options], environment=clean | environment)


def reads_right(mount, origin):
    """A plane and its skeleton, compared with what the origin itself gives."""
    folder = mount / "mouse" / str(CELL)
    pixels = plane_pixels(origin.url, planes(folder)[PLANE])
    assert (tifffile.imread(folder / "stack" / plane_name(PLANE)) == pixels).all()
    assert (folder / "skeleton.swc").read_bytes()


def asked_through(proxy, url):
    """Hosts that a proxy was asked for by plain http, and paths on the host of `url`."""
    parts = [urllib.parse.urlsplit(target) for method, target in proxy.log if method != "CONNECT"]
    assert {part.netloc for part in parts} <= {urllib.parse.urlsplit(url).netloc}
    return [part.path for part in parts]


def test_http_goes_through_http_proxy(origin, proxy):
    with mount_of(origin.url, http_proxy=proxy.url) as mount:
        reads_right(mount, origin)
        requests = mount.status()["network"]["requests"]
    paths = asked_through(proxy, origin.url)
    assert len(paths) >= requests, "each request, and each redirect besides"
    for kind in ("query.json", "section_image_download", "imageservice", "well_known_file_download"):
        assert any(kind in path for path in paths), kind
    assert not any(method == "CONNECT" for method, _ in proxy.log)


def test_every_request_tells_the_origin_whom_to_ask(origin, proxy):
    with mount_of(origin.url, http_proxy=proxy.url) as mount:
        reads_right(mount, origin)
        version = json.loads((mount / ".neuronfs" / "config.json").read_text())["version"]
    assert proxy.headers
    assert {headers.get("user-agent") for headers in proxy.headers} == {
        f"neuronfs/{version} (+https://github.com/neuronfs)"}


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_no_proxy_goes_round_it(origin, proxy, name):
    with mount_of(origin.url, **{"http_proxy": proxy.url, "no_proxy": "", name: "example.org,127.0.0.1"}) as mount:
        reads_right(mount, origin)
    assert proxy.log == []


def test_all_proxy_serves_what_has_none_of_its_own(origin, proxy):
    with mount_of(origin.url, all_proxy=proxy.url) as mount:
        reads_right(mount, origin)
    assert asked_through(proxy, origin.url)


def test_upper_case_http_proxy_is_not_used(origin, proxy):
    """As with curl: in a CGI it is a header of the request, so anybody could set it."""
    with mount_of(origin.url, HTTP_PROXY=proxy.url) as mount:
        reads_right(mount, origin)
    assert proxy.log == []


def test_a_proxy_that_is_not_there_is_named(origin):
    with ForwardProxy() as gone:
        pass
    mount = mount_of(origin.url, http_proxy=gone.url, NEURONFS_RETRIES="0")
    try:
        result = mount.start(check=False)
        sentence = result.stderr.strip()
        assert result.returncode != 0 and sentence.count("\n") == 0, sentence
        assert "no connection" in sentence and str(gone.port) in sentence
    finally:
        mount.clean()


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY"])
def test_https_goes_through_a_tunnel(origin, front, authority, proxy, name):
    with mount_of(front.url, **{"SSL_CERT_FILE": str(authority.file), name: proxy.url}) as mount:
        reads_right(mount, origin)
    assert proxy.log and set(proxy.log) == {("CONNECT", f"127.0.0.1:{front.port}")}
    # No connection but through a tunnel. Those for tiles ahead of the reader may end before their handshake.
    assert 0 < front.handshakes <= len(proxy.log)


def test_no_proxy_goes_round_the_tunnel(origin, front, authority, proxy):
    with mount_of(front.url, SSL_CERT_FILE=str(authority.file), https_proxy=proxy.url, no_proxy="127.0.0.1") as mount:
        reads_right(mount, origin)
    assert proxy.log == [] and front.handshakes


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "CURL_CA_BUNDLE"])
def test_an_authority_of_ones_own_is_trusted(origin, front, authority, name):
    with mount_of(front.url, **{name: str(authority.file)}) as mount:
        reads_right(mount, origin)
    assert front.handshakes


def test_a_certificate_of_nobody_known_is_refused_with_a_sentence(front):
    mount = mount_of(front.url)
    try:
        result = mount.start(check=False)
        sentence = result.stderr.strip()
        assert result.returncode != 0 and sentence.count("\n") == 0, sentence
        assert "certificate" in sentence and front.url in sentence
        assert not os.path.ismount(mount.path)
    finally:
        mount.clean()
    assert front.handshakes == 0, "no request was sent to it"


def test_a_file_of_authorities_that_is_not_there_is_named(front):
    mount = mount_of(front.url, SSL_CERT_FILE="/nonexistent/authorities.pem")
    try:
        result = mount.start(check=False)
        sentence = result.stderr.strip()
        assert result.returncode != 0 and sentence.count("\n") == 0, sentence
        assert "/nonexistent/authorities.pem" in sentence
    finally:
        mount.clean()


def test_a_redirect_from_https_to_http_is_refused(origin, authority):
    """The origin's image service names itself by http: the tiles of this one would come unprotected."""
    with TLSFront(origin.url, authority, keeps_https=False) as front:
        with mount_of(front.url, SSL_CERT_FILE=str(authority.file), NEURONFS_RETRIES="0") as mount:
            folder = mount / "mouse" / str(CELL)
            # What needs no redirect is served.
            assert (folder / "skeleton.swc").read_bytes()
            with pytest.raises(OSError) as caught:
                tifffile.imread(folder / "stack" / plane_name(PLANE))
            assert caught.value.errno == errno.EIO
            lines = [line for line in mount.log_text().splitlines() if "redirect from https to http" in line]
            assert lines and all("127.0.0.1" in line for line in lines)
            assert front.plain == 0
            assert all("--allow-http-redirects" in line for line in lines), "the sentence says what would follow it"


@pytest.mark.parametrize("place", ["option", "environment", "file"])
def test_a_redirect_from_https_to_http_is_followed_on_request(origin, authority, tmp_path, place):
    """TLS and plain http on one port, as the redirect names it."""
    options, environment = [], {"XDG_CONFIG_HOME": str(tmp_path)}
    if place == "option":
        options = ["--allow-http-redirects"]
    elif place == "environment":
        environment["NEURONFS_ALLOW_HTTP_REDIRECTS"] = "true"
    else:
        (tmp_path / "neuronfs").mkdir()
        (tmp_path / "neuronfs" / "config.json").write_text('{"allow_http_redirects": true}')
    with TLSFront(origin.url, authority, keeps_https=False) as front:
        with mount_of(front.url, *options, SSL_CERT_FILE=str(authority.file), **environment) as mount:
            reads_right(mount, origin)
            assert "redirect from https" not in mount.log_text()
    assert front.handshakes and front.plain
