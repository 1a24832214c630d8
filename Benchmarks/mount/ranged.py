#!/usr/bin/env python3
"""Files that are read by ranges: recordings of the mount, compared with a C mount of the same local files (pread), with
curl and with rclone where it is installed.

    run.sh ranged.py [--size 1024] [--files 300] [--rounds 3] [--part warm,cold,scattered,small] [--write]

An nginx of its own serves random bytes in the place of recordings, and passes everything else on to the stand-in origin.
It needs nginx and curl. Every row compares within one run, round by round in alternating order; medians with the range.
"""

import argparse
import contextlib
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import common
import harness
import reading
from common import MIB

BLOCK = 64 << 10
CONNECTIONS = 8
SMALL = 4 * MIB
SCATTERED = 1000
JOBS = 4

NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/errors; worker_processes 2;
events {{ worker_connections 512; }}
http {{
  access_log {folder}/requests; log_format range '$request_method $uri $http_range $body_bytes_sent';
  access_log {folder}/log range; sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{port};
    location /files/ {{ root {folder}/root; autoindex on; }}
    location / {{ root {folder}/root; try_files $uri @origin; }}
    location @origin {{ proxy_pass {origin}; proxy_set_header Host $http_host; }}
  }}
}}
"""


class Server:
    """nginx before an origin. Files that are put below `root` are served in the place of the origin's."""

    def __init__(self, origin):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="neuronfs-bench-"))
        (self.folder / "root" / "files").mkdir(parents=True)
        self.folder.chmod(0o755)
        for folder in (self.folder / "root", self.folder / "root" / "files"):
            folder.chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (self.folder / "conf").write_text(NGINX.format(folder=self.folder, port=self.port, origin=origin))
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.process = subprocess.Popen(
            ["nginx", "-c", str(self.folder / "conf"), "-e", str(self.folder / "errors")], start_new_session=True)
        try:
            harness.wait_until(
                lambda: subprocess.run(["curl", "-s", f"{self.url}/files/"], capture_output=True).returncode == 0, what="nginx")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder)

    def add(self, name, path, size):
        """Serves `size` random bytes as `name`, and at `path` of the origin."""
        file = self.folder / "root" / "files" / name
        with open(file, "wb") as output:
            for _ in range(0, size, MIB):
                output.write(os.urandom(min(MIB, size)))
        place = self.folder / "root" / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(file, place)
        return file

    def requests(self):
        """What was asked for since the last call: requests and bytes of files, without those for one byte."""
        log = self.folder / "log"
        time.sleep(0.05)  # nginx writes a line after the reply
        lines = [line.split() for line in log.read_text().splitlines()]
        os.truncate(log, 0)
        sizes = [int(line[-1]) for line in lines if "well_known_file_download" in line[1] or line[1].startswith("/files/")]
        return sum(size > 1 for size in sizes), sum(sizes)


def rclone(server):
    """A mount by rclone with its cache of whole ranges, long times and large chunks."""
    return common.OtherMount([
        "rclone", "mount", ":http:", "{path}", "--config", "", "--http-url", f"{server.url}/files/", "--read-only",
        "--vfs-cache-mode", "full", "--cache-dir", "{folder}/cache", "--dir-cache-time", "1000h", "--attr-timeout", "1000h",
        "--vfs-read-chunk-size", "4M", "--vfs-read-chunk-size-limit", "64M", "--buffer-size", "16M"], read_ahead_kib=1024)


def at_places(path, places):
    """Reads 64 KiB at each of `places` into a page-aligned buffer."""
    buffer = memoryview(reading.mmap.mmap(-1, BLOCK))
    descriptor = os.open(path, os.O_RDONLY)
    for place in places:
        os.preadv(descriptor, [buffer], place)
    os.close(descriptor)


def in_parallel(work, parts):
    """Runs work(part) in a process for each part. Returns the seconds from the moment that all have begun."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(parts) + 1)

    def run(part):
        barrier.wait()
        work(part)

    processes = [context.Process(target=run, args=(part,)) for part in parts]
    for process in processes:
        process.start()
    barrier.wait()
    start = time.perf_counter()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return time.perf_counter() - start


def small_files(paths):
    for path in paths:
        reading.sequential(path)


def ratio(ours, other):
    return f"**{statistics.median(ours) / statistics.median(other):.2f}**"


def warm(mounts, size, rounds):
    """Rows of a file whose blocks are on disk. `mounts`: name -> path of the file; ours is first, the control second."""
    rows = []
    every = list(range(0, size - BLOCK, BLOCK))
    for jobs in (1, JOBS):
        rates = {name: [] for name in mounts}
        for turn in range(rounds):
            places = random.Random(turn).sample(every, min(len(every), 4000 * jobs))
            for name in list(mounts)[:: 1 if turn % 2 == 0 else -1]:
                common.forget(mounts[name])
                seconds = in_parallel(lambda part, name=name: at_places(mounts[name], part), [places[i::jobs] for i in range(jobs)])
                rates[name].append(len(places) / seconds)
        rows.append([f"random 64 KiB, {jobs} reader{'s' * (jobs > 1)}, IOPS"] + list(rates.values()))
    rates = {name: [] for name in mounts}
    for turn in range(rounds):
        for name in list(mounts)[:: 1 if turn % 2 == 0 else -1]:
            common.forget(mounts[name])
            start = time.perf_counter()
            reading.sequential(mounts[name])
            rates[name].append(size / 1e6 / (time.perf_counter() - start))
    rows.append(["sequential 1 MiB, MB/s"] + list(rates.values()))
    names = list(mounts)
    return common.table(
        ["blocks on disk, pages of the mount dropped"] + names + ["ratio to the control"],
        [[row[0]] + [common.spread(values, 1, 0) for values in row[1:]] + [ratio(row[1], row[2])] for row in rows])


def curl(server, urls, parts):
    """MB/s of curl for `urls`, each a pair of URL and range, over at most `parts` connections at once."""
    with tempfile.NamedTemporaryFile("w", suffix=".curl") as script:
        script.write("next\n".join(
            f'url = "{url}"\noutput = /dev/null\n' + (f'range = "{span}"\n' if span else "") for url, span in urls))
        script.flush()
        server.requests()  # those of the mount before
        start = time.perf_counter()
        subprocess.run(["curl", "-s", "-S", "--parallel", "--parallel-immediate", "--parallel-max", str(parts), "-K", script.name], check=True)
        seconds = time.perf_counter() - start
    return server.requests()[1] / 1e6 / seconds


def cold_case(server, begin, work):
    """One case on a new mount without a cache: seconds, requests, bytes fetched, CPU seconds of the daemon."""
    with begin() as mount:
        prepared = work.prepare(mount)
        server.requests()
        before = common.cpu_seconds(mount.pid)
        seconds = work.run(prepared)
        return (seconds, *server.requests(), common.cpu_seconds(mount.pid) - before)


class Work:
    """What is read of a new mount: `prepare(mount)` finds the files, `run` reads them and returns the seconds."""

    def __init__(self, find, read):
        self.find, self.read = find, read

    def prepare(self, mount):
        return self.find(mount)

    def run(self, found):
        start = time.perf_counter()
        return self.read(found) or time.perf_counter() - start


def cold(server, begins, work, rounds):
    """name -> list of results of cold_case."""
    results = {name: [] for name in begins}
    for turn in range(rounds):
        for name in list(begins)[:: 1 if turn % 2 == 0 else -1]:
            results[name].append(cold_case(server, begins[name], work[name]))
    return results


def recordings(mount, count):
    """Folders of cells that have a recording."""
    folder = mount.path / "mouse"
    found = []
    for name in sorted(os.listdir(folder)):
        if len(found) < count and (folder / name / "ephys.nwb").exists():
            found.append(folder / name / "ephys.nwb")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024, help="MiB of the large file")
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", default="warm,cold,scattered,small")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/BENCHMARKS.md")
    options = common.options(parser)
    facts = common.machine()
    size = options.size * MIB
    parts = options.part.split(",")
    texts = []
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(harness.Origin(data=harness.real_data()))
        server = stack.enter_context(Server(origin.url))
        with harness.Mount(server.url) as mount:
            found = recordings(mount, (options.files if "small" in parts else 0) + 1)
            paths = {file: re.sub("^http://[^/]*", "", os.getxattr(file, "user.neuronfs.url").decode()) for file in found}
            names = {file: str(file.relative_to(mount.path)) for file in found}
        large, small = found[0], found[1:]
        local = [server.add("large", paths[large], size)]
        local += [server.add(f"small{number:03}", paths[file], SMALL) for number, file in enumerate(small)]
        catalogue = stack.enter_context(tempfile.TemporaryDirectory(prefix="neuronfs-bench-"))
        with harness.Mount(server.url, cache=catalogue) as mount:
            for file in found:
                (mount.path / names[file]).stat()

        @contextlib.contextmanager
        def ours():
            """A mount that knows the cells and the sizes of the files, and has no block."""
            with tempfile.TemporaryDirectory(prefix="neuronfs-bench-") as cache:
                shutil.copytree(catalogue, cache, dirs_exist_ok=True)
                with harness.Mount(server.url, cache=cache) as mount:
                    for file in found:
                        (mount.path / names[file]).stat()
                    yield mount

        begins = {"neuronfs": ours}
        if options.peers and shutil.which("rclone"):
            begins["rclone mount"] = lambda: rclone(server)

        def works(find_ours, find_peer, read):
            return {name: Work(find_ours if name == "neuronfs" else find_peer, read) for name in begins}

        if "warm" in parts:
            with contextlib.ExitStack() as inner:
                control = inner.enter_context(common.Control([f"p\tlarge\t{size}\t{local[0]}"], 1024))
                mounts = {}
                for name, begin in begins.items():
                    place = inner.enter_context(begin()).path
                    mounts[name] = place / (names[large] if name == "neuronfs" else "large")
                    reading.sequential(mounts[name])
                mounts = {"neuronfs": mounts.pop("neuronfs"), "pread in C": control / "large", **mounts}
                texts.append(warm(mounts, size, options.rounds))
        if "cold" in parts:
            result = cold(server, begins, works(lambda m: m.path / names[large], lambda m: m.path / "large", lambda f: reading.sequential(f) and None), options.rounds)
            step = size // CONNECTIONS
            url = f"{server.url}/files/large"
            many = [curl(server, [(url, f"{i * step}-{(i + 1) * step - 1}") for i in range(CONNECTIONS)], CONNECTIONS) for _ in range(options.rounds)]
            one = [curl(server, [(url, None)], 1) for _ in range(options.rounds)]
            rows = [["curl, 1 connection", common.spread(one, 1, 0), 1, "-", "-"],
                    [f"curl, {CONNECTIONS} connections", common.spread(many, 1, 0), CONNECTIONS, "-", "1.00"]]
            for name, values in result.items():
                speed = [size / 1e6 / value[0] for value in values]
                rows.append([name, common.spread(speed, 1, 0), f"{statistics.median(value[1] for value in values):.0f}",
                             f"{statistics.median(value[3] for value in values) * 1024 / options.size:.2f}", ratio(speed, many)])
            texts.append(common.table(["cold sequential", "MB/s", "requests", "daemon CPU, s a GiB", f"ratio to curl, {CONNECTIONS} connections"], rows))
        if "scattered" in parts:
            places = random.Random(3).sample(range(0, size - BLOCK, BLOCK), SCATTERED)
            result = cold(server, begins, works(lambda m: m.path / names[large], lambda m: m.path / "large", lambda f: at_places(f, places)), 1)
            rows = [[name, f"{values[0][2] / SCATTERED / BLOCK:.2f}", values[0][1], f"{values[0][0]:.2f}"] for name, values in result.items()]
            texts.append(common.table([f"{SCATTERED} random 64 KiB of the cold file", "bytes fetched / read", "requests", "s"], rows))
        if "small" in parts:
            def split(files):
                return in_parallel(small_files, [files[i::JOBS] for i in range(JOBS)])

            result = cold(server, begins, works(
                lambda m: [m.path / names[file] for file in small],
                lambda m: [m.path / f"small{number:03}" for number in range(len(small))], split), options.rounds)
            rates = [curl(server, [(f"{server.url}/files/small{number:03}", None) for number in range(len(small))], JOBS) for _ in range(options.rounds)]
            rows = [[f"curl, {JOBS} connections", common.spread(rates, 1, 0), len(small), "-", "1.00"]]
            for name, values in result.items():
                speed = [SMALL * len(small) / 1e6 / value[0] for value in values]
                rows.append([name, common.spread(speed, 1, 0), f"{statistics.median(value[1] for value in values):.0f}",
                             f"{statistics.median(value[3] for value in values) / (SMALL * len(small)) * (1 << 30):.2f}", ratio(speed, rates)])
            texts.append(common.table(
                [f"{len(small)} files of 4 MiB, cold, {JOBS} readers, sizes known", "MB/s", "requests", "daemon CPU, s a GiB", "ratio to curl"], rows))
    text = (f"### Files by ranges\n\nA recording of {options.size} MiB on nginx, loopback, {CONNECTIONS} connections; medians "
            f"[range] of {options.rounds} rounds, 1 of the random reads of the cold file.\n\n" + "\n\n".join(texts) + "\n\n"
            f"`Benchmarks/mount/run.sh ranged.py --size {options.size} --files {options.files} --rounds {options.rounds} --part {options.part}{' --realtime' * options.realtime}` on {facts}.")
    print(text)
    if options.write:
        common.write_section("ranged", text)


if __name__ == "__main__":
    main()
