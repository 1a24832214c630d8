"""What the mount tells of itself: status.json counts what was really done, and .neuronfs/metrics is Prometheus text."""

import os
import re
import subprocess
import sys
import threading

import pytest

import reliability
from command_line import cells, planes
from fault_proxy import FaultProxy
from gate import Gate
from harness import Mount, wait_until

# A page of a plane behind its header, on one tile or on two beside each other.
FIRST = 64 << 10
TILES = "cgi-bin/imageservice"


def read_page(plane, offset=FIRST):
    return reliability.outcome(lambda: reliability.read_at(plane, offset, reliability.PAGE))[1]


def asked(proxy):
    """Requests for tiles so far."""
    return sum(TILES in request.path for request in list(proxy.requests))


def network(mount):
    reliability.wait_until_idle(mount)
    return mount.status()["network"]


def quiet(origin_url, cache, *options):
    """A mount that asks for nothing by itself."""
    return Mount(origin_url, cache=cache, options=["--read-ahead", "0", *options],
                 environment={"NEURONFS_BACKOFF_BASE": "0.05"})


# Past the page cache: the kernel waits for nothing that it asked for by itself.
READER = """
import mmap, os, sys
os.preadv(os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT), [mmap.mmap(-1, 4096)], 65536)
"""


# status.json

def test_the_hit_rate_is_of_what_was_looked_for(origin, tmp_path):
    with FaultProxy(origin.url) as proxy:
        with quiet(proxy.url, tmp_path / "cache") as mount:
            name = planes(cells(mount)[0], 1)[0].relative_to(mount.path)
            assert mount.status()["cache"]["hit_rate"] == 0, "nothing looked for, and no division by it"
            assert read_page(mount / name) is None
            reliability.wait_until_idle(mount)
            cache, tiles = mount.status()["cache"], asked(proxy)
            assert (cache["hits"], cache["hit_rate"], cache["blocks"]) == (0, 0, tiles) and tiles > 0
        # Without memory of the tiles, so that the disk is asked.
        with quiet(proxy.url, tmp_path / "cache") as mount:
            assert read_page(mount / name) is None
            cache = mount.status()["cache"]
            assert (cache["hits"], cache["misses"], cache["hit_rate"]) == (tiles, 0, 1)
            assert asked(proxy) == tiles
            # What is lost on the way is missed once it is looked for.
            for path in reliability.blocks(mount.cache):
                os.unlink(path)
            (mount / name).read_bytes()
            reliability.wait_until_idle(mount)
            cache = mount.status()["cache"]
            assert cache["hits"] >= tiles and cache["misses"] > 0
            assert cache["hit_rate"] == cache["hits"] * 1000 // (cache["hits"] + cache["misses"]) / 1000
            assert 0 < cache["hit_rate"] < 1


def test_a_block_that_is_fetched_was_missed(origin, tmp_path):
    with FaultProxy(origin.url) as proxy, quiet(proxy.url, tmp_path / "cache") as mount:
        assert read_page(planes(cells(mount)[0], 1)[0]) is None
        reliability.wait_until_idle(mount)
        assert mount.status()["cache"]["misses"] == asked(proxy) > 0


def test_retries_and_failures_are_counted(origin, tmp_path):
    with FaultProxy(origin.url) as proxy, quiet(proxy.url, tmp_path / "cache") as mount:
        first, second = (cell / "skeleton.swc" for cell in cells(mount)[:2])
        assert first.stat().st_size and second.stat().st_size
        before = network(mount)
        rule = proxy.add("well_known_file_download", "503", count=2, retry_after=0)
        first.read_bytes()
        after = network(mount)
        assert rule.fired == 2
        assert (after["retries"] - before["retries"], after["failed"] - before["failed"]) == (2, 0)
        # Not tried again, but the kernel asks twice.
        rule = proxy.add("well_known_file_download", "status", code=404)
        assert reliability.outcome(second.read_bytes)[1] == "EIO"
        last = network(mount)
        assert rule.fired > 0
        assert (last["retries"] - after["retries"], last["failed"] - after["failed"]) == (0, rule.fired)
        assert last["requests"] - after["requests"] == rule.fired
        page = reliability.metrics(mount)
        assert (page["http_retries_total"], page["http_failures_total"]) == (last["retries"], last["failed"])
        assert page['http_faults_total{kind="status"}'] == 2 + rule.fired


def test_what_nobody_waits_for_has_not_failed(origin, tmp_path):
    with Gate(origin.url) as gate, quiet(gate.url, tmp_path / "cache") as mount:
        plane = planes(cells(mount)[0], 1)[0]
        assert read_page(plane, 0) is None
        before = network(mount)["failed"]
        gate.hold(TILES)
        reader = subprocess.Popen([sys.executable, "-c", READER, plane])
        try:
            wait_until(lambda: gate.active > 0, 60, "a request")
        finally:
            reader.kill()
            reader.wait()
        wait_until(lambda: mount.status()["readers"]["waiting"] == 0, 60, "the end of the wait")
        gate.release()
        assert network(mount)["failed"] == before


def test_what_is_under_way_is_told(origin, tmp_path):
    with Gate(origin.url) as gate, quiet(gate.url, tmp_path / "cache") as mount:
        plane = planes(cells(mount)[0], 1)[0]
        assert read_page(plane, 0) is None
        assert network(mount)["in_flight"] == 0
        gate.hold(TILES)
        reader = subprocess.Popen([sys.executable, "-c", "import sys; open(sys.argv[1], 'rb').read()", plane])
        try:
            # Not more than may be under way at one host.
            wait_until(lambda: 0 < mount.status()["network"]["in_flight"] == gate.active <= 8, 60, "requests under way")
            status = mount.status()
            assert status["readers"]["waiting"] > 0
            wait_until(lambda: mount.status()["readers"]["oldest_wait_seconds"] > status["readers"]["oldest_wait_seconds"],
                       60, "the wait to grow")
            gate.release()
            assert reader.wait(120) == 0
        finally:
            gate.release()
            reader.kill()
            reader.wait()
        assert network(mount)["in_flight"] == 0
        assert mount.status()["readers"]["waiting"] == 0


class TwoHosts(FaultProxy):
    """Sends whoever wants a picture to itself under another name."""

    def _through(self, location):
        target = super()._through(location)
        return target.replace("127.0.0.1", "localhost") if TILES in target else target


def test_the_slowest_host_is_named(origin, tmp_path):
    with TwoHosts(origin.url) as proxy, quiet(proxy.url, tmp_path / "cache") as mount:
        plane = planes(cells(mount)[0], 1)[0]
        before = network(mount)
        assert before["slowest_host"] == "127.0.0.1" and before["slowest_host_latency_seconds"] > 0
        delay = 1 + 10 * before["slowest_host_latency_seconds"]
        proxy.add(TILES, "delay", seconds=delay)
        assert read_page(plane) is None
        after = network(mount)
        assert after["slowest_host"] == "localhost"
        assert after["slowest_host_latency_seconds"] >= delay * 0.99


# metrics

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
LABELS = re.compile(rf"\{{(?:{LABEL})(?:,{LABEL})*,?\}}")
SAMPLE = re.compile(rf"({NAME.pattern})((?:{LABELS.pattern})?) ([+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|Inf)|NaN)( -?\d+)?")
HELP = re.compile(rf"# HELP ({NAME.pattern}) ((?:[^\\]|\\[\\n])*)")
TYPE = re.compile(rf"# TYPE ({NAME.pattern}) (counter|gauge|histogram|summary|untyped)")


def parse(text):
    """Families of the Prometheus text format 0.0.4: {name: (type, {labels: value})}.

    Stricter than a scraper: every family has its HELP, then its TYPE, then its samples, all in one place and once.
    """
    assert text.endswith("\n")
    families, name, wants = {}, None, "help"
    for line in text.split("\n"):
        if not line:
            continue
        if line.startswith("# HELP"):
            name, _ = HELP.fullmatch(line).groups()
            assert wants != "type" and wants != "first sample", f"{line}: the family before it has no sample"
            assert name not in families, f"{name} comes twice"
            wants = "type"
        elif line.startswith("# TYPE"):
            typed, kind = TYPE.fullmatch(line).groups()
            assert wants == "type" and typed == name, f"{line}: not behind its HELP"
            families[name], wants = (kind, {}), "first sample"
        else:
            assert not line.startswith("#"), f"a comment: {line}"
            match = SAMPLE.fullmatch(line)
            assert match, f"no sample: {line!r}"
            assert wants in ("first sample", "sample") and match[1] == name, f"{line}: not behind its TYPE"
            samples = families[name][1]
            assert match[2] not in samples, f"{line}: comes twice"
            samples[match[2]], wants = float(match[3]), "sample"
    assert wants == "sample", "the last family has no sample"
    return families


def scrape(mount):
    return parse((mount / ".neuronfs" / "metrics").read_text())


def check(families):
    for name, (kind, samples) in families.items():
        assert name.startswith("neuronfs_") and kind in ("counter", "gauge"), name
        assert name.endswith("_total") == (kind == "counter"), f"{name} is a {kind}"
        assert all(value >= 0 and value == int(value) for value in samples.values()), name


def fell(before, after):
    """Samples of counters that fell or went away."""
    return [f"{name}{labels}: {value} to {after.get(name, ('', {}))[1].get(labels)}"
            for name, (kind, samples) in before.items() if kind == "counter"
            for labels, value in samples.items() if not after.get(name, ("", {}))[1].get(labels, -1) >= value]


def test_the_parser_is_strict():
    good = '# HELP a_total x\n# TYPE a_total counter\na_total{k="v"} 1\na_total{k="w"} 2\n\n'
    assert parse(good) == {"a_total": ("counter", {'{k="v"}': 1, '{k="w"}': 2})}
    for bad in [good.rstrip("\n"), good.replace("# HELP a_total x\n", ""), good.replace("# TYPE a_total counter\n", ""),
                good.replace("w", "v"), good + good, good.replace(" 2", " two"), good.replace("{k", "{1k"),
                good.replace("a_total 1", "b_total 1").replace('a_total{k="v"}', "b_total"), "# HELP a x\n# TYPE a gauge\n",
                good.replace("counter", "number"), good.replace("a_total", "a-total")]:
        with pytest.raises((AssertionError, AttributeError)):
            parse(bad)
    assert fell(parse(good), parse(good.replace(" 2", " 3"))) == []
    assert len(fell(parse(good), parse(good.replace(" 2", " 1")))) == 1
    assert len(fell(parse(good), parse(good.replace('a_total{k="w"} 2\n', "")))) == 1


def test_metrics_are_prometheus_text(origin, tmp_path):
    """Before anything was done, in the middle of work with faults and evictions, and afterwards."""
    # So many retries that no tile uses them up: a fault that is not tried again is not counted as a retry.
    options = ["--cache-size", "1M", "--cache-free", "0", "--retries", "20"]
    with FaultProxy(origin.url) as proxy, quiet(proxy.url, tmp_path / "cache", *options) as mount:
        pages = [scrape(mount)]
        folder = cells(mount)[0]
        failures = []

        def work(number):
            try:
                for plane in planes(folder, 3, first=3 * number):
                    plane.read_bytes()
            except OSError as error:
                failures.append(error)
        proxy.add(TILES, "500", probability=0.1, seed=1)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            pages.append(scrape(mount))
        for thread in threads:
            thread.join()
        reliability.wait_until_idle(mount)
        pages.append(scrape(mount))
        assert not failures
        for page in pages:
            check(page)
        for before, after in zip(pages, pages[1:]):
            assert fell(before, after) == []
        first, last = pages[0], pages[-1]
        for name in ("http_requests", "http_retries", "http_received_bytes", "fetch_flights", "cache_misses", "cache_evicted",
                     "served_bytes"):
            name = f"neuronfs_{name}_total"
            assert last[name][1][""] > first[name][1][""], f"{name} counts what was done"
        assert last["neuronfs_http_faults_total"][1]['{kind="status"}'] == last["neuronfs_http_retries_total"][1][""]
        for gauge in reliability.GAUGES:
            assert last[f"neuronfs_{gauge}"] == ("gauge", {"": 0})
