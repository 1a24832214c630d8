"""How long a reader may wait for the error of a fault that stays: computed from the time-outs, never measured.

One request: every attempt waits for what the fault withholds, and rests before the next one. The kernel asks for the same
thing again before it tells a process of an error, and every question ends with --timeout at the latest.
"""

import dataclasses
import math

import harness
import reliability

ATTEMPTS = 4
# What a server asked for with Retry-After in the cases (fault_cases.FAULTS).
RETRY_AFTER = 1
# TransportConfiguration.backoffCeiling.
LONGEST_PAUSE = 15
# For work that no time-out is about: 80 MB through a proxy in Python, a handshake, twelve cases on two busy cores. Less than
# --timeout, which is what a wait that nothing else ends would take.
SLACK = 15


@dataclasses.dataclass(frozen=True)
class Timeouts:
    """Seconds, as the options of the same names."""

    first_byte: float
    stall: float
    backoff_base: float
    timeout: float


DEFAULT = Timeouts(30, 20, 0.5, 60)
TESTED = Timeouts(
    float(reliability.QUICK["NEURONFS_FIRST_BYTE_TIMEOUT"]), float(reliability.QUICK["NEURONFS_STALL_TIMEOUT"]),
    float(reliability.QUICK["NEURONFS_BACKOFF_BASE"]), 30)


def tested(fault):
    """The time-outs of the mount of a case."""
    # Four tries with the shortest pauses may all fall into the moment in which nobody listens.
    return dataclasses.replace(TESTED, backoff_base=1) if fault == "connection refused" else TESTED


# What is not withheld is noticed when it happens: a refused connection, a reset, a wrong reply.
WITHHELD = {"stall in the head": "first_byte", "stall in the body": "stall", "1 byte a second": "stall"}
# The kernel asks twice for a page; for the size of a skeleton thrice, once on the way to it, for the dates of its folder.
# It tells of a list's error at once.
QUESTIONS = {"size of a file": 3, "rows of a cell": 1, "list of cells": 1}
PAGE_QUESTIONS = 2


def once(fault, item):
    """The longest that one fault among good replies holds a reader up, s. A refused connection stays so for some tries."""
    timeouts = tested(fault)
    if fault == "connection refused":
        return ever(fault, item, False, timeouts)
    return _wait(fault, timeouts) + _pauses(fault, 2, timeouts)


def ever(fault, item, is_final, timeouts):
    """The longest until a reader is told of a fault that stays, s. `is_final`: it is not tried again."""
    attempts = 1 if is_final else ATTEMPTS
    question = attempts * _wait(fault, timeouts) + _pauses(fault, attempts, timeouts)
    questions = QUESTIONS.get(item, PAGE_QUESTIONS)
    asked_alike = questions * min(timeouts.timeout, question)
    if "Retry-After" not in fault:
        return asked_alike
    # The host is busy, and stays so for the next question: that one makes a single request, after the next longer pause.
    return max(asked_alike, _pauses(fault, attempts + questions - 1, timeouts))


def _wait(fault, timeouts):
    return getattr(timeouts, WITHHELD[fault]) if fault in WITHHELD else 0


def _pauses(fault, attempts, timeouts):
    """Rests between so many attempts, s: at most the base, twice it, four times it, ...; or what the server asked for."""
    least = RETRY_AFTER if "Retry-After" in fault else 0
    return sum(min(LONGEST_PAUSE, max(least, timeouts.backoff_base * 2 ** number)) for number in range(attempts - 1))


def allowed(bound):
    """What a test lets something take that is to be over within `bound` s."""
    return (bound + SLACK) * harness.PATIENCE


def words(fault, item, is_final):
    """The bound as the table has it, in whole seconds: that of the tests, and that of a mount with the default time-outs."""
    if is_final:
        return "at once"
    tests, default = (math.ceil(ever(fault, item, is_final, times)) for times in (tested(fault), DEFAULT))
    return f"{tests} ({default})"
