"""The common parts of the benchmarks in this folder: the mount and its control, interleaved rounds, tables,
docs/BENCHMARKS.md.
"""

import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "MountTests"))

import harness  # noqa: E402

DOCUMENT = ROOT / "docs" / "BENCHMARKS.md"
MIB = 1 << 20


def control_binary(name):
    """A C control, built by run.sh."""
    path = pathlib.Path(os.environ.get("CONTROL_DIR", HERE / ".build")) / name
    if not path.exists():
        sys.exit(f"{path} is not there: start with {HERE}/run.sh, which builds it")
    return str(path)


class OtherMount:
    """A mount by another program. `command` may name {path}, the mount point, and {folder}, a folder of its own."""

    def __init__(self, command, read_ahead_kib):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="neuronfs-bench-"))
        self.path = self.folder / "mnt"
        self.command = command
        self.read_ahead_kib = read_ahead_kib

    def __enter__(self):
        self.path.mkdir(exist_ok=True)
        # A session of its own, as a daemon has: the scheduler divides the time among sessions (sched_autogroup).
        self.process = subprocess.Popen(
            [part.format(path=self.path, folder=self.folder) for part in self.command],
            stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            harness.wait_until(lambda: harness.is_mounted(self.path), what=f"the mount of {self.command[0]}")
            set_read_ahead(self.path, self.read_ahead_kib)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if harness.is_mounted(self.path):
            subprocess.run(["umount", "-l", str(self.path)], check=False)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __truediv__(self, name):
        return self.path / name

    @property
    def pid(self):
        return self.process.pid


class Control(OtherMount):
    """The C server of zeros.c on the tree of a manifest, with the same kernel read-ahead as the other mount."""

    def __init__(self, lines, read_ahead_kib):
        super().__init__([control_binary("zeros"), "{path}", "{folder}/manifest"], read_ahead_kib)
        (self.folder / "manifest").write_text("".join(f"{line}\n" for line in lines))


def backing_device(path):
    """`/sys/class/bdi/<major>:<minor>` of the mount on `path`."""
    with open("/proc/self/mountinfo") as table:
        for line in table:
            fields = line.split(" ")
            if fields[4] == str(path):
                return pathlib.Path("/sys/class/bdi") / fields[2]
    sys.exit(f"{path} is not mounted")


def read_ahead(path):
    return int((backing_device(path) / "read_ahead_kb").read_text())


def set_read_ahead(path, kibibytes):
    (backing_device(path) / "read_ahead_kb").write_text(str(kibibytes))


def manifest(folder, prefix="", head=None):
    """Lines of a manifest for the tree below `folder`. `head(path)` names the file with the first bytes of `path`."""
    lines = []
    for current, folders, files in os.walk(folder):
        here = pathlib.Path(current)
        place = prefix + str(here.relative_to(folder))
        place = re.sub(r"(^|/)\.$", "", place)
        if place:
            lines.append(f"d\t{place}")
        for name in sorted(files):
            path = here / name
            backing = head(path) if head else None
            lines.append(f"f\t{place + '/' if place else ''}{name}\t{path.stat().st_size}\t{backing or ''}")
        folders.sort()
    return lines


def realtime():
    """Runs this process and all that it starts before ordinary processes (SCHED_RR, needs root), so that other work
    on a shared machine does not change the figures. Servers and readers still compete with each other.
    """
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def options(parser):
    """The options of a benchmark: its own, and `--realtime`, which is carried out."""
    parser.add_argument("--realtime", action="store_true", help="on a busy machine: before all ordinary processes")
    found = parser.parse_args()
    if found.realtime:
        realtime()
    return found


def forget(path):
    """Drops the pages of a file from the kernel's cache."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def interleaved(cases, rounds, prepare=None):
    """Measures each of `cases` (name -> function) once a round, and reverses the order each time. Seconds by name."""
    seconds = {name: [] for name in cases}
    for index in range(rounds):
        names = list(cases) if index % 2 == 0 else list(cases)[::-1]
        for name in names:
            if prepare:
                prepare(name)
            start = time.perf_counter()
            cases[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def spread(values, scale, digits):
    """`median [least-greatest]`."""
    return (f"{scale * statistics.median(values):.{digits}f} "
            f"[{scale * min(values):.{digits}f}-{scale * max(values):.{digits}f}]")


def cpu_seconds(pid):
    """User and system time of a process since its start."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid, peak=False):
    """Resident set in MB (10^6)."""
    name = "VmHWM" if peak else "VmRSS"
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(name + r":\s+(\d+)", text).group(1)) * 1024 / 1e6


def table(head, rows):
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def machine():
    """One line of facts about this machine."""
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) // (1 << 20)
    fuse = subprocess.run(["pkg-config", "--modversion", "fuse3"], capture_output=True, text=True).stdout.strip()
    return (f"{os.cpu_count()} x {cpu.group(1) if cpu else platform.machine()}, {memory} GiB, Linux {platform.release()}, "
            f"libfuse {fuse}, load at the start {os.getloadavg()[0]:.1f}")


def write_section(part, text):
    """Puts `text` between the markers `mount:<part>` of docs/BENCHMARKS.md, inside `mount:begin` and `mount:end`."""
    begin, end = "<!-- mount:begin -->", "<!-- mount:end -->"
    document = DOCUMENT.read_text() if DOCUMENT.exists() else "# Benchmarks\n"
    if begin not in document:
        document = document.rstrip() + f"\n\n{begin}\n{end}\n"
    before, rest = document.split(begin, 1)
    own, after = rest.split(end, 1)
    first, last = f"<!-- mount:{part} -->", f"<!-- /mount:{part} -->"
    block = f"{first}\n{text.rstrip()}\n{last}"
    if first in own:
        own = own[: own.index(first)] + block + own[own.index(last) + len(last):]
    else:
        own = own.rstrip() + f"\n\n{block}\n"
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(before + begin + own + end + after)
