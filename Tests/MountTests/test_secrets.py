"""A password in a URL is for its server alone."""

import base64
import os
import pathlib
import re
import signal
import subprocess

import pytest

from harness import Mount, alive, binary, is_mounted, wait_until
from network import NO_PROXY, ForwardProxy
from reliability import blocks, trainable

USER, PASSWORD = "ada", "pa55word"
SECRET = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def with_password(url, password=PASSWORD):
    return url.replace("://", f"://{USER}:{password}@")


def everything_said(mount):
    """The log, the documents, and what other users see of the daemon: its arguments; and its environment."""
    parts = [mount.log.read_bytes()] if mount.log.exists() else []
    if mount.pid:
        parts += [pathlib.Path(f"/proc/{mount.pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        parts += [(mount.path / ".neuronfs" / name).read_bytes() for name in ("status.json", "config.json", "metrics")]
    for name in mount.cache.rglob("*"):
        parts += [str(name).encode()] + ([name.read_bytes()] if name.is_file() and not name.is_symlink() else [])
    for command in (["status"], ["status", "--json"], ["doctor"]):
        result = subprocess.run([binary(), *command, mount.path], capture_output=True, timeout=60, env=mount.environment)
        parts += [result.stdout, result.stderr]
    return b"\0".join(parts)


def is_secret(text):
    assert PASSWORD.encode() not in text and SECRET.encode() not in text


@pytest.fixture
def proxy():
    with ForwardProxy() as proxy:
        yield proxy


def environment_of(proxy, **more):
    return dict(NO_PROXY, http_proxy=proxy.url, **more)


@pytest.mark.parametrize("where", ["option", "-o", "environment", "configuration"])
def test_the_password_of_an_endpoint(origin, proxy, tmp_path, where):
    """The origin gets it, wherever it was said; nobody else sees it, and blocks are the same with another."""
    url = with_password(origin.url)
    file = tmp_path / "config.json"
    file.write_text(f'{{"endpoint": "{url}"}}')
    options = {"-o": ["-o", f"endpoint={url}"], "configuration": ["--config", file]}.get(where, [])
    environment = environment_of(proxy, **({"NEURONFS_ENDPOINT": url} if where == "environment" else {}))
    mount = Mount(url, options=[*options, "--log-level", "debug"], environment=environment)
    if where != "option":
        at = mount.command.index("--endpoint")
        del mount.command[at:at + 2]
    with mount:
        cell = trainable(mount)[0]
        assert (mount / "mouse" / cell / "skeleton.swc").read_bytes()
        assert {headers.get("authorization") for headers in proxy.headers} == {f"Basic {SECRET}"}
        is_secret(everything_said(mount))
        assert mount.status()["endpoint"] == origin.url
        kept = blocks(mount.cache)
        mount.umount()
        wait_until(lambda: not alive(mount.pid), what="end of the daemon")
        with Mount(with_password(origin.url, "another"), cache=mount.cache, options=["--offline"]) as other:
            assert (other / "mouse" / cell / "skeleton.swc").read_bytes()
        assert kept and set(kept) <= set(blocks(mount.cache))


def test_the_password_of_a_proxy(origin, proxy):
    url = with_password(proxy.url)
    with Mount(origin.url, options=["--log-level", "debug"], environment=dict(NO_PROXY, http_proxy=url)) as mount:
        assert (mount / "mouse" / trainable(mount)[0] / "skeleton.swc").read_bytes()
        assert {headers.get("proxy-authorization") for headers in proxy.headers} == {f"Basic {SECRET}"}
        is_secret(everything_said(mount))
        doctor = subprocess.run([binary(), "doctor", mount.path], capture_output=True, text=True, env=mount.environment)
        assert f"through the proxy {proxy.url}" in doctor.stdout


@pytest.mark.parametrize("words", [
    ["mount", "{dir}", "--endpoint", "http://ada:pa55word@127.0.0.1:1"],
    ["mount", "{dir}", "--endpoint", "htp://ada:pa55word@127.0.0.1:1"],
    ["mount", "{dir}", "-o", "endpoint=ada:pa55word@127.0.0.1:1"],
    ["mount", "{dir}", "-o", "http://ada:pa55word@127.0.0.1:1"],
    ["mount", "{dir}", "http://ada:pa55word@127.0.0.1:1"],
    ["doctor", "--endpoint", "http://ada:pa55word@127.0.0.1:1"],
    ["doctor", "--endpoint", "htp://ada:pa55word@127.0.0.1:1"],
    ["http://ada:pa55word@127.0.0.1:1", "{dir}"],
])
def test_no_error_quotes_a_password(tmp_path, words):
    environment = dict(os.environ, **NO_PROXY, XDG_CACHE_HOME=str(tmp_path / "cache"), NEURONFS_RETRIES="0")
    result = subprocess.run([binary(), *(word.format(dir=tmp_path / "mnt") for word in words)], capture_output=True,
                            timeout=120, env=environment)
    assert result.returncode != 0
    assert result.stdout + result.stderr
    is_secret(result.stdout + result.stderr)


def test_the_arguments_of_a_mount_in_the_foreground_are_overwritten(origin, tmp_path):
    """Nobody can keep a user from writing a password on a command line; `ps` shows it for a moment only."""
    mount = Mount(with_password(origin.url), options=["--foreground"], environment=NO_PROXY)
    process = subprocess.Popen(mount.command, env=mount.environment, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_mounted(mount.path), what="the mount")
        mount.pid = process.pid
        shown = pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert PASSWORD.encode() not in shown and origin.url.split("://")[1].encode() in shown
        assert re.search(rb"http://x+@127", shown)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        mount.pid = None
        mount.clean()
