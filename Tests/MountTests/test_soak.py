"""The soak of soak.py, three quarters of a minute as a rule; NEURONFS_SOAK_SECONDS=900 for the long form."""

import json
import os
import random

import model_world
import soak
import soak_causes
from fault_answers import Request


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


def test_an_error_without_a_cause_is_noticed():
    line = ('2026-11-22T23:02:49.182Z warning fuse host h: HTTP status 500 after 4 attempts '
            'errno="Input/output error" request=546')
    clock = 1_795_388_569.182 - 1000

    def complaints(text, faults, errors):
        return soak_causes.unexplained(text, [Request("GET", "/", {}, *fault) for fault in faults], clock, errors)

    assert complaints(line, [(995.0, "500")], {"EIO": 1}) == []
    for faults in [[], [(995.0, "html")], [(900.0, "500")], [(1001.0, "500")], [(995.0, None)]]:
        assert len(complaints(line, faults, {"EIO": 1})) == 1, faults
    assert len(complaints(line.replace("HTTP status 500", "the moon is full"), [(995.0, "500")], {})) == 1
    assert len(complaints(line, [(995.0, "500")], {"EIO": 2})) == 1
    assert len(complaints(line, [(995.0, "500")], {"ETIMEDOUT": 1})) == 1
