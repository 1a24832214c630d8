"""A process that does random things to a mount and compares every answer with a directory of true bytes.

    model_reader.py MOUNT TRUTH --seed N (--operations N | --seconds S) [--allow EIO,...] [--maps] [--direct]
                    [--versions OTHER] [--sure FOLDER]

TRUTH holds a copy of every file in question under its path in the mount, and `listing.json` with the names in every
directory in question. Prints one JSON object: operations by kind, errors by errno, seconds of the longest operation, and
`wrong`, the first answer that was neither right nor an allowed error. Below FOLDER no error is allowed, and the longest
operation there is told, too. A mount that dies ends the process, with `ended`.
"""

import argparse
import collections
import errno
import json
import mmap
import os
import pathlib
import random
import sys
import time

from reliability import DOWN, pread_all

MOST_HANDLES = 12
PAGE = 4096


class Wrong(Exception):
    """An answer that differs from the truth."""


class Handle:
    """An open file and the versions that what was read from it may be of."""

    def __init__(self, name, descriptor, versions):
        self.name, self.descriptor, self.versions = name, descriptor, versions

    def compare(self, offset, count, got):
        fitting = [data for data in self.versions if data[offset:offset + count] == got]
        if not fitting:
            self._complain(offset, count, got)
        self.versions = fitting

    def _complain(self, offset, count, got):
        expected = self.versions[0][offset:offset + count]
        kind = f"{self.name} ({len(self.versions)} versions possible)"
        if len(got) != len(expected):
            raise Wrong(f"{kind}: {len(got)} bytes in place of {len(expected)} at {offset}")
        at = next(i for i in range(len(got)) if got[i] != expected[i])
        raise Wrong(f"{kind}: byte {offset + at} is {got[at]}, not {expected[at]} (read of {count} at {offset})")


class Reader:
    def __init__(self, mount, truth, options):
        self.mount, self.truth, self.options = pathlib.Path(mount), pathlib.Path(truth), options
        self.random = random.Random(options.seed)
        listing = json.loads((self.truth / "listing.json").read_text())
        self.folders = sorted(listing)
        self.listing = listing
        self.files = sorted(str(path.relative_to(self.truth)) for path in self.truth.rglob("*")
                            if path.is_file() and path.name != "listing.json")
        other = pathlib.Path(options.versions) if options.versions else None
        self.changing = {str(path.relative_to(other)): path.read_bytes()
                         for path in other.rglob("*") if path.is_file()} if other else {}
        self.true_bytes = {}
        self.handles = []
        self.counts, self.errors = collections.Counter(), collections.Counter()
        self.longest, self.longest_sure, self.now_doing = (0.0, ""), (0.0, ""), ""
        self.actions = {
            self.open: 10, self.close: 9, self.read: 50, self.read_past_end: 4, self.read_run: 6, self.stat: 8,
            self.list: 6, self.absent: 2, self.whole: 1, self.forget: 4,
        }
        if options.direct:
            self.actions[self.read_direct] = 6
        if options.maps:
            self.actions[self.map] = 6

    # --- the truth

    def true(self, name):
        if name not in self.true_bytes:
            with open(self.truth / name, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                self.true_bytes[name] = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ) if size else b""
        return self.true_bytes[name]

    def handle(self, name, flags=0):
        descriptor = os.open(self.mount / name, os.O_RDONLY | flags)
        versions = [self.true(name)] + ([self.changing[name]] if name in self.changing else [])
        return Handle(name, descriptor, versions)

    # --- the actions

    def any_file(self):
        return self.random.choice(self.files)

    def any_handle(self):
        if not self.handles:
            self.open()
        return self.random.choice(self.handles)

    def place(self, name, largest):
        """An odd offset and count within the file, small ones more often."""
        size = len(self.true(name))
        count = int(2 ** self.random.uniform(0, largest.bit_length()))
        return self.random.randrange(max(1, size)), count

    def open(self):
        if len(self.handles) >= MOST_HANDLES:
            self.close()
        name = self.any_file()
        self.now_doing = f"open {name}"
        handle = self.handle(name)
        if self.random.random() < 0.3:
            os.posix_fadvise(handle.descriptor, 0, 0, os.POSIX_FADV_RANDOM)
        self.handles.append(handle)

    def close(self):
        if self.handles:
            handle = self.handles.pop(self.random.randrange(len(self.handles)))
            self.now_doing = f"close {handle.name}"
            os.close(handle.descriptor)

    def read(self):
        handle = self.any_handle()
        offset, count = self.place(handle.name, 300_000)
        self.now_doing = f"read {count} at {offset} of {handle.name}"
        handle.compare(offset, count, pread_all(handle.descriptor, count, offset))

    def read_run(self):
        """A piece of the file in order, in odd steps."""
        handle = self.any_handle()
        offset, step = self.place(handle.name, 40_000)
        for _ in range(self.random.randrange(2, 20)):
            self.now_doing = f"run: read {step} at {offset} of {handle.name}"
            handle.compare(offset, step, pread_all(handle.descriptor, step, offset))
            offset += step

    def read_past_end(self):
        handle = self.any_handle()
        size = len(self.true(handle.name))
        offset = size + self.random.choice([-1, 0, 1, 4095, 4096, 1 << 20, 1 << 40])
        offset = max(0, offset)
        self.now_doing = f"read at {offset} of {handle.name} with {size} bytes"
        handle.compare(offset, 10_000, pread_all(handle.descriptor, 10_000, offset))

    def read_direct(self):
        name = self.any_file()
        offset = self.place(name, 1)[0] // PAGE * PAGE
        count = PAGE * self.random.randrange(1, 40)
        self.now_doing = f"direct read of {count} at {offset} of {name}"
        handle = self.handle(name, os.O_DIRECT)
        try:
            with mmap.mmap(-1, count) as buffer:
                got = os.preadv(handle.descriptor, [buffer], offset)
                # Shorter where an error follows, as with any read(2).
                whole = not got or got == min(count, len(self.true(name)) - offset)
                handle.compare(offset, count if whole else got, buffer[:got])
        finally:
            os.close(handle.descriptor)

    def map(self):
        handle = self.any_handle()
        size = len(self.true(handle.name))
        # A page of a map that is of an older version is a SIGBUS.
        if not size or handle.name in self.changing:
            return
        with mmap.mmap(handle.descriptor, size, prot=mmap.PROT_READ) as view:
            for _ in range(3):
                offset, count = self.place(handle.name, 60_000)
                self.now_doing = f"map {count} at {offset} of {handle.name}"
                handle.compare(offset, count, view[offset:offset + count])

    def stat(self):
        name = self.any_file()
        self.now_doing = f"stat {name}"
        size = os.stat(self.mount / name).st_size
        if size != len(self.true(name)):
            raise Wrong(f"{name}: size {size}, not {len(self.true(name))}")

    def list(self):
        folder = self.random.choice(self.folders)
        self.now_doing = f"list {folder}"
        names = sorted(os.listdir(self.mount / folder))
        if names != self.listing[folder]:
            raise Wrong(f"{folder}: {len(names)} names, not {len(self.listing[folder])}: "
                        f"{sorted(set(names) ^ set(self.listing[folder]))[:5]}")

    def absent(self):
        name = f"{self.random.choice(self.folders)}/no-such-{self.random.randrange(100)}"
        self.now_doing = f"stat {name}"
        try:
            os.stat(self.mount / name)
        except FileNotFoundError:
            return
        raise Wrong(f"{name} exists")

    def whole(self):
        name = self.any_file()
        self.now_doing = f"whole of {name}"
        handle = self.handle(name)
        try:
            handle.compare(0, 1 << 40, pread_all(handle.descriptor, len(self.true(name)) + 1, 0))
        finally:
            os.close(handle.descriptor)

    def forget(self):
        handle = self.any_handle()
        self.now_doing = f"forget pages of {handle.name}"
        os.posix_fadvise(handle.descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    # --- the loop

    def is_sure(self):
        return self.options.sure and f" {self.options.sure}/" in f"{self.now_doing}/"

    def run(self):
        allowed = {getattr(errno, name) for name in self.options.allow.split(",") if name}
        end = time.monotonic() + self.options.seconds if self.options.seconds else None
        kinds, weights = list(self.actions), list(self.actions.values())
        done, report = 0, {"wrong": None, "ended": None}
        while (time.monotonic() < end) if end else (done < self.options.operations):
            action = self.random.choices(kinds, weights)[0]
            start = time.monotonic()
            try:
                action()
                self.counts[action.__name__] += 1
            except OSError as error:
                code = errno.errorcode.get(error.errno, str(error.errno))
                if error.errno in DOWN:
                    report["ended"] = code
                    break
                self.errors[code] += 1
                is_change = error.errno == errno.ESTALE and any(name in self.now_doing for name in self.changing)
                if (error.errno not in allowed or self.is_sure()) and not is_change:
                    report["wrong"] = f"{code} from: {self.now_doing}"
                    break
            except Wrong as wrong:
                report["wrong"] = str(wrong)
                break
            lasted = time.monotonic() - start, self.now_doing
            self.longest = max(self.longest, lasted)
            if self.is_sure():
                self.longest_sure = max(self.longest_sure, lasted)
            done += 1
        report |= {"operations": done, "counts": self.counts, "errors": self.errors, "longest": self.longest,
                   "longest_sure": self.longest_sure}
        return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("mount")
    parser.add_argument("truth")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--operations", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--allow", default="")
    parser.add_argument("--versions", default="")
    parser.add_argument("--sure", default="")
    parser.add_argument("--maps", action="store_true")
    parser.add_argument("--direct", action="store_true")
    arguments = parser.parse_args()
    result = Reader(arguments.mount, arguments.truth, arguments).run()
    print(json.dumps(result))
    sys.exit(1 if result["wrong"] else 0)
