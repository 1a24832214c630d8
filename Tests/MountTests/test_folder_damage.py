"""Damaged and hostile TIFFs in a folder, through a real mount: EIO or the right bytes, a line in the log, and no hang."""

import os
import random
import struct
import time
import zlib

import pytest
import tifffile

import harness
from folder_pairs import (
    LAYOUTS, ONE_NODE, QUICKLY, SOON, FolderMount, assert_alive, log_lines, read_all, volume, write_layout, write_meta)
from harness import wait_until
from reliability import outcome

SHAPE = (3, 64, 96)


def assert_right_or_refused(found, name, truth):
    """Every plane that can be read has the right pixels."""
    for index, plane in enumerate(truth):
        data = found.get(f"{name}/stack/{index:04}.tif", "absent")
        if isinstance(data, bytes):
            assert data.endswith(plane.tobytes()), f"{name}: wrong pixels in plane {index}"
        else:
            assert data in ("EIO", "absent"), (name, data)


@pytest.mark.parametrize("layout", [
    "classic-little", "zlib-predictor-tiles-16", "lzw-predictor-16", "jpeg-tiles", "pillow-packbits", "bigtiff-big", "pillow-zstd"])
def test_truncated_files(tmp_path, layout):
    own = tmp_path / "own"
    own.mkdir()
    data = volume(SHAPE, LAYOUTS[layout][1])
    truth = write_layout(layout, own / "whole.tif", data)
    whole = (own / "whole.tif").read_bytes()
    cuts = sorted({0, 1, 4, 7, 8, 9, 16, 100, *(len(whole) * part // 12 for part in range(12)), len(whole) - 1})
    for cut in cuts:
        (own / f"cut{cut}.tif").write_bytes(whole[:cut])
    with FolderMount(own, "spacing=1,1,1") as mount:
        for _ in range(3):
            found = read_all(mount.shown)
        assert_right_or_refused(found, "whole", truth)
        assert all(isinstance(found[f"whole/stack/{index:04}.tif"], bytes) for index in range(len(truth)))
        for cut in cuts:
            assert_right_or_refused(found, f"cut{cut}", truth)
            lines = log_lines(mount, f"/own/cut{cut}.tif ")
            good = [found.get(f"cut{cut}/stack/{index:04}.tif", "absent") for index in range(len(truth))]
            assert len(lines) <= len(truth) and (lines or all(isinstance(data, bytes) for data in good)), (cut, lines)
            assert len(lines) == len(set(line.split("reason=")[1] for line in lines)), lines
        assert_alive(mount)


def test_flipped_bytes(tmp_path):
    """In directories and in compressed pixels: an error or a picture, the same at every read, and a daemon that lives."""
    own = tmp_path / "own"
    own.mkdir()
    chance = random.Random(11)
    layouts = ["zlib-predictor-tiles-16", "lzw-tiles-big", "jpeg-strips", "pillow-zstd", "packbits-16", "ome"]
    for layout in layouts:
        write_layout(layout, tmp_path / "good.tif", volume(SHAPE, LAYOUTS[layout][1]))
        good = (tmp_path / "good.tif").read_bytes()
        for number in range(12):
            bad = bytearray(good)
            # The first bytes and the last ones have the directories.
            for _ in range(chance.choice([1, 3, 40])):
                place = chance.choice([chance.randrange(200), chance.randrange(len(bad)), len(bad) - 1 - chance.randrange(200)])
                bad[place] = chance.randrange(256)
            (own / f"{layout}-{number}.tif").write_bytes(bad)
    with FolderMount(own, "spacing=1,1,1") as mount:
        first, second = read_all(mount.shown), read_all(mount.shown)
        assert all(isinstance(data, bytes) or data in ("EIO", "ENOENT") for data in first.values())
        assert {path: data for path, data in second.items() if first.get(path) != data and "meta.json" not in path} == {}
        assert any(isinstance(data, bytes) and path.endswith("stack.npy") for path, data in first.items())
        assert log_lines(mount, "cannot")
        assert_alive(mount)


def spoil(path, value):
    """Makes the pixels of every page something that no decoder takes. The directories stay as they are."""
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as image:
        for page in image.pages:
            for start, count in zip(page.dataoffsets, page.databytecounts):
                data[start:start + count] = bytes([value]) * count
    path.write_bytes(data)


def test_all_damaged_pages_of_a_file_have_one_line_in_the_log(tmp_path):
    """Whatever is read, and how often; and another line when the file is another one."""
    own = tmp_path / "own"
    own.mkdir()
    write_layout("lzw-predictor-16", own / "cell.tif", volume((5, 64, 96), "u2"))
    (own / "cell.swc").write_text(ONE_NODE)
    with FolderMount(own, "spacing=1,1,1") as mount:
        names = {"stack.tif", "stack.npy", *(f"stack/000{index}.tif" for index in range(5)), "stack.ome.zarr/0/4/0/0"}
        for lines, value in enumerate((0xFF, 0xFE), 1):
            spoil(own / "cell.tif", value)

            def all_fail():
                found = read_all(mount.shown / "cell")
                return {name for name in names if found[name] != "EIO"} == set()
            wait_until(lambda: all_fail() and len(log_lines(mount, "cell.tif")) == lines, SOON, "the line of this version")
            for _ in range(2):
                # Repeated failures would be counted in the log after a second.
                time.sleep(1.2)
                assert all_fail() and len(log_lines(mount, "cell.tif")) == lines
        assert_alive(mount)


def test_a_cell_of_which_nothing_can_be_shown_leaves_the_list(tmp_path):
    """In each form, once its folder was looked into; it is back when its file is mended. A skeleton stays."""
    own = tmp_path / "own"
    images = [own / "flat.tif", own / "folder" / "image.tif", own / "planes" / "stack" / "1.tif", own / "traced.tif"]
    for image in images:
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_text("no TIFF")
    (own / "traced.swc").write_text(ONE_NODE)
    with FolderMount(own, "spacing=1,1,1") as mount:
        for cell in ("flat", "folder", "planes"):
            assert os.listdir(mount.shown / cell) == ["meta.json"]
        assert set(read_all(mount.shown / "traced")) == {"meta.json", "skeleton.swc"}
        wait_until(lambda: os.listdir(mount.shown) == ["traced"], SOON, "the cells that are left")
        assert not (mount.shown / "flat").exists()
        for image in images:
            assert len(log_lines(mount, f"/{image.relative_to(own)} ")) == 1, image
            write_layout("tiles", image, volume((1, 64, 96)))
        wait_until(lambda: len(os.listdir(mount.shown)) == 4, SOON, "the cells that are mended")
        for cell in os.listdir(mount.shown):
            assert (mount.shown / cell / "stack" / "0000.tif").read_bytes().endswith(volume((1, 64, 96)).tobytes())


def tiff(entries, extra=b"", following=0):
    """A little-endian TIFF of one directory at 8, whose `entries` are (tag, type, count, value); `extra` follows it."""
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return struct.pack("<2sHI", b"II", 42, 8) + directory + struct.pack("<I", following) + extra


def plane(width, height, **tags):
    numbers = {"bits": (258, 3, 1, 8), "compression": (259, 3, 1, 1), "photometric": (262, 3, 1, 1),
               "offset": (273, 4, 1, 200), "rows": (278, 4, 1, height), "size": (279, 4, 1, width * height % 2**32)} | tags
    return [(256, 4, 1, width), (257, 4, 1, height), *[entry for entry in numbers.values() if entry]]


def hostile():
    """Name -> a file that is no image."""
    pixels = bytes(300)
    bomb = zlib.compress(bytes(40 << 20), 9)
    small = plane(4, 4)
    return {
        "circle": tiff(small, pixels, following=8),
        "itself": tiff(small, pixels, following=10),
        "beyond": tiff(small, pixels, following=2**32 - 1),
        "first directory beyond": struct.pack("<2sHI", b"II", 42, 2**32 - 2),
        "wide": tiff(plane(2**32 - 1, 1), pixels), "high": tiff(plane(1, 2**31), pixels),
        "large": tiff(plane(60000, 60000, size=(279, 4, 1, 100)), pixels),
        "offset beyond": tiff(plane(4, 4, offset=(273, 4, 1, 2**32 - 8)), pixels),
        "many strips": tiff(plane(4, 2**30, rows=(278, 4, 1, 1), offset=(273, 4, 2**30, 8), size=(279, 4, 2**30, 8)), pixels),
        "no rows": tiff(plane(4, 4, rows=(278, 4, 1, 0)), pixels),
        "tiles of nothing": tiff(plane(4, 4, tile=(322, 4, 1, 0), tile2=(323, 4, 1, 16), at=(324, 4, 1, 200)), pixels),
        "huge tiles": tiff(plane(4, 4, tile=(322, 4, 1, 2**30), tile2=(323, 4, 1, 2**30), at=(324, 4, 1, 200)), pixels),
        "long description": tiff(plane(4, 4, text=(270, 2, 2**32 - 1, 8)), pixels),
        "float": tiff(plane(4, 4, bits=(258, 3, 1, 32), format=(339, 3, 1, 3)), pixels),
        "one bit": tiff(plane(4, 4, bits=(258, 3, 1, 1)), pixels),
        "colour": tiff(plane(4, 4, photometric=(262, 3, 1, 2), samples=(277, 3, 1, 3)), pixels),
        "compression 6": tiff(plane(4, 4, compression=(259, 3, 1, 6)), pixels),
        "bomb": tiff(plane(4000, 4000, compression=(259, 3, 1, 8), size=(279, 4, 1, 100)), bytes(192 - 162) + bomb[:100]),
        "no entries": struct.pack("<2sHIHI", b"II", 42, 8, 0, 0), "many entries": struct.pack("<2sHIH", b"II", 42, 8, 65535),
        "big with small offsets": struct.pack("<2sHHHQ", b"II", 43, 4, 0, 16), "text": b"II*\0" + b"hello" * 100, "empty": b"",
        "chain": chain(20_000),
    }


def chain(count):
    """More directories than a stack has planes, each without an image of its own."""
    parts, place = [struct.pack("<2sHI", b"II", 42, 8)], 8
    for _ in range(count):
        place += 18
        parts.append(struct.pack("<HHHIII", 1, 254, 4, 1, 1, place))
    return b"".join(parts) + bytes(18)


def resident(mount):
    """MiB of memory of the daemon."""
    with open(f"/proc/{mount.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


def test_hostile_files(tmp_path):
    """No stack, or EIO at its pixels; one line in the log for many reads; little memory."""
    own = tmp_path / "own"
    files = hostile()
    for name, data in files.items():
        write_meta(own / name)
        (own / name / "neuron.swc").write_text(ONE_NODE)
        (own / name / "image.tif").write_bytes(data)
    with FolderMount(own) as mount:
        before = resident(mount)
        lines = []
        for _ in range(3):
            lines.append(len(log_lines(mount, "")))
            for name in files:
                cell = mount.shown / name
                assert (cell / "skeleton.swc").read_text() == ONE_NODE
                begin = time.monotonic()
                for path in (cell / "stack" / "0000.tif", cell / "stack.tif"):
                    def start():
                        with open(path, "rb") as file:
                            return file.read(1 << 16)
                    got, code = outcome(start)
                    assert code in ("ENOENT", "EIO"), (name, path, code)
                assert time.monotonic() - begin < QUICKLY * harness.PATIENCE
        assert lines[1] == lines[2] == len(log_lines(mount, ""))
        for name in files:
            assert len(log_lines(mount, f"/own/{name}/image.tif")) == 1, name
        if not harness.SANITIZED:
            assert resident(mount) - before < 200
        assert_alive(mount)
