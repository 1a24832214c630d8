#!/usr/bin/env python3
"""A soak: readers for a long time on a mount whose origin fails in two of a hundred replies, in every way there is. The folder
beside the database never fails.

    NEURONFS_BINARY=... python soak.py --seconds 900

Prints what it sees once a minute and a report at the end; ends with 1 when the mount served a wrong byte or an error
that nothing injected explains, stood still, leaked, or did not come to rest. test_soak.py runs the short form.
"""

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

import harness
import model_world
import reliability
import soak_causes

READERS = 8
# Of each of two stacks: with the others 170 MB of pixels, where the daemon keeps 96 MiB in memory.
MORE_PLANES = 14
# Every fault of the proxy but those that stop the listener for good, with parameters that keep a soak moving.
FAULTS = {
    "refuse": {"seconds": 0.05}, "reset": {}, "close": {}, "half_body": {}, "wrong_range": {},
    **model_world.LIES,
    "ignore_range": {}, "stall_headers": {}, "stall_body": {}, "drip": {}, "delay": {"seconds": 0.5},
    "429": {"retry_after": 1}, "503": {"retry_after": 1}, "500": {}, "html": {}, "empty": {}, "redirect_loop": {},
    "jpeg_flip": {}, "jpeg_truncate": {}, "tls": {}, "truncated_json": {},
    "huge_json": {"size": 80 << 20}, "gzip_bomb": {"size": 80 << 20}, "change_etag": {"alter": False},
}
PROBABILITY = 0.02
# What an injected fault may become. ESTALE: a version that changed; ENETDOWN: the host seemed gone for a moment.
ALLOWED = "EIO,ETIMEDOUT,ENETDOWN,ESTALE"
# A soak this long meets every kind of fault: they share two in a hundred of some hundred requests a second.
LONG = 600
# Nobody waits longer than this for one operation: the deadline of each of a whole file's reads, twice, and some.
LONGEST = 120


@dataclasses.dataclass
class Sample:
    seconds: float
    resident: int
    descriptors: int
    threads: int
    requests: int


def sample(pid, start, requests):
    fields = pathlib.Path(f"/proc/{pid}/statm").read_text().split()
    return Sample(
        time.monotonic() - start, int(fields[1]) * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{pid}/fd")),
        len(os.listdir(f"/proc/{pid}/task")), requests)


def run(world, seconds, seed, cache, say=lambda text: None):
    """Soaks and returns a report; `complaints` in it is empty when all was well."""
    complaints, samples = [], []
    environment = dict(reliability.QUICK)
    # A cache that never holds everything, so that the network is asked for as long as the soak lasts.
    options = ["--timeout", "20", "--cache-size", "2M", "--cache-free", "0"]
    mount = world.mount(cache, options, environment=environment)
    with mount:
        rules = [
            world.proxy.add("", fault, probability=PROBABILITY / len(FAULTS), seed=seed + index, **parameters)
            for index, (fault, parameters) in enumerate(FAULTS.items())]
        start, noted, clock = time.monotonic(), 0.0, time.time() - time.monotonic()
        readers = [
            world.reader(mount, seed + number, "--seconds", seconds, "--direct", "--allow", ALLOWED)
            for number in range(READERS)]
        try:
            while any(reader.poll() is None for reader in readers):
                time.sleep(0.5)
                page = reliability.metrics(mount)
                samples.append(sample(mount.pid, start, page["http_requests_total"]))
                if time.monotonic() - start > seconds + LONGEST:
                    complaints.append("readers that do not end")
                    break
                if samples[-1].seconds - noted >= 60:
                    noted = samples[-1].seconds
                    say(f"{noted:.0f} s: {samples[-1]}, {sum(rule.fired for rule in rules)} faults")
            reports = [model_world.finish(reader, 10) for reader in readers]
        finally:
            model_world.end_all(readers)
        fired, requests = {rule.fault: rule.fired for rule in rules}, list(world.proxy.requests)
        world.proxy.clear()
        try:
            reliability.wait_until_idle(mount)
        except AssertionError as error:
            complaints.append(str(error))
        page = reliability.metrics(mount)
        samples.append(sample(mount.pid, start, page["http_requests_total"]))
        # What is repeated is told when its second is over.
        time.sleep(1.5 * harness.PATIENCE)
        log = mount.log_text()
        # The faults are over: everything reads right again, at once or when the host is back.
        name = next(name for name in world.files if name.endswith("skeleton.swc"))
        harness.wait_until(
            lambda: reliability.outcome((mount / name).read_bytes)[0] == (world.truth / name).read_bytes(), 60,
            "recovery after the soak")

    errors, counts = collections.Counter(), collections.Counter()
    if world.sources.is_kept_in(mount.cache):
        complaints.append("the cache has a part of the folder")
    for report in reports:
        errors.update(report["errors"])
        counts.update(report["counts"])
        if report["ended"]:
            complaints.append(f"the mount went away: {report['ended']}")
    if page["cache_corrupt_total"]:
        complaints.append(f"{page['cache_corrupt_total']} corrupt blocks")
    complaints += soak_causes.unexplained(log, requests, clock, errors, world.proxy.redirects)
    longest = max((tuple(report["longest"]) for report in reports), default=(0, ""))
    if longest[0] > LONGEST:
        complaints.append(f"an operation of {longest[0]:.0f} s: {longest[1]}")
    # Afterwards some readers have ended, and the others may be waiting.
    complaints += leaks(samples, seconds >= LONG) + stalls([one for one in samples if one.seconds <= seconds], stall_window(seconds))
    if seconds >= LONG:
        complaints += [f"the fault {fault} never struck" for fault, count in fired.items() if not count]
    return {
        "seconds": seconds, "seed": seed, "operations": sum(counts.values()), "counts": counts, "errors": errors,
        "faults": fired, "longest": longest, "http_retries": page["http_retries_total"],
        "http_requests": page["http_requests_total"], "evicted": page["cache_evicted_total"],
        "first": dataclasses.asdict(samples[len(samples) // 3]), "last": dataclasses.asdict(samples[-1]),
        "peak_resident": max(one.resident for one in samples), "complaints": complaints,
    }


def stall_window(seconds):
    """How long a mount may ask for nothing, s: a minute, and less in a soak that lasts hardly longer."""
    return min(60, seconds / 3)


def leaks(samples, is_long):
    """What grew where it should not have. The first third is for caches to fill; in a short soak they may take longer, so
    that only the bound tells."""
    found = []
    settled = samples[len(samples) // 3:]
    if len(settled) < 10:
        return found
    # Least squares: bytes a second.
    n = len(settled)
    mean_t = sum(one.seconds for one in settled) / n
    mean_r = sum(one.resident for one in settled) / n
    spread = sum((one.seconds - mean_t) ** 2 for one in settled)
    slope = sum((one.seconds - mean_t) * (one.resident - mean_r) for one in settled) / spread
    lasting = settled[-1].seconds - settled[0].seconds
    # A sanitizer's shadow, history and quarantine are most of what is resident.
    if slope * lasting > 64 << 20 and is_long and not harness.SANITIZED:
        found.append(f"resident set grows by {slope * lasting / 2**20:.0f} MiB in {lasting:.0f} s")
    if max(one.resident for one in samples) > 400 << 20 and not harness.SANITIZED:
        found.append("resident set above 400 MiB")
    if samples[-1].descriptors > settled[0].descriptors + 40:
        found.append(f"descriptors: {settled[0].descriptors} to {samples[-1].descriptors}")
    if samples[-1].threads > settled[0].threads + 4:
        found.append(f"threads: {settled[0].threads} to {samples[-1].threads}")
    return found


def stalls(samples, window):
    """A mount that stands still asks for nothing: no stretch of `window` seconds without a request."""
    began = samples[0]
    for one in samples:
        if one.requests != began.requests:
            began = one
        elif one.seconds - began.seconds >= window * harness.PATIENCE:
            return [f"no request for {window:.0f} s at {began.seconds:.0f} s"]
    return []


def main():
    parser = argparse.ArgumentParser(description="Soaks a mount in faults.")
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    cache = tempfile.mkdtemp(prefix="neuronfs-test-soak-")
    try:
        with harness.Origin() as origin, model_world.ModelWorld(origin.url, MORE_PLANES) as world:
            report = run(world, arguments.seconds, arguments.seed, cache, say=lambda text: print(text, flush=True))
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    print(json.dumps(report, indent=1))
    return 1 if report["complaints"] else 0


if __name__ == "__main__":
    sys.exit(main())
