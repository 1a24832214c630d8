"""The soak of soak.py, three quarters of a minute as a rule; NEURONFS_SOAK_SECONDS=900 for the long form."""

import json
import os
import random

import model_world
import soak


def test_soak(origin, tmp_path):
    seconds = float(os.environ.get("NEURONFS_SOAK_SECONDS", "45"))
    seed = int(os.environ.get("NEURONFS_SOAK_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"NEURONFS_SOAK_SEED={seed}")
    with model_world.ModelWorld(origin.url, soak.MORE_PLANES) as world:
        report = soak.run(world, seconds, seed, tmp_path / "cache", say=print)
    print(json.dumps(report, indent=1))
    assert not report["complaints"], report["complaints"]
    assert sum(report["faults"].values()) > 0
    assert report["operations"] > 0
