"""kill -9 at random moments under load: nothing that was cached is lost, and no wrong byte is ever served.

Twelve times as a rule; NEURONFS_CRASHES=50 for the long form (`make crash-test`).
"""

import os
import random

import pytest

import harness
import model_world
import reliability

CRASHES = int(os.environ.get("NEURONFS_CRASHES", "12"))
READERS = 3
# Small enough that a piece needs few blocks, large enough that thousands are not needed.
STEP = 512 << 10


@pytest.fixture(scope="module")
def world(origin):
    with model_world.ModelWorld(origin.url) as world:
        yield world


def test_kill_under_load(world, tmp_path):
    seed = int(os.environ.get("NEURONFS_CRASH_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"NEURONFS_CRASH_SEED={seed}")
    draw = random.Random(seed)
    mount = harness.Mount(world.proxy.url, cache=tmp_path / "cache", options=["--cache-free", "0"])
    known, pieces, most = set(), [], 0
    try:
        for number in range(CRASHES):
            mount.start()
            readers = [world.reader(mount, draw.randrange(1 << 32), "--seconds", 30, "--direct") for _ in range(READERS)]
            try:
                model_world.kill_after(mount, draw.randrange(40 << 20), readers)
                for reader in readers:
                    report = model_world.finish(reader, 60)
                    assert report is None or report["ended"], report
            finally:
                model_world.end_all(readers)
            assert harness.is_mounted(mount.path), "the dead mount stays until it is mounted over"
            # Over the dead mount, without the network: whatever is served now comes from what survived.
            requests = len(world.proxy.requests)
            offline = harness.Mount(
                world.proxy.url, cache=mount.cache, path=mount.path, options=["--cache-free", "0", "--offline"])
            try:
                offline.start()
                now = world.readable(offline, STEP)
                assert known <= now, f"lost after crash {number}: {sorted(known - now)[:5]}"
                assert reliability.metrics(offline)["cache_corrupt_total"] == 0
                assert len(world.proxy.requests) == requests
                known = now
                pieces.append(len(known))
                most = max(most, len(known))
                result = offline.umount()
                assert result.returncode == 0, result.stderr
                harness.wait_until(lambda: not harness.alive(offline.pid), what="end of the daemon")
            finally:
                offline.clean()
            if number % 4 == 3:
                # So that there is something to write again.
                for path in reliability.blocks(mount.cache):
                    os.unlink(path)
                known = set()
    finally:
        mount.clean()
    print(f"{CRASHES} crashes, right pieces after each: {pieces}")
    assert most > 50, "the load has filled the cache"
