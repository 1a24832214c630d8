"""The matrix of faults and objects: what is done to which request, and how one case is run on a mount of its own."""

import dataclasses
import os
import pathlib
import re
import shutil
import tempfile
import time

import fault_bounds
import fault_kills
import harness
import reliability
import two_sources
from fault_proxy import FaultProxy

# Beyond the 64 MiB that a JSON reply may have.
BOMB = 80 << 20

# The fault as the table names it, its name and parameters in the proxy.
FAULTS = {
    "connection refused": ("refuse", {}),
    "reset": ("reset", {}),
    "closed without a reply": ("close", {}),
    "half a body": ("half_body", {}),
    "too long a length": ("long_length", {}),
    "part with a wrong range": ("wrong_range", {}),
    "200 for a range": ("ignore_range", {}),
    "stall in the head": ("stall_headers", {}),
    "stall in the body": ("stall_body", {}),
    "1 byte a second": ("drip", {}),
    "429, Retry-After": ("429", {"retry_after": 1}),
    "503, Retry-After": ("503", {"retry_after": 1}),
    "500": ("500", {}),
    "404": ("status", {"code": 404}),
    "HTML with 200": ("html", {}),
    "empty body with 200": ("empty", {}),
    "redirect loop": ("redirect_loop", {}),
    "TLS failure": ("tls", {}),
    "JPEG of a wrong size": ("jpeg_size", {}),
    "corrupt JPEG": ("jpeg_flip", {}),
    "cut JPEG of full length": ("jpeg_truncate", {}),
    "changed in mid-file": ("change_etag", {}),
    "truncated JSON": ("truncated_json", {}),
    "huge JSON": ("huge_json", {}),
    "gzip bomb": ("gzip_bomb", {"size": BOMB}),
}
ANYWHERE = {
    "connection refused", "reset", "closed without a reply", "half a body", "too long a length", "stall in the head",
    "stall in the body", "1 byte a second", "429, Retry-After", "503, Retry-After", "500", "404", "HTML with 200",
    "empty body with 200", "redirect loop", "TLS failure",
}
RANGES = {"part with a wrong range", "200 for a range", "changed in mid-file"}
JPEGS = {"part with a wrong range", "JPEG of a wrong size", "corrupt JPEG", "cut JPEG of full length",
         "changed in mid-file"}
PICTURES = {"JPEG of a wrong size", "corrupt JPEG", "cut JPEG of full length"}
JSONS = {"truncated JSON", "huge JSON", "gzip bomb"}
# The length of a file is asked for by its first byte: all of that body is its end.
SIZES = ANYWHERE - {"1 byte a second"} | {"part with a wrong range", "200 for a range"}
OBJECTS = {
    "image tile": ANYWHERE | JPEGS, "projection": ANYWHERE | PICTURES, "skeleton": ANYWHERE | RANGES, "recording": ANYWHERE | RANGES,
    "size of a file": SIZES, "rows of a cell": ANYWHERE | JSONS, "list of cells": ANYWHERE | JSONS,
}
CASES = [(fault, item) for item, faults in OBJECTS.items() for fault in FAULTS if fault in faults]

# What the reader sees. A fault that passes is not seen at all, one that stays is EIO, a wait that ends ETIMEDOUT.
WAITS = {"stall in the head", "stall in the body", "1 byte a second"}
# Asking again would not help, or would do harm: the mount does not.
FINAL = {"404", "redirect loop", "TLS failure", "huge JSON", "gzip bomb"}
# But the kernel reads a page a second time before it tells of an error, and the size of a skeleton is asked for on the
# way to it, for the dates of its folder, before it is needed. What is asked once fails at once.
ASKED_ONCE = {"rows of a cell", "list of cells"}


# Three requests that find nobody listening, of whatever readers, and the host is held to be gone.
GONE = "EIO, then ENETDOWN"


def expected(fault, item):
    """What the reader is to see (once, for ever)."""
    if fault == "200 for a range":
        return "right", "right"
    if fault == "changed in mid-file":
        # Once: the kernel's second question finds the file as it was. A plane is held to have changed, and back.
        return ("ESTALE" if item == "image tile" else "right"), "ESTALE"
    if fault == "empty body with 200" and item in ("skeleton", "recording"):
        # The whole, without a validator, in reply to a part of a version: when it stays so, it is another version.
        return "right", "ESTALE"
    error = "ETIMEDOUT" if fault in WAITS else GONE if fault == "connection refused" else "EIO"
    ever = "no mount" if item == "list of cells" else error
    return (ever if fault in FINAL and item in ASKED_ONCE else "right"), ever


def least_fired(fault, item):
    """How often a fault that stays is met at least: more than once where anything is tried again."""
    # Nobody listens any more after the first; a plane that has changed is told so without being asked about again.
    if fault == "connection refused" or (fault, item) == ("changed in mid-file", "image tile"):
        return 1
    return 1 if fault in FINAL and item in ASKED_ONCE else 2


def bounds(fault, item):
    """Seconds within which the reader is to have what it gets: (once, for ever)."""
    return (fault_bounds.once(fault, item),
            fault_bounds.ever(fault, item, fault in FINAL, fault_bounds.tested(fault)))


TIMEOUT = fault_bounds.TESTED.timeout
# Inside the second extent of a recording, and inside the third.
MIDDLE, FAR = 3 << 19, 5 << 19
PAGE = reliability.PAGE


@dataclasses.dataclass
class Result:
    """What one case showed. An outcome is "right", "WRONG" or the name of an errno."""

    fault: str
    item: str
    once: str = ""
    once_fired: int = 0
    once_requests: int = 0
    once_pause: float = 0
    once_seconds: float = 0
    ever: str = ""
    ever_fired: int = 0
    ever_requests: int = 0
    ever_seconds: float = 0
    kept_blocks: int = 0
    cached_during: str = ""
    recovered: str = ""
    offline: str = ""
    offline_requests: int = 0
    corrupt: int = -1
    timed_out: int = -1
    killed_seconds: float = 0
    beside: str = ""
    beside_seconds: float = 0
    beside_kept: bool = True
    crash: str = ""


def is_starved(result):
    """Whether the reader got an errno that was not to be, or waited too long, as it may when the case gets no processor."""
    seen = result.once, result.ever
    if result.crash or "WRONG" in (*seen, result.beside):
        return False
    once, ever = bounds(result.fault, result.item)
    return (seen != expected(result.fault, result.item) or result.once_seconds > fault_bounds.allowed(once)
            or result.ever_seconds > fault_bounds.allowed(ever)
            or result.beside_seconds > two_sources.QUICKLY * harness.PATIENCE)


class Target:
    """The two objects of a case: one read while the fault strikes once, one while it strikes for ever."""

    def __init__(self, world, item):
        self.world, self.item = world, item
        first, second = world.cells[0], world.cells[1]
        self.pattern, self.only = {
            # One of the four tiles that a page of the plane lies on; not the redirect that leads to it.
            "image tile": (r"cgi-bin/imageservice.*&left=513&top=513&", "bytes"),
            "projection": (r"cgi-bin/imageservice.*/m(in|ax)_x", "bytes"),
            "skeleton": (r"well_known_file_download", "bytes"),
            "recording": (r"well_known_file_download", "bytes"),
            "size of a file": (world.skeletons, "size"),
            "rows of a cell": (r"model::SubImage", "bytes"),
            "list of cells": (r"model::ApiCellTypesSpecimenDetail", "bytes"),
        }[item]
        row = 700
        self.places = {
            "image tile": [(f"mouse/{first}/stack/0003.tif", row), (f"mouse/{first}/stack/0005.tif", row)],
            "projection": [(f"mouse/{cell}/projections/min_xy.jpg", PAGE) for cell in (first, second)],
            "skeleton": [(f"mouse/{first}/skeleton.swc", 0), (f"mouse/{second}/skeleton.swc", 0)],
            "recording": [(f"mouse/{first}/ephys.nwb", MIDDLE), (f"mouse/{second}/ephys.nwb", FAR)],
            "size of a file": [(f"mouse/{first}/skeleton.swc", 0), (f"mouse/{second}/skeleton.swc", 0)],
            "rows of a cell": [(f"mouse/{first}/stack", None), (f"mouse/{second}/stack", None)],
            "list of cells": [("cells.json", None), ("cells.json", None)],
        }[item]

    def read(self, mount, which):
        """"right", "WRONG", or the errno that the reader gets."""
        name, offset = self.places[which]
        path, truth = mount / name, self.world.truth
        if self.item == "image tile":
            offset = self.world.row_offset(name, offset)
        if offset is None and self.item == "rows of a cell":
            got, code = reliability.outcome(lambda: sorted(os.listdir(path)))
            expected = truth[name]
        elif offset is None:
            got, code = reliability.outcome(path.read_bytes)
            expected = truth[name]
        elif self.item == "size of a file":
            got, code = reliability.outcome(lambda: os.stat(path).st_size)
            expected = len(truth[name])
        else:
            got, code = reliability.outcome(lambda: reliability.read_at(path, offset, reliability.PAGE))
            expected = truth[name][offset:offset + reliability.PAGE]
        return code or ("right" if got == expected else "WRONG")

    def way(self, which):
        """How a process is to read the object as `read` does: for `fault_kills`."""
        name, offset = self.places[which]
        if self.item == "image tile":
            offset = self.world.row_offset(name, offset)
        return {"rows of a cell": "names", "size of a file": "size"}.get(self.item, str(offset))

    def whole(self, mount, which):
        """Every byte of the object that the disk has, offline: "right", "WRONG", or an errno that is not ENETDOWN."""
        name, _ = self.places[which]
        truth = self.world.truth[name]
        if not isinstance(truth, bytes):
            return self.read(mount, which)
        try:
            reliability.right_pages(mount / name, truth)
        except reliability.Unlike as unlike:
            return str(unlike)
        return "right"

    def forget(self, mount, which):
        """So that the next read asks the daemon."""
        name, _ = self.places[which]
        if self.item in ("image tile", "projection", "skeleton", "recording"):
            reliability.forget_pages(mount / name)

    def asked(self, proxy):
        """Requests for the object so far."""
        return len(self.times(proxy))

    def times(self, proxy):
        return [request.time for request in list(proxy.requests) if self.matches(request)]

    def pause(self, proxy):
        """Seconds between the first request for the object and the second."""
        times = self.times(proxy)
        return times[1] - times[0] if len(times) > 1 else 0.0

    def matches(self, request):
        return request.purpose == self.only and re.search(self.pattern, request.path) is not None


def run(world, fault, item):
    """Runs one case; never raises, so that its siblings go on."""
    result = Result(fault, item)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="neuronfs-test-case-"))
    try:
        with FaultProxy(world.origin_url) as proxy:
            if fault == "TLS failure":
                # Making the certificate takes longer than a short connect time-out.
                assert proxy.tls_url
            if item == "list of cells":
                _run_start(world, result, proxy, folder)
            else:
                _run_mounted(world, result, proxy, folder)
                _run_killed(world, result, proxy, folder)
        result.beside_kept = world.sources.is_kept_in(folder)
    except Exception as error:
        result.crash = f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return result


def timed(action):
    """(result, seconds)"""
    start = time.monotonic()
    return action(), time.monotonic() - start


def _strike(proxy, target, fault, count):
    name, parameters = FAULTS[fault]
    # The listener is closed by the first request that comes, and opened again in time for the second.
    extra = {"seconds": 0.03} if name == "refuse" and count == 1 else {}
    if name == "change_etag" and target.item == "image tile":
        # Inverted, a JPEG is none; the version alone tells.
        extra = {"alter": False}
    return proxy.add(target.pattern, name, count=count, only=target.only, **parameters, **extra)


def _mount(world, fault, proxy, cache, *options):
    environment = dict(reliability.QUICK, NEURONFS_BACKOFF_BASE=str(fault_bounds.tested(fault).backoff_base))
    return world.sources.mount(proxy.url, ["--timeout", TIMEOUT, *options], cache=cache, environment=environment)


def _run_mounted(world, result, proxy, folder):
    target = Target(world, result.item)
    cache = folder / "cache"
    reliability.copy_catalogue(world.template(result.item), world.origin_url, cache, proxy.url)
    with _mount(world, result.fault, proxy, cache) as mount:
        if result.fault == "changed in mid-file":
            # The version is that of what was read before.
            prepare(world, target, mount)
        proxy.requests.clear()
        rule = _strike(proxy, target, result.fault, 1)
        result.once, result.once_seconds = timed(lambda: target.read(mount, 0))
        result.once_fired = rule.fired
        result.once_requests, result.once_pause = target.asked(proxy), target.pause(proxy)
        proxy.clear()
        if result.once != "right":
            harness.wait_until(lambda: target.read(mount, 0) == "right", 60, "recovery from one fault")
        reliability.wait_until_idle(mount)

        before = reliability.metrics(mount)["cache_blocks"]
        # What the recovery asked for is not to be counted below.
        proxy.requests.clear()
        rule = _strike(proxy, target, result.fault, None)
        result.ever, result.ever_seconds = timed(lambda: target.read(mount, 1))
        result.ever_fired = rule.fired
        if rule.fault == "refuse" and result.ever in ("EIO", "ENETDOWN"):
            result.ever = GONE
        result.ever_requests = target.asked(proxy) if rule.fault != "refuse" else 0
        target.forget(mount, 0)
        result.cached_during = target.read(mount, 0)
        reliability.wait_until_idle(mount)
        result.kept_blocks = reliability.metrics(mount)["cache_blocks"] - before

        proxy.clear()
        end = time.monotonic() + 60
        while (state := target.read(mount, 1)) != "right" and state != "WRONG" and time.monotonic() < end:
            time.sleep(0.05)
        result.recovered = state
        reliability.wait_until_idle(mount)
        page = reliability.metrics(mount)
        result.corrupt, result.timed_out = page["cache_corrupt_total"], page["readers_timed_out_total"]
    proxy.clear()
    with _mount(world, result.fault, proxy, cache, "--offline") as mount:
        states = {target.read(mount, which) for which in (0, 1)} | {target.whole(mount, which) for which in (0, 1)}
        result.offline = "right" if states == {"right"} else " ".join(sorted(states))
        result.corrupt += reliability.metrics(mount)["cache_corrupt_total"]
    result.offline_requests = len(proxy.requests)


def _run_killed(world, result, proxy, folder):
    """Two processes read the object while the fault stays, until SIGKILL. Meanwhile the folder is read."""
    target = Target(world, result.item)
    cache = folder / "killed"
    reliability.copy_catalogue(world.template(result.item), world.origin_url, cache, proxy.url)
    with _mount(world, result.fault, proxy, cache) as mount:
        if result.fault == "changed in mid-file":
            prepare(world, target, mount)
        _strike(proxy, target, result.fault, None)

        def read_beside():
            result.beside, result.beside_seconds = world.sources.read(mount)
        result.killed_seconds = fault_kills.killed(mount / target.places[0][0], target.way(0), read_beside)
        proxy.clear()


def prepare(world, target, mount):
    """Reads what teaches the mount the version of both objects, without the blocks that the case will ask for."""
    for name, _ in target.places:
        if target.item == "image tile":
            reliability.read_at(mount / name, 0, reliability.PAGE)
        else:
            os.stat(mount / name)


def _run_start(world, result, proxy, folder):
    """The list of cells is asked for by `neuronfs mount` itself: a fault for ever makes it fail with one sentence."""
    target = Target(world, result.item)
    first, other = (_mount(world, result.fault, proxy, folder / name) for name in ("cache", "other"))
    try:
        rule = _strike(proxy, target, result.fault, 1)
        result.once, result.once_seconds = timed(lambda: _start(first, target, proxy))
        result.once_fired = rule.fired
        result.once_requests, result.once_pause = target.asked(proxy), target.pause(proxy)
        proxy.clear()
        if result.once != "right":
            first.start()
            proxy.requests.clear()
        rule = _strike(proxy, target, result.fault, None)
        result.ever, result.ever_seconds = timed(lambda: _start(other, target, proxy))
        result.ever_fired = rule.fired
        result.ever_requests = target.asked(proxy) if rule.fault != "refuse" else 0
        result.kept_blocks = len(reliability.blocks(folder / "other"))
        result.cached_during = target.read(first, 0)
        result.beside, result.beside_seconds = world.sources.read(first)
        proxy.clear()
        if result.ever != "right":
            other.start()
        result.recovered = target.read(other, 0)
        page = reliability.metrics(other)
        result.corrupt, result.timed_out = page["cache_corrupt_total"], page["readers_timed_out_total"]
    finally:
        first.clean()
        other.clean()
    proxy.clear()
    with _mount(world, result.fault, proxy, folder / "other", "--offline") as mount:
        result.offline = target.read(mount, 0)
    result.offline_requests = len(proxy.requests)


def _start(mount, target, proxy):
    """Starts a mount that needs the list of cells: "right", "WRONG", "no mount", or what is wrong with the sentence."""
    refused = mount.start(check=False)
    if refused.returncode == 0:
        return target.read(mount, 0)
    sentence = refused.stderr.strip()
    return "no mount" if len(sentence.split("\n")) == 1 and proxy.url in sentence else f"UNCLEAR: {sentence}"
