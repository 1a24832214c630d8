"""Files that change upstream while they are mounted: a handle reads one version or ESTALE, and what is opened after a
change was noticed has no byte of an older version, wherever the kernel or the cache may have had one.
"""

import mmap
import json
import os
import re
import sqlite3
import threading

import pytest

import reliability
from changing_origin import ChangingOrigin
from expected import meta, plane_name, planes
from harness import Mount, wait_until

CELL = "900000112"
PAGE = 4096
# Pages of a plane: one in the first row of tiles, one in the last.
TOP = 8192


@pytest.fixture
def proxy(origin):
    with ChangingOrigin(origin.url) as proxy:
        yield proxy
        assert not proxy.errors


@pytest.fixture
def open_file():
    """Opens for random reads, so that the kernel reads the pages asked for; closes at the end."""
    descriptors = []

    def opened(path, flags=0):
        descriptors.append(os.open(path, os.O_RDONLY | flags))
        os.posix_fadvise(descriptors[-1], 0, 0, os.POSIX_FADV_RANDOM)
        return descriptors[-1]
    yield opened
    for descriptor in descriptors:
        os.close(descriptor)


def mount_of(proxy, **more):
    """A question that a test holds is waited for as long as a reader waits."""
    environment = reliability.QUICK | {"NEURONFS_FIRST_BYTE_TIMEOUT": "60"}
    return Mount(proxy.url, options=["--timeout", "60", "--read-ahead", "0"], environment=environment, **more)


def page(descriptor, offset):
    """A page, or the name of the errno."""
    got, code = reliability.outcome(lambda: os.pread(descriptor, PAGE, offset))
    return code or got


def notice(mount, *handles, offset):
    """Reads what is in no cache, so that a change is found. When it returns, no reply of before it is awaited any more."""
    for handle in handles:
        assert page(handle, offset) == "ESTALE"
    reliability.wait_until_idle(mount)


class Stack:
    """The planes of the cell, and what the planes that change become: plane 30, as it is and stays."""

    def __init__(self, mount, proxy):
        self.folder = mount / "mouse" / CELL
        self.ids = {index: plane["image_id"] for index, plane in planes(self.folder).items()}
        self.depth, self.height, self.width = meta(self.folder)["stack"]["shape"]
        self.proxy = proxy
        self.new = self.path(30).read_bytes()
        self.bottom = len(self.new) - 2 * PAGE

    def path(self, index):
        return self.folder / "stack" / plane_name(index)

    def change(self, *indices):
        for index in indices:
            self.proxy.images[self.ids[index]] = (self.ids[30], "new")

    def page(self, offset):
        return self.new[offset:offset + PAGE]


def test_each_plane_of_a_cell_that_changes_is_read_anew(proxy, open_file):
    """Also the second: what was known of the cell was dropped when the first changed."""
    with mount_of(proxy) as mount:
        stack = Stack(mount, proxy)
        handles = {index: open_file(stack.path(index)) for index in (4, 5)}
        old = {index: page(handle, TOP) for index, handle in handles.items()}
        stack.change(4, 5)
        notice(mount, *handles.values(), offset=stack.bottom)
        for index, handle in handles.items():
            fresh = open_file(stack.path(index))
            assert page(fresh, TOP) == stack.page(TOP) != old[index], "a page of the old image"
            assert page(fresh, stack.bottom) == stack.page(stack.bottom)
            assert stack.path(index).read_bytes() == stack.new


def is_mapped(descriptor):
    """Whether the file can be mapped: past the page cache it cannot."""
    got, code = reliability.outcome(lambda: mmap.mmap(descriptor, PAGE, mmap.MAP_SHARED, mmap.PROT_READ).close())
    assert code in (None, "ENODEV"), code
    return code is None


def test_an_old_handle_gets_no_page_that_a_newer_one_has_read(proxy, open_file):
    """The kernel has one set of pages for both: the newer handle must leave nothing there, until the old one is closed."""
    with mount_of(proxy) as mount:
        stack = Stack(mount, proxy)
        volume = stack.folder / "stack.tif"
        base = os.stat(volume).st_size - (stack.depth - 6) * stack.width * stack.height
        inside = base // PAGE * PAGE + 64 * PAGE
        old, old_volume = os.open(stack.path(6), os.O_RDONLY), os.open(volume, os.O_RDONLY)
        try:
            before = page(old, TOP)
            assert isinstance(page(old_volume, inside), bytes)
            stack.change(6)
            notice(mount, old, offset=stack.bottom)
            fresh, fresh_volume = open_file(stack.path(6)), open_file(volume)
            for offset in range(TOP, TOP + 64 * PAGE, 16 * PAGE):
                assert page(fresh, offset) == stack.page(offset)
                assert page(old, offset) in ("ESTALE", before if offset == TOP else None)
            new = page(fresh_volume, inside)
            assert new == page(fresh_volume, inside) and isinstance(new, bytes)
            assert page(old_volume, inside) == "ESTALE"
            assert stack.path(6).read_bytes() == stack.new, "past the page cache"
            assert not is_mapped(fresh) and not is_mapped(fresh_volume)
            # What has not changed is as it was.
            assert is_mapped(open_file(stack.path(8)))
        finally:
            os.close(old)
            os.close(old_volume)
        # Releases reach the daemon a moment after the close.
        wait_until(lambda: is_mapped(open_file(stack.path(6))) and is_mapped(open_file(volume)), what="the page cache")
        again = open_file(stack.path(6))
        assert page(again, TOP) == stack.page(TOP)
        assert stack.path(6).read_bytes() == stack.new


def test_past_the_page_cache_an_old_handle_never_sees_the_new_image(proxy, open_file):
    with mount_of(proxy) as mount:
        stack = Stack(mount, proxy)
        handle, direct = open_file(stack.path(6)), open_file(stack.path(6), os.O_DIRECT)
        with mmap.mmap(-1, PAGE) as buffer:
            def read():
                return reliability.outcome(lambda: os.preadv(direct, [buffer], TOP))
            assert read() == (PAGE, None)
            assert buffer[:] == page(handle, TOP) != stack.page(TOP)
            stack.change(6)
            notice(mount, handle, offset=stack.bottom)
            assert stack.path(6).read_bytes() == stack.new
            assert read() == (None, "ESTALE")


def test_a_handle_that_has_read_through_the_kernel_alone_is_of_the_old_image(proxy, open_file):
    """Opened before the image was known, it never asked the daemon for the page it has."""
    with mount_of(proxy) as mount:
        stack = Stack(mount, proxy)
        first, second = open_file(stack.path(7)), open_file(stack.path(7))
        old = page(first, TOP)
        assert page(second, TOP) == old != stack.page(TOP)
        stack.change(7)
        notice(mount, first, offset=stack.bottom)
        assert page(second, stack.bottom) == "ESTALE"
        assert page(open_file(stack.path(7)), stack.bottom) == stack.page(stack.bottom)


def test_a_volume_shows_each_plane_as_at_its_open(proxy, open_file):
    with mount_of(proxy) as mount:
        stack = Stack(mount, proxy)
        volume = stack.folder / "stack.tif"
        area = stack.width * stack.height

        def at(plane, rest):
            """The first whole page behind pixel `rest` of a plane, and where it begins in the plane's file."""
            base = os.stat(volume).st_size - (stack.depth - plane) * area
            offset = -(-(base + rest) // PAGE) * PAGE
            return offset, offset - base + len(stack.new) - area
        (top, plane_top), (bottom, plane_bottom) = at(9, 0), at(9, area - 4 * PAGE)
        reader, idle, other = open_file(volume), open_file(volume), open_file(volume)
        old = page(reader, top)
        # From the kernel: the daemon does not know that this handle has it.
        assert page(idle, top) == old != stack.page(plane_top)
        assert isinstance(page(other, at(8, 0)[0]), bytes)
        stack.change(9)
        notice(mount, open_file(stack.path(9)), offset=stack.bottom)
        for handle in (reader, idle):
            assert page(handle, bottom) == "ESTALE"
            assert isinstance(page(handle, at(8, area - 4 * PAGE)[0]), bytes), "a plane that has not changed"
        fresh = open_file(volume)
        assert page(fresh, top) == stack.page(plane_top)
        assert page(fresh, bottom) == stack.page(plane_bottom)


def test_an_image_chunk_that_changes_is_read_anew(proxy, open_file):
    with mount_of(proxy) as mount:
        stack = Stack(mount, proxy)
        store = stack.folder / "stack.ome.zarr"
        chunk, model = store / "0" / "4" / "0" / "0", store / "0" / "30" / "0" / "0"
        small, small_model = store / "1" / "4" / "0" / "0", store / "1" / "30" / "0" / "0"
        old, old_small = chunk.read_bytes(), small.read_bytes()
        handle = open_file(chunk)
        # In no cache of the kernel's: the daemon has the tile in memory and must not give it.
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        stack.change(4)
        notice(mount, open_file(stack.path(4)), offset=stack.bottom)
        assert page(handle, 0) == "ESTALE"
        assert chunk.read_bytes() == model.read_bytes() != old
        assert small.read_bytes() == small_model.read_bytes() != old_small


def moved(skeleton):
    """The skeleton 6 um to the right and a little lower: other voxels, and other chunks, have labels, and it is shorter."""
    lines = []
    for line in skeleton.decode().splitlines():
        if line and not line.startswith("#"):
            fields = line.split()
            fields[2:4] = f"{float(fields[2]) + 6:.4f}", f"{float(fields[3]) * 0.99:.4f}"
            line = " ".join(fields)
        lines.append(line)
    return ("\n".join(lines) + "\n").encode()


def moved_marker(marker):
    """Every marker 6 um to the right."""
    def right(line):
        x, rest = line.split(",", 1)
        return f"{float(x) + 6},{rest}"
    return "".join(
        line if not line.strip() or not re.match(r"[-+.\d]", line) else right(line)
        for line in marker.decode().splitlines(keepends=True)).encode()


def is_due(cache, proxy):
    """Makes a mount ask whether its files are still what they were, as it does after a day."""
    with sqlite3.connect(cache / reliability.catalogue_name(proxy.url)) as database:
        rows = database.execute("SELECT id, length, etag, last_modified, content_type, version FROM object").fetchall()
        for name, length, etag, modified, kind, version in rows:
            # A row proves itself (ObjectRecord.checksum); a time of 0 has no bit set.
            row = json.dumps([name, length, etag, modified, kind, 0, version], separators=(",", ":"), ensure_ascii=False)
            database.execute(
                "UPDATE object SET checked_at = 0, checksum = ? WHERE id = ?", (crc32c(row.encode()), name))
    database.close()


def crc32c(data):
    """CRC-32C (Castagnoli), bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def chunks(store):
    """Relative path -> bytes of every chunk of a level."""
    return {path.relative_to(store): path.read_bytes()
            for path in sorted(store.rglob("*")) if path.is_file() and not path.name.startswith(".")}


def difference(old, new):
    """Offset of a page that differs."""
    return next(offset for offset in range(0, len(old), PAGE)
                if old[offset:offset + PAGE] != new[offset:offset + PAGE])


LABELS = ["labels.tif", "labels.npy", "labels-instance.json", "labels/0037.tif", "labels-instance/0037.tif",
          "labels-ignore/0037.tif"]


def wait_for_change(mount, file_id):
    wait_until(
        lambda: re.search(rf"changed upstream.*{CELL}/file/{file_id}", mount.log_text()), 30, "the change noticed")


def test_what_is_made_from_a_skeleton_is_of_one_version(proxy, open_file, tmp_path):
    cache = tmp_path / "cache"
    level = "labels.ome.zarr/1"
    with mount_of(proxy, cache=cache) as mount:
        folder = mount / "mouse" / CELL
        file_id = meta(folder)["provenance"]["skeleton_file_id"]
        skeleton = (folder / "skeleton.swc").read_bytes()
        old = {name: (folder / name).read_bytes() for name in LABELS}
        old_chunks = chunks(folder / level)
        reliability.wait_until_idle(mount)
    changed = (moved(skeleton), "new")
    with ChangingOrigin(proxy.url) as after:
        after.files[file_id] = changed
        with mount_of(after, cache=tmp_path / "truth") as mount:
            folder = mount / "mouse" / CELL
            new = {name: (folder / name).read_bytes() for name in LABELS}
            new_chunks = chunks(folder / level)
    assert new_chunks.keys() - old_chunks.keys() and old_chunks.keys() - new_chunks.keys()
    common = next(name for name in old_chunks if new_chunks.get(name, old_chunks[name]) != old_chunks[name])

    is_due(cache, proxy)
    asked = f"well_known_file_download/{file_id}$"
    proxy.hold(asked)
    with mount_of(proxy, cache=cache) as mount:
        folder = mount / "mouse" / CELL
        folders = [folder, mount / "trainable" / "mouse" / CELL, mount / "splits" / "train" / CELL]
        for place in folders:
            assert chunks(place / level) == old_chunks
            # So that the kernel knows the name as absent.
            assert not any((place / level / name).exists() for name in new_chunks.keys() - old_chunks.keys())
            assert os.stat(place / "skeleton.swc").st_size == len(skeleton)
        places = {name: difference(old[name], new[name]) for name in LABELS}
        handles = {name: open_file(folder / name) for name in LABELS}
        handles[level] = open_file(folder / level / common)
        for name, place in places.items():
            assert page(handles[name], place) == old[name][place:place + PAGE]
        os.posix_fadvise(handles[level], 0, 0, os.POSIX_FADV_DONTNEED)
        proxy.files[file_id] = changed
        proxy.release(asked)
        wait_for_change(mount, file_id)
        for name, handle in handles.items():
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            assert page(handle, places.get(name, 0)) == "ESTALE", name
        for name, place in places.items():
            fresh = open_file(folder / name)
            assert page(fresh, place) == new[name][place:place + PAGE], name
            assert (folder / name).read_bytes() == new[name], name
        # Names too: a chunk is there when something is drawn in it.
        gone = old_chunks.keys() - new_chunks.keys()
        for place in folders:
            assert os.stat(place / "skeleton.swc").st_size == len(changed[0])
            assert (place / "skeleton.swc").read_bytes() == changed[0]
            assert (place / level / common).read_bytes() == new_chunks[common]
            wait_until(lambda: not any((place / level / name).exists() for name in gone), 20, "old names forgotten")
            assert chunks(place / level) == new_chunks


def test_labels_of_a_marker_that_changes(proxy, open_file, tmp_path):
    cache = tmp_path / "cache"
    name = "labels-ignore/0037.tif"
    with mount_of(proxy, cache=cache) as mount:
        folder = mount / "mouse" / CELL
        file_id = meta(folder)["provenance"]["marker_file_id"]
        changed = (moved_marker((folder / "skeleton.marker").read_bytes()), "new")
        (folder / name).read_bytes()
        reliability.wait_until_idle(mount)
    is_due(cache, proxy)
    asked = f"well_known_file_download/{file_id}$"
    proxy.hold(asked)
    with mount_of(proxy, cache=cache) as mount:
        handle, main = [open_file(mount / "mouse" / CELL / label) for label in (name, "labels/0037.tif")]
        assert isinstance(page(handle, TOP), bytes)
        proxy.files[file_id] = changed
        proxy.release(asked)
        wait_for_change(mount, file_id)
        assert page(handle, 1 << 20) == "ESTALE"
        assert isinstance(page(main, 1 << 20), bytes), "the marker has no part in the main labels"
        assert (mount / "mouse" / CELL / name).read_bytes()


def test_a_handle_opened_during_a_change_is_of_the_version_it_was_made_from(proxy, open_file, tmp_path):
    """The labels are of the old skeleton; it changes while the marker is waited for."""
    cache = tmp_path / "cache"
    name = "labels-ignore/0037.tif"
    with mount_of(proxy, cache=cache) as mount:
        folder = mount / "mouse" / CELL
        provenance = meta(folder)["provenance"]
        skeleton, marker = provenance["skeleton_file_id"], provenance["marker_file_id"]
        changed = (moved((folder / "skeleton.swc").read_bytes()), "new")
        (folder / name).read_bytes()
        reliability.wait_until_idle(mount)
    is_due(cache, proxy)
    with sqlite3.connect(cache / reliability.catalogue_name(proxy.url)) as database:
        assert database.execute("DELETE FROM object WHERE id = ?", [f"{CELL}/file/{marker}"]).rowcount == 1
    database.close()
    gates = [f"well_known_file_download/{file_id}$" for file_id in (skeleton, marker)]
    for gate in gates:
        proxy.hold(gate)
    with mount_of(proxy, cache=cache) as mount:
        path = mount / "mouse" / CELL / name
        opened = []
        opener = threading.Thread(target=lambda: opened.append(open_file(path)))
        opener.start()
        try:
            wait_until(lambda: all(map(proxy.holds, gates)), 20, "both files asked for")
            proxy.files[skeleton] = changed
            proxy.release(gates[0])
            wait_for_change(mount, skeleton)
        finally:
            proxy.release(gates[1])
            opener.join()
        assert page(opened[0], TOP) == "ESTALE"
        assert isinstance(page(open_file(path), TOP), bytes)


@pytest.mark.parametrize("growth", [70_000, -70_000], ids=["longer", "shorter"])
def test_a_file_of_another_length_on_a_server_without_ranges(proxy, open_file, growth):
    """Its length is all that tells: the reply to a request for the whole has no condition in it."""
    proxy.has_ranges = False
    length = 3 * (1 << 20) + 12_345
    versions = [bytes(range(251)) * (length // 251), bytes(range(1, 251)) * ((length + growth) // 250)]
    with mount_of(proxy) as mount:
        path = mount / "mouse" / CELL / "ephys.nwb"
        file_id = meta(path.parent)["provenance"]["recording_file_id"]
        proxy.files[file_id] = (versions[0], "old")
        handle = open_file(path)
        assert page(handle, 0) == versions[0][:PAGE]
        reliability.wait_until_idle(mount)
        # Not to be had from the disk any more, so that the server has to be asked. What a pass has fetched is written
        # after its end.
        wait_until(lambda: sum(reliability.blocks(mount.cache).values()) >= len(versions[0]), what="the file on disk")
        for block in reliability.blocks(mount.cache):
            os.unlink(block)
        proxy.files[file_id] = (versions[1], "new")
        seen = []

        def is_stale():
            seen.append(page(handle, 2 << 20))
            return seen[-1] == "ESTALE"
        wait_until(is_stale, 20, "the old handle told of the change")
        assert set(seen) <= {"EIO", "ESTALE"}
        # The kernel is told a moment after the reader.
        wait_until(lambda: os.stat(path).st_size == len(versions[1]), what="the new length")
        assert path.read_bytes() == versions[1]
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        assert page(handle, 1 << 20) == "ESTALE"
