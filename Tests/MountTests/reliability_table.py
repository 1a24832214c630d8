"""The table of docs/RELIABILITY.md between its markers: what each fault does to each object, as the tests have seen it.

Only what is the same in every run is in it: of times the bounds, which are computed (fault_bounds), not what was measured.
"""

import re

import fault_bounds
import fault_cases
import harness

PAGE = harness.ROOT / "docs" / "RELIABILITY.md"
BEGIN, END = "<!-- table of faults: begin -->", "<!-- table of faults: end -->"
HEAD = """\
| Object | Fault | It strikes once: the reader gets | requests | It strikes for ever: the reader gets | requests \
| error within, s (by default) | blocks kept |
|---|---|---|---|---|---|---|---|
"""


def words(outcome):
    return {"right": "the right bytes", "no mount": "`mount` fails with one sentence"}.get(
        outcome, re.sub(r"[A-Z]{3,}", r"`\g<0>`", outcome))


# A refused connection is no request that anybody could count; and when a connection that was kept turns out to be closed,
# libcurl itself asks again on a new one, which depends on how many were kept. A change is noticed by whichever tile comes
# first.
UNCOUNTED = {"connection refused", "reset", "closed without a reply"}


def within(result):
    if result.ever == "right":
        return "-"
    return fault_bounds.words(result.fault, result.item, result.fault in fault_cases.FINAL)


def render(results):
    rows = []
    for result in results:
        counts = [result.once_requests, result.ever_requests]
        once, ever = ["-", "-"] if result.fault in UNCOUNTED or "changed" in result.fault else counts
        # A page of a plane lies on four tiles; how many of the good ones arrive before it has failed is chance.
        kept = "at most 3" if result.item == "image tile" else result.kept_blocks
        rows.append(f"| {result.item} | {result.fault} | {words(result.once)} | {once} | {words(result.ever)} | {ever} "
                    f"| {within(result)} | {kept} |\n")
    return HEAD + "".join(rows)


def without_counts(table):
    """The table but for its numbers: a machine so slow that a true reply comes too late sees one request more."""
    return re.sub(r"\| \d+ (?=\|)", "| # ", table)


def _parts():
    text = PAGE.read_text()
    before, rest = text.split(BEGIN + "\n")
    table, after = rest.split(END)
    return before, table, after


def read():
    return _parts()[1]


def write(table):
    before, _, after = _parts()
    PAGE.write_text(f"{before}{BEGIN}\n{table}{END}{after}")
