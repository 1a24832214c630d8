"""HTTP/2 is spoken where the origin offers it: nghttpx, with a certificate of its own, in front of the demo origin.

nghttpx's access log names the protocol and the connection of each request.
"""

import concurrent.futures
import os
import signal
import subprocess
import time

import pytest
import tifffile

from expected import plane_name, plane_pixels, planes
from gate import Gate
from harness import Mount, wait_until
from network import NO_PROXY, Authority, HTTP2Front, Relay
from recorded_origin import RecordedOrigin
from reliability import metrics, outcome, read_at, wait_until_idle

CELL = 900_000_112
IMAGES = "image_download|imageservice"
ROWS = "SubImage|ProjectionImage|NeuronReconstruction"


@pytest.fixture(scope="module")
def authority():
    with Authority() as authority:
        yield authority


@pytest.fixture
def gate(origin):
    with Gate(origin.url) as gate:
        yield gate


@pytest.fixture
def front(gate, authority):
    with HTTP2Front(gate.url, authority) as front:
        yield front


def mount_of(url, authority, *options, **more):
    environment = dict(
        NO_PROXY, CURL_CA_BUNDLE="", SSL_CERT_FILE=str(authority.file), NEURONFS_BACKOFF_BASE="0.05", **more)
    return Mount(url, options=["--timeout", "60", *options], environment=environment)


def spoken(front):
    return {entry[0] for entry in front.log()}


def connections(front):
    return {entry[4] for entry in front.log()}


def truth(origin, folder, index):
    return plane_pixels(origin.url, planes(folder)[index])


def test_every_request_is_http2_and_every_byte_right(origin, front, authority):
    with mount_of(front.url, authority, "--log-level", "debug") as mount:
        folder = mount / "mouse" / str(CELL)
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            pieces = list(pool.map(lambda n: read_at(folder / "stack" / plane_name(n), 20_480, 4096), range(64)))
        for index in range(0, 64, 9):
            path = folder / "stack" / plane_name(index)
            assert pieces[index] == path.read_bytes()[20_480:24_576]
            assert (tifffile.imread(path) == truth(origin, folder, index)).all()
        assert (folder / "skeleton.swc").read_bytes()
        assert metrics(mount)["cache_corrupt_total"] == 0
        wait_until_idle(mount)
        answered = [line for line in mount.log_text().splitlines() if " answered " in line]
    log = front.log()
    assert len([entry for entry in log if "imageservice" in entry[3]]) >= 64
    assert spoken(front) == {"h2"} and {entry[1] for entry in log} <= {"200", "206", "302"}
    assert answered and all(" http=HTTP/2 " in line for line in answered), "as the mount's own log says"
    assert len(connections(front)) <= 8, "the bound on connections holds under multiplexing, too"
    assert len(log) > 10 * len(connections(front)), "and they are kept"


def test_http1_is_spoken_to_an_origin_that_has_no_more(origin, gate, authority):
    with HTTP2Front(gate.url, authority, "--npn-list=http/1.1") as front:
        with mount_of(front.url, authority) as mount:
            folder = mount / "mouse" / str(CELL)
            assert (tifffile.imread(folder / "stack" / plane_name(3)) == truth(origin, folder, 3)).all()
        assert spoken(front) == {"http/1.1"}


def test_an_aborted_look_up_harms_no_stream_beside_its_own(origin, gate, front, authority):
    """Requests share connections: the end of one cancels its stream, not the connection of the others."""
    with mount_of(front.url, authority) as mount:
        folder = mount / "mouse" / str(CELL)
        there = sorted(os.listdir(folder / "stack"))[:6]
        gate.hold(f"{IMAGES}|{ROWS}")
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            reads = [pool.submit(outcome, (folder / "stack" / name).read_bytes) for name in there]
            aborted = subprocess.Popen(["ls", mount / "mouse" / "900000120"])
            try:
                # Six tiles and two questions: all that one host is given.
                wait_until(lambda: metrics(mount)["http_in_flight"] == 8, 60, "requests under way")
                aborted.send_signal(signal.SIGKILL)
                assert aborted.wait(30) == -signal.SIGKILL
                wait_until(lambda: metrics(mount)["http_in_flight"] == 6, 30, "end of the aborted questions")
                assert not any(read.done() for read in reads)
            finally:
                aborted.kill()
                aborted.wait()
                gate.release()
            assert [read.result()[1] for read in reads] == [None] * 6
        for name in there:
            assert (tifffile.imread(folder / "stack" / name) == truth(origin, folder, int(name.split(".")[0]))).all()
        assert "stack" in os.listdir(mount / "mouse" / "900000120")
        assert metrics(mount)["http_retries_total"] == 0, "nobody else's stream was torn"
    assert spoken(front) == {"h2"} and len(connections(front)) < 8, "they did share connections"


def test_a_reset_connection_is_made_good(origin, gate, front, authority):
    """A RST ends all the streams of a connection at once: each is asked for again, and no byte is wrong."""
    with Relay(front.port) as relay, mount_of(f"https://127.0.0.1:{relay.port}", authority) as mount:
        folder = mount / "mouse" / str(CELL)
        os.listdir(folder / "stack")
        gate.hold(IMAGES)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            reads = [pool.submit(outcome, (folder / "stack" / plane_name(index)).read_bytes) for index in range(16)]
            try:
                wait_until(lambda: mount.status()["readers"]["waiting"] >= 16, 60, "waiting readers")
                wait_until(lambda: gate.active >= 6, 60, "tiles that are held")
                held = gate.active
                assert relay.reset() > 0
                # By the transport, or by libcurl itself when a connection it has used before gave no byte.
                wait_until(lambda: gate.active >= 2 * held, 30, "another request for each tile")
            finally:
                gate.release()
            results = [read.result() for read in reads]
        assert [code for _, code in results] == [None] * 16
        for index in (0, 7, 15):
            path = folder / "stack" / plane_name(index)
            assert (tifffile.imread(path) == truth(origin, folder, index)).all()
        assert metrics(mount)["cache_corrupt_total"] == 0
    assert spoken(front) == {"h2"}


@pytest.fixture(scope="module")
def remembered(origin, authority):
    """HTTP/2 in front of an origin that has drawn already what is read here, and some of its pixels: whoever waits two
    seconds for a reply is not to wait for a busy machine."""
    with RecordedOrigin(origin.url) as recorded, Gate(recorded.url) as gate, HTTP2Front(gate.url, authority) as front:
        with Mount(gate.url) as mount:
            folder = mount / "mouse" / str(CELL)
            for index in [*range(17), *range(20, 30)]:
                assert (folder / "stack" / plane_name(index)).read_bytes()
            truths = {index: truth(origin, folder, index) for index in (0, 1, 9, 16)}
        yield front, truths


@pytest.mark.parametrize("silence, options", [
    (2, []),
    (2, ["--retries", "0"]),
    # Readers give up before the transport does.
    (6, ["--timeout", "2"]),
])
def test_a_connection_that_dies_without_a_word_is_given_up(remembered, authority, silence, options):
    """As when a router forgets it. Requests that wait on it do not keep it for those that come, nor does the prober."""
    front, truths = remembered
    patience = {"NEURONFS_FIRST_BYTE_TIMEOUT": str(silence), "NEURONFS_STALL_TIMEOUT": "1.5"}
    with Relay(front.port) as relay, mount_of(
            f"https://127.0.0.1:{relay.port}", authority, *options, **patience) as mount:
        stack = mount / "mouse" / str(CELL) / "stack"

        def reads_at_last(index):
            """Asks again and again, as a program does that somebody restarts."""
            wait_until(lambda: outcome((stack / plane_name(index)).read_bytes)[1] is None, 60, f"plane {index}")
        reads_at_last(0)
        assert (tifffile.imread(stack / plane_name(0)) == truths[0]).all()
        assert relay.freeze() > 0
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(reads_at_last, range(1, 17)))
        for index in (1, 9, 16):
            assert (tifffile.imread(stack / plane_name(index)) == truths[index]).all()
        assert not mount.status()["network"]["unreachable"]
        assert metrics(mount)["cache_corrupt_total"] == 0

        # Once the doubt is over, connections are kept and shared again.
        wait_until_idle(mount)
        time.sleep(silence + 0.5)
        before = metrics(mount)["http_connections_total"]
        for index in range(20, 30):
            reads_at_last(index)
        assert metrics(mount)["http_connections_total"] - before <= 2
    assert spoken(front) == {"h2"}
