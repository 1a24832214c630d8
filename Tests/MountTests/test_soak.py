"""The soak of soak.py, twenty seconds as a rule; NEURONFS_SOAK_SECONDS=900 for the long form."""

import json
import os
import random

import model_world
import soak
import soak_causes
from fault_answers import Request


def test_soak(origin, tmp_path):
    seconds = float(os.environ.get("NEURONFS_SOAK_SECONDS", "20"))
    seed = int(os.environ.get("NEURONFS_SOAK_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"NEURONFS_SOAK_SEED={seed}")
    with model_world.ModelWorld(origin.url, soak.MORE_PLANES) as world:
        report = soak.run(world, seconds, seed, tmp_path / "cache", say=print)
    print(json.dumps(report, indent=1))
    assert not report["complaints"], report["complaints"]
    assert sum(report["faults"].values()) > 0
    assert report["operations"] > 0


CLOCK = 1_795_388_569.182 - 1000


def line(reason):
    return (f'2026-11-22T23:02:49.182Z warning fuse host h: {reason} '
            'errno="Input/output error" inode=5 operation=read path=mouse/1/ephys.nwb request=546')


def complaints(text, faults, errors=None, redirects=None):
    """Of a log at second 1000, when `faults` are (second, fault, path)."""
    requests = [Request("GET", path, {}, second, fault) for second, fault, path in faults]
    return soak_causes.unexplained(text, requests, CLOCK, errors or {}, redirects)


def test_an_error_without_a_cause_is_noticed():
    text = line("HTTP status 500")
    assert complaints(text, [(995.0, "500", "/")], {"EIO": 1}) == []
    for faults in [[], [(995.0, "html", "/")], [(900.0, "500", "/")], [(1001.0, "500", "/")], [(995.0, None, "/")]]:
        assert len(complaints(text, faults, {"EIO": 1})) == 1, faults
    assert len(complaints(line("the moon is full"), [(995.0, "500", "/")])) == 1
    assert len(complaints(text, [(995.0, "500", "/")], {"EIO": 2})) == 1
    assert len(complaints(text, [(995.0, "500", "/")], {"ETIMEDOUT": 1})) == 1
    repeated = text.replace("request=", "repeated=3 request=")
    assert complaints(repeated, [(995.0, "500", "/")], {"EIO": 3}) == []
    assert len(complaints(repeated, [(995.0, "500", "/")], {"EIO": 4})) == 1


def test_every_attempt_at_a_url_must_have_met_a_fault():
    text = line("HTTP status 500 after 3 attempts (http://h:1/q?num_rows=1)")
    here, there, other = ((995.0, "500", path) for path in ("/q?num_rows=1", "/cgi-bin/x", "/q?num_rows=12"))
    html = (994.0, "html", "/q?num_rows=1")
    assert complaints(text, [here, html, html]) == [], "the last one told of; the others may be of any kind"
    assert complaints(text, [here, here, there], redirects={"/cgi-bin/x": "/q?num_rows=1"}) == []
    past = (900.0, "500", "/q?num_rows=1")
    for faults in [[here, html], [html] * 3, [other] * 3, [there] * 3, [here, here, other], [here, here, past]]:
        assert len(complaints(text, faults)) == 1, faults
    # A listener that is closed breaks requests that nobody sees.
    closed = (995.0, "refuse", "/another")
    assert complaints(text, [here, closed]) == []
    assert len(complaints(text, [here, (985.0, "refuse", "/another")])) == 1, "long ago"
    assert complaints(line("no connection after 4 attempts (http://h/q)"), [closed]) == []
    # A long URL is cut.
    assert complaints(line("HTTP status 500 after 1 attempt (http://h/q?num...)"), [here]) == []
    assert len(complaints(line("HTTP status 500 after 1 attempt (http://h/r?num...)"), [here])) == 1
    # The attempt that the deadline ended had met nothing.
    late = line("the deadline passed (waiting for the reply; last: HTTP status 500) after 2 attempts (http://h/q?num_rows=1)")
    assert complaints(late, [(995.0, "stall_body", "/q?num_rows=1")]) == []


def test_a_mount_that_stands_still_is_noticed():
    def samples(*requests):
        return [soak.Sample(5.0 * index, 0, 0, 0, count) for index, count in enumerate(requests)]
    assert soak.stall_window(45) == 15 and soak.stall_window(900) == 60
    assert soak.stalls(samples(1, 2, 3, 4, 5), 15) == []
    assert soak.stalls(samples(1, 2, 2, 2, 3), 15 / soak.harness.PATIENCE) == []
    assert soak.stalls(samples(1, 2, 2, 2, 2), 15 / soak.harness.PATIENCE) == ["no request for 15 s at 5 s"] \
        or soak.harness.PATIENCE != 1
