"""kill -9 at random moments under load: nothing that was cached is lost, and no wrong byte is ever served. A folder beside
the database is read whole after each kill.

Twelve times as a rule; NEURONFS_CRASHES=50 for the long form (`make crash-test`). Every second time the cache is so small
that the kill finds it giving up blocks.
"""

import os
import random
import subprocess

import pytest

import harness
import model_world
import reliability

CRASHES = int(os.environ.get("NEURONFS_CRASHES", "12"))
READERS = 3
LARGE, SMALL = "1G", "4M"


@pytest.fixture(scope="module")
def world(origin):
    with model_world.ModelWorld(origin.url) as world:
        yield world


def crash(world, mount, draw):
    """One life under load, and its end. Returns how many blocks it had given up."""
    mount.start()
    # Longer than any of them lives.
    readers = [world.reader(mount, draw.randrange(1 << 32), "--seconds", 600, "--direct") for _ in range(READERS)]
    try:
        page = model_world.kill_after(mount, draw.randrange(40 << 20), readers)
        for reader in readers:
            report = model_world.finish(reader, 60)
            assert report is None or report["ended"], report
    finally:
        model_world.end_all(readers)
    assert harness.is_mounted(mount.path), "the dead mount stays until it is mounted over"
    return page["cache_evicted_total"]


def verify(cache):
    """The program that looks at every block by itself finds none that is damaged."""
    result = subprocess.run([harness.binary(), "cache", "verify", "--cache-dir", cache], capture_output=True, text=True,
                            timeout=120 * harness.PATIENCE)
    assert result.returncode == 0 and " 0 damaged" in result.stdout, result.stdout + result.stderr


def survivors(world, mount):
    """Over the dead mount, without the network: whatever is served comes from what survived. Every cached byte is compared."""
    requests = len(world.proxy.requests)
    offline = world.mount(mount.cache, ["--cache-free", "0", "--offline"], path=mount.path)
    try:
        offline.start()
        pages = world.readable(offline)
        assert world.sources.read(offline)[0] == "right"
        assert reliability.metrics(offline)["cache_corrupt_total"] == 0
        assert len(world.proxy.requests) == requests
        result = offline.umount()
        assert result.returncode == 0, result.stderr
        harness.wait_until(lambda: not harness.alive(offline.pid), what="end of the daemon")
        return pages
    finally:
        offline.clean()


def test_kill_under_load(world, tmp_path):
    seed = int(os.environ.get("NEURONFS_CRASH_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"NEURONFS_CRASH_SEED={seed}")
    draw = random.Random(seed)
    mount = world.mount(tmp_path / "cache")
    command = mount.command
    known, pages, evicted = set(), [], 0
    try:
        for number in range(CRASHES):
            size = SMALL if number % 2 else LARGE
            mount.command = [*command, "--cache-free", "0", "--cache-size", size]
            evicted += crash(world, mount, draw)
            verify(mount.cache)
            assert not world.sources.is_kept_in(mount.cache)
            now = survivors(world, mount)
            # What a small cache has given up is not lost.
            assert size == SMALL or known <= now, f"lost after crash {number}: {sorted(known - now)[:5]}"
            known = now
            # Labels are drawn from few blocks: what tells how much is cached is the images.
            pages.append(sum(name.startswith("mouse/") and "/stack/" in name for name, _ in known))
        mount.command = [*command, "--cache-free", "0", "--cache-size", LARGE]
        mount.start()
        world.compare_whole(mount)
        assert reliability.metrics(mount)["cache_corrupt_total"] == 0
    finally:
        mount.clean()
    print(f"{CRASHES} crashes, right pages of images after each: {pages}; {evicted} blocks given up before the kills")
    assert max(pages) > 1000, "the load has filled the cache"
    assert evicted > 0, "kills have met a cache that gives up blocks"
