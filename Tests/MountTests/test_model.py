"""Random operations on a mount that is faulted, starved of cache, remounted and killed, against a dictionary of bytes.

Beside the database the mount has a folder, of which no answer may be an error while the daemon lives.

Everything is drawn from one seed, which a failure shows; repeat it with NEURONFS_MODEL_SEED. What processes do at the
same time is not drawn, so a seed is worth trying more than once. Seeds that failed become REGRESSIONS.
"""

import collections
import os
import random

import pytest

import harness
import model_world
import reliability

EPOCHS = 12
READERS = 4
OPERATIONS = 450
LEAST = 10_000
# A seed that has not seen everything by then is a mistake of this test.
MOST_EPOCHS = 60
# An empty reply without a validator was taken for a changed file; a JPEG of another size as well.
# HEAD told a false length, which was taken as true for ever. A projection was not decoded, and so corrupt ones were served.
REGRESSIONS = [3836912166, 3278654734, 105]

# Faults that are tried again, so that few of them become a reader's error.
MENDED = [
    "reset", "close", "half_body", "long_length", "short_length", "wrong_range", "ignore_range", "429", "503", "500",
    "html", "empty", "jpeg_size", "jpeg_flip", "jpeg_truncate", "truncated_json", "delay", "stall_headers", "stall_body",
    "drip",
]
# Faults that are not, and the host that is gone for a moment. A changed version has rules of its own: other bytes are right.
FAULTS = MENDED + ["redirect_loop", "tls", "huge_json", "gzip_bomb", "refuse"]
PARAMETERS = model_world.LIES | {
    "429": {"retry_after": 0}, "503": {"retry_after": 0}, "delay": {"seconds": 0.2}, "refuse": {"seconds": 0.05},
    "huge_json": {"size": 80 << 20}, "gzip_bomb": {"size": 80 << 20},
}
# Each of them takes seconds.
RARELY = {"stall_headers": 0.2, "stall_body": 0.2, "drip": 0.2}
# Of ten faults that are tried again in a gentle epoch at most one may reach a reader. Without retries it is every third.
MOST_ERRORS = 0.1
ENOUGH_FAULTS = 40
ALLOWED = "EIO,ETIMEDOUT,ENETDOWN"


def seeds():
    given = os.environ.get("NEURONFS_MODEL_SEED")
    return [int(given)] if given else ["new", *REGRESSIONS]


@pytest.fixture(scope="module")
def world(origin):
    with model_world.ModelWorld(origin.url) as world:
        yield world


class Epoch:
    """The life of one daemon: its options, its faults, and how it ends."""

    def __init__(self, draw, number):
        self.has_faults = draw.random() < 0.5
        self.is_killed = draw.random() < 0.4
        self.cache = draw.choice(["1M", "4M", "16M", "1G"])
        self.seeds = [draw.randrange(1 << 32) for _ in range(READERS)]
        self.fault_seed = draw.randrange(1 << 32)
        self.probability = draw.choice([0.1, 0.3, 0.1])
        # Bytes served before it is killed.
        self.kill_after = draw.randrange(60 << 20)
        self.number = number
        more = random.Random(self.fault_seed)
        self.is_gentle = self.has_faults and more.random() < 0.4
        self.changes = self.has_faults and not self.is_gentle
        if self.is_gentle:
            # Many requests, so that there is something to count.
            self.cache, self.probability = "1M", 0.1

    def options(self, world):
        words = ["--operations", OPERATIONS, "--direct", "--versions", world.versions]
        # A page of a memory map that cannot be had is a SIGBUS, not an errno.
        return words + (["--allow", ALLOWED] if self.has_faults else [] if self.is_killed else ["--maps"])

    def add_faults(self, world):
        rules = []
        if self.changes:
            rules.append(world.proxy.add(fault="other_image", probability=0.3, seed=self.fault_seed, **world.change))
        faults = MENDED if self.is_gentle else FAULTS
        for index, fault in enumerate(faults):
            rules.append(world.proxy.add(
                "", fault, probability=self.probability / len(faults) * RARELY.get(fault, 1), seed=self.fault_seed + index,
                **PARAMETERS.get(fault, {})))
        return rules


@pytest.mark.parametrize("seed", seeds())
def test_model(world, tmp_path, seed):
    seed = random.SystemRandom().randrange(1 << 32) if seed == "new" else seed
    print(f"NEURONFS_MODEL_SEED={seed}")
    draw = random.Random(seed)
    counts, errors, tally = collections.Counter(), collections.Counter(), collections.Counter()
    mount = world.mount(tmp_path / "cache")
    try:
        # Until every kind of thing has happened: a seed that draws no kill in twelve epochs proves nothing of kills.
        while tally["epochs"] < EPOCHS or counts.total() < LEAST or not has_everything(tally):
            assert tally["epochs"] < MOST_EPOCHS, tally
            for report in live(world, mount, Epoch(draw, tally["epochs"]), tally):
                counts.update(report["counts"])
                errors.update(report["errors"])
        world.proxy.clear()
        start(mount, "1G", {})
        world.compare_whole(mount)
        assert reliability.metrics(mount)["cache_corrupt_total"] == 0
        assert not world.sources.is_kept_in(mount.cache)
    finally:
        world.proxy.clear()
        mount.clean()
    print(f"{counts.total()} operations: {dict(counts)}; {dict(tally)}; errors allowed: {dict(errors)}")
    assert tally["gentle errors"] <= MOST_ERRORS * tally["gentle faults"] + 2, "what fails for a moment is tried again"


def has_everything(tally):
    return (all(tally[name] > 0 for name in ("kills", "remounts", "evictions", "changes"))
            and tally["faults"] > ENOUGH_FAULTS and tally["gentle faults"] > ENOUGH_FAULTS)


def start(mount, cache_size, environment):
    """Mounts, also over a dead mount, and also while the origin is faulty."""
    command = list(mount.command)
    mount.command = [*command, "--cache-size", cache_size, "--cache-free", "0", "--timeout", "20"]
    mount.environment = dict(os.environ, **environment)
    try:
        mount.start()
    finally:
        mount.command = command


def live(world, mount, epoch, tally):
    """One epoch; adds to `tally` what has happened in it, and returns what its readers report."""
    world.proxy.clear()
    tally["epochs"] += 1
    # The list of cells comes first: a mount without one is refused, which is another test's matter.
    start(mount, epoch.cache, reliability.QUICK if epoch.has_faults else {})
    rules = epoch.add_faults(world) if epoch.has_faults else []
    readers = [world.reader(mount, seed, *epoch.options(world)) for seed in epoch.seeds]
    try:
        if epoch.is_killed:
            tally["evictions"] += model_world.kill_after(mount, epoch.kill_after, readers)["cache_evicted_total"]
        reports = [report for reader in readers if (report := model_world.finish(reader, 120))]
    finally:
        model_world.end_all(readers)
    tally["changes"] += sum(rule.fired for rule in rules if rule.fault == "other_image")
    tally["faults"] += sum(rule.fired for rule in rules if rule.fault != "other_image")
    if epoch.is_gentle:
        tally["gentle faults"] += sum(rule.fired for rule in rules)
        # ESTALE is no failure: planes that an epoch before had changed are the old ones again.
        tally["gentle errors"] += sum(
            count for report in reports for name, count in report["errors"].items() if name != "ESTALE")
    if epoch.is_killed:
        tally["kills"] += 1
    else:
        assert len(reports) == len(readers) and not any(report["ended"] for report in reports), reports
        world.proxy.clear()
        reliability.wait_until_idle(mount)
        page = reliability.metrics(mount)
        assert page["cache_corrupt_total"] == 0
        tally["evictions"] += page["cache_evicted_total"]
        result = mount.umount()
        assert result.returncode == 0, result.stderr
        harness.wait_until(lambda: not harness.alive(mount.pid), what="end of the daemon")
        tally["remounts"] += 1
    return reports
