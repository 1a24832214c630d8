"""The table of docs/RELIABILITY.md between its markers: what each fault does to each object, as the tests have seen it.

Only what is the same in every run is in it: no times.
"""

import harness

PAGE = harness.ROOT / "docs" / "RELIABILITY.md"
BEGIN, END = "<!-- table of faults: begin -->", "<!-- table of faults: end -->"
HEAD = """\
| Object | Fault | It strikes once: the reader gets | requests | It strikes for ever: the reader gets | requests | blocks kept |
|---|---|---|---|---|---|---|
"""


def words(outcome):
    return {"right": "the right bytes", "no mount": "`mount` fails with one sentence"}.get(outcome, f"`{outcome}`")


def render(results):
    rows = []
    for result in results:
        # A refused connection is no request that anybody could count.
        ever = "-" if result.fault == "connection refused" else str(result.ever_requests)
        once = "-" if result.fault == "connection refused" else str(result.once_requests)
        rows.append(f"| {result.item} | {result.fault} | {words(result.once)} | {once} | {words(result.ever)} | {ever} "
                    f"| {result.kept_blocks} |\n")
    return HEAD + "".join(rows)


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
