"""One test for each numbered paragraph of docs/SEMANTICS.md, which its docstring quotes."""

import concurrent.futures
import errno
import fcntl
import json
import mmap
import os
import re
import signal
import subprocess
import struct
import sys
import time

import numpy as np
import pytest
import requests
import tifffile
import zarr

import folder_pairs
import harness
import test_file_handles
import test_kills
from fault_proxy import FaultProxy
from harness import Mount


def paragraphs():
    text = (harness.ROOT / "docs" / "SEMANTICS.md").read_text()
    found = re.findall(r"^(\d+)\. (.*?)(?=\n\n)", text, flags=re.M | re.S)
    return {int(number): " ".join(body.split()) for number, body in found}


def test_every_paragraph_is_quoted_by_its_test():
    tests = {name: body for name, body in globals().items() if re.fullmatch(r"test_\d\d_\w+", name)}
    quoted = {int(name[5:7]): " ".join((body.__doc__ or "").split()) for name, body in tests.items()}
    assert quoted == paragraphs()


def expect(code, action):
    with pytest.raises(OSError) as caught:
        action()
    assert caught.value.errno == code


def cells(mount):
    return {row["specimen__id"]: row for row in json.loads((mount / "cells.json").read_text())}


def folder_of(mount, row):
    species = "mouse" if row["donor__species"] == "Mus musculus" else "human"
    return mount / species / str(row["specimen__id"])


def test_01_read_only(trainable):
    """Every attempt to write, create, remove or rename fails with EROFS."""
    name = trainable / "stack" / "0000.tif"
    for action in [lambda: open(name, "r+b"), lambda: open(trainable / "new", "w"), lambda: name.unlink(),
                   lambda: os.rename(name, trainable / "x"), lambda: (trainable / "d").mkdir(),
                   lambda: os.truncate(name, 0), lambda: os.chmod(name, 0o777), lambda: os.symlink("a", trainable / "l")]:
        expect(errno.EROFS, action)


def test_02_true_sizes(origin):
    """stat tells the size of a file before any byte has been read, and reading gives exactly this number of bytes."""
    with Mount(origin.url) as mount:
        folder = mount / "trainable" / "human"
        folder = folder / sorted(os.listdir(folder))[0]
        names = [path for path in folder.iterdir() if path.is_file() and path.suffix != ".nwb" and path.stem != "stack"]
        names += [folder / series / "0002.tif" for series in os.listdir(folder)
                  if series == "stack" or (series.startswith("labels") and (folder / series / "0002.tif").exists())]
        sizes = {name: os.stat(name).st_size for name in names}
        for name, size in sizes.items():
            total = 0
            with open(name, "rb", buffering=0) as file:
                while block := file.read(1 << 20):
                    total += len(block)
            assert total == size, name


def test_03_inode_numbers(origin, demo):
    """Inode numbers are the same in every mount of the same database, on every machine. Two names have one number only
    if they are the same file. A cell whose id needs more than 32 bits has hashed numbers: each is made from the name of
    the database and the path. When two paths have one hash, looking the second up fails with EIO while the first is in
    use."""
    # No cell of the stand-in has such an id: Tests/FileTreeTests/HashedCellTests.swift shows the hashed numbers. That two
    # names share none: test_views.py.
    with Mount(origin.url) as other:
        for name in ["", "README.txt", "mouse", "trainable/mouse", "splits/train", ".neuronfs/metrics"]:
            assert os.stat(other / name).st_ino == os.stat(demo / name).st_ino
        cell = sorted(os.listdir(demo / "trainable" / "mouse"))[0]
        for name in ["", "stack/0001.tif", "labels-binary/0001.tif", "skeleton.swc", "labels.ome.zarr/0"]:
            path = f"mouse/{cell}/{name}"
            assert os.stat(other / path).st_ino == os.stat(demo / path).st_ino
        for name in ["", "stack", "stack.ome.zarr/0"]:
            assert os.stat(other / f"trainable/mouse/{cell}/{name}").st_ino == os.stat(demo / f"trainable/mouse/{cell}/{name}").st_ino
    # A promise across versions: kind 5, then the id, then 24 bits of detail.
    assert os.stat(demo / "mouse" / cell).st_ino == 5 << 56 | int(cell) << 24
    assert os.stat(demo / "trainable" / "mouse" / cell).st_ino == 32 << 56 | int(cell) << 24


def test_04_absence(demo):
    """A file without data in the database is absent (ENOENT). A cell without a skeleton has no skeleton.swc and no
    labels. A cell without images has no stack. A missing plane has no file in stack/ and none in labels/. No empty
    file takes its place. In volumes a missing plane is 0 in stack.tif, stack.npy and stack.ome.zarr. It is 255,
    unknown, in labels.tif, labels.npy and on every level of labels.ome.zarr."""
    seen = set()
    for row in cells(demo).values():
        folder = folder_of(demo, row)
        if not row["nrwkf__id"]:
            seen.add("skeleton")
            for name in ["skeleton.swc", "labels", "labels.tif", "labels.npy", "labels.ome.zarr"]:
                expect(errno.ENOENT, lambda: os.stat(folder / name))
        if not row["si__path"]:
            seen.add("images")
            for name in ["stack", "stack.tif", "stack.npy", "stack.ome.zarr"]:
                expect(errno.ENOENT, lambda: os.stat(folder / name))
        elif row["nrwkf__id"]:
            for index in json.loads((folder / "meta.json").read_text())["stack"]["missing_planes"]:
                seen.add("plane")
                for series in ["stack", "labels"]:
                    expect(errno.ENOENT, lambda: os.stat(folder / series / f"{index:04}.tif"))
                for volume in [tifffile.memmap(folder / "stack.tif", mode="r"), np.load(folder / "stack.npy", mmap_mode="r")]:
                    assert not volume[index].any()
                expect(errno.ENOENT, lambda: os.stat(folder / "stack.ome.zarr" / "0" / str(index) / "0" / "0"))
                for volume in [tifffile.memmap(folder / "labels.tif", mode="r"), np.load(folder / "labels.npy", mmap_mode="r")]:
                    assert (volume[index] == 255).all()
                for level, array in zarr.open_group(str(folder / "labels.ome.zarr"), mode="r").arrays():
                    assert (array[index] == 255).all(), level
    assert seen == {"skeleton", "images", "plane"}


def test_05_untouched_bytes(demo, trainable):
    """skeleton.swc, skeleton.marker and ephys.nwb are the bytes of the database, unchanged."""
    for name in ["skeleton.swc", "skeleton.marker", "ephys.nwb"]:
        if name in os.listdir(trainable):
            url = os.getxattr(trainable / name, "user.neuronfs.url").decode()
            assert (trainable / name).read_bytes() == requests.get(url).content, name


def test_06_pairs(trainable):
    """A file of labels/ has the name, shape, layout and resolution fields of the file of stack/ with the same name. Shape
    means planes, rows and columns. The images of a folder may have 16 bits, its labels have 8. Otherwise only the pixels
    and the ImageDescription differ; the latter states the label rules."""
    # Images of 16 bits: test_folder_cells.py.
    assert sorted(os.listdir(trainable / "stack")) == sorted(os.listdir(trainable / "labels"))
    for name in sorted(os.listdir(trainable / "stack"))[::17]:
        with tifffile.TiffFile(trainable / "stack" / name) as image, tifffile.TiffFile(trainable / "labels" / name) as label:
            tags = [{tag.name: tag.value for tag in file.pages[0].tags.values()} for file in (image, label)]
            assert "label_rules=2" in tags[1].pop("ImageDescription")
            assert tags[0] == tags[1]
        assert (trainable / "stack" / name).stat().st_size == (trainable / "labels" / name).stat().st_size


def test_07_geometry(trainable):
    """Pixel (i, j) of plane k shows the place ((i + x) * 0.1144, (j + y) * 0.1144, k * 0.28) um in the frame of the
    skeleton. Here x and y are offset_in_full_frame_px of meta.json."""
    meta = json.loads((trainable / "meta.json").read_text())
    oy, ox = meta["stack"]["offset_in_full_frame_px"]
    depth, height, width = meta["stack"]["shape"]
    nodes = [line.split() for line in (trainable / "skeleton.swc").read_text().splitlines() if line[:1] not in ("#", "")]
    seen = 0
    for _, kind, x, y, z, radius, _ in nodes[:: max(1, len(nodes) // 60)]:
        i, j, k = round(float(x) / 0.1144) - ox, round(float(y) / 0.1144) - oy, round(float(z) / 0.28)
        if 0 <= i < width and 0 <= j < height and 0 <= k < depth and (trainable / "stack" / f"{k:04}.tif").exists():
            label = tifffile.memmap(trainable / "labels" / f"{k:04}.tif", mode="r")[j, i]
            grey = tifffile.memmap(trainable / "stack" / f"{k:04}.tif", mode="r")[j, i]
            assert label > 0
            assert grey < 130, "a node lies on a dark neurite of the demo, on a field of 197"
            seen += 1
    assert seen > 30


def test_08_any_read_gives_the_same_bytes(trainable):
    """Any read of a plane gives the same bytes as the same range of the whole plane. This holds for read, pread,
    mmap and O_DIRECT, at any offset and length."""
    rng = np.random.default_rng(8)
    for series in ["stack", "labels", "labels-instance"]:
        name = trainable / series / "0030.tif"
        whole = name.read_bytes()
        descriptor = os.open(name, os.O_RDONLY)
        direct = os.open(name, os.O_RDONLY | os.O_DIRECT)
        try:
            with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as view:
                for _ in range(60):
                    offset = int(rng.integers(0, len(whole)))
                    length = int(rng.integers(0, 300_000))
                    assert os.pread(descriptor, length, offset) == whole[offset:offset + length]
                    assert view[offset:offset + length] == whole[offset:offset + length]
            buffer = mmap.mmap(-1, 1 << 20)
            for block in rng.integers(0, len(whole) // 4096, 20):
                count = os.preadv(direct, [buffer], int(block) * 4096)
                assert buffer[:count] == whole[int(block) * 4096:int(block) * 4096 + (1 << 20)][:count]
        finally:
            os.close(descriptor)
            os.close(direct)


def test_09_beyond_the_end(trainable):
    """Reading beyond the end of a file gives no bytes and no error."""
    for name in ["stack/0001.tif", "labels/0001.tif", "skeleton.swc", "meta.json", "stack.tif", "labels.tif", "stack.npy", "labels.npy"]:
        descriptor = os.open(trainable / name, os.O_RDONLY)
        try:
            size = os.fstat(descriptor).st_size
            assert os.pread(descriptor, 10, size) == b""
            assert os.pread(descriptor, 10, size + (1 << 33)) == b""
            assert len(os.pread(descriptor, 10, size - 3)) == 3
        finally:
            os.close(descriptor)


def test_10_many_handles(trainable):
    """A file can be opened any number of times, and any number of threads and processes can read it at once. A
    handle has no state that another handle could see."""
    names = [trainable / series / f"{index:04}.tif" for series in ["stack", "labels"] for index in (20, 21)]
    truth = {name: name.read_bytes() for name in names}

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(20):
            name = names[int(rng.integers(0, len(names)))]
            with open(name, "rb", buffering=0) as file:
                offset = int(rng.integers(0, len(truth[name])))
                file.seek(offset)
                block = file.read(50_000)
                if block != truth[name][offset:offset + len(block)]:
                    return f"{name} at {offset}"
        return None

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert [fault for fault in pool.map(work, range(16)) if fault] == []


def test_11_names_and_sizes_cost_no_images(origin):
    """Names and sizes fetch no images: listing a stack, and stat of its planes, make no image request."""
    with FaultProxy(origin.url) as proxy, Mount(proxy.url) as mount:
        folder = mount / "trainable" / "mouse"
        folder = folder / sorted(os.listdir(folder))[0]
        for series in ["stack", "labels"]:
            for name in os.listdir(folder / series):
                os.stat(folder / series / name)
        subprocess.run(["find", folder.resolve() / "stack", "-size", "+1"], check=True, capture_output=True)
        assert [request for request in proxy.requests if "image" in request.path.split("?")[0]] == []
        assert len(proxy.requests) < 12


def test_12_a_second_mount_asks_nothing(origin, tmp_path):
    """A second mount of the same cache directory reads everything that was read before without a request to the
    origin."""
    def read(mount):
        folder = mount / "trainable" / "mouse"
        folder = folder / sorted(os.listdir(folder))[0]
        names = ["stack/0005.tif", "labels/0005.tif", "skeleton.swc", "ephys.nwb", "meta.json", "projections/min_xy.jpg"]
        return [(folder / name).read_bytes() for name in names]

    # How far the first mount was ahead of the reader when it ended is chance, and the second would go on from there.
    options = ["--read-ahead", "0"]
    with FaultProxy(origin.url) as proxy:
        with Mount(proxy.url, cache=tmp_path / "cache", options=options) as mount:
            first = read(mount)
        proxy.requests.clear()
        with Mount(proxy.url, cache=tmp_path / "cache", options=options) as mount:
            assert read(mount) == first
        assert len(proxy.requests) == 0


def test_13_a_waiting_reader_can_be_killed(origin):
    """A waiting process ends at once when it is interrupted or killed. This holds also while the origin does not
    answer, and beside other processes that wait for the same name. A program that handles the signal itself, as
    Python does, gets the bytes read so far. It gets EINTR when there are none."""
    with FaultProxy(origin.url) as proxy, Mount(proxy.url) as mount:
        folder = mount / "trainable" / "mouse"
        folder = folder / sorted(os.listdir(folder))[0]
        proxy.add(r"image", "stall_headers", seconds=600)
        plane = str(folder / "stack" / "0007.tif")
        python = [sys.executable, "-c", f"import os; os.pread(os.open({plane!r}, 0), 300000, 2000000)"]
        for command, number in [(["cat", plane], signal.SIGINT), (["cat", plane], signal.SIGTERM),
                                (["cat", plane], signal.SIGKILL), (python, signal.SIGINT)]:
            reader = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            harness.wait_until(lambda: mount.status()["readers"]["waiting"] > 0, what="the reader to wait")
            reader.send_signal(number)
            # The stall lasts ten minutes: ending now is ending because of the signal.
            assert reader.wait(timeout=30) != 0
            harness.wait_until(lambda: mount.status()["readers"]["waiting"] == 0, what="the request to end")
        proxy.add("well_known_file_download", "stall_headers", seconds=600)
        first, second = (subprocess.Popen(["stat", folder / "ephys.nwb"], stdout=subprocess.DEVNULL) for _ in range(2))
        harness.wait_until(lambda: mount.status()["readers"]["waiting"] == 2, what="both to wait")
        for process in (second, first):
            assert first.poll() is None
            process.kill()
            assert process.wait(timeout=harness.PATIENCE) != 0


def test_14_a_malformed_skeleton(origin):
    """The label folder of a malformed skeleton exists, and reading its planes fails with EIO. skeleton.swc can still
    be read, and the log names the file, the line and the reason."""
    with FaultProxy(origin.url) as proxy:
        with Mount(proxy.url) as mount:
            folder = mount / "trainable" / "mouse"
            folder = folder / sorted(os.listdir(folder))[0]
            url = os.getxattr(folder / "skeleton.swc", "user.neuronfs.url").decode()
            truth = requests.get(url).content
            size = len(truth)
        broken = b"1 1 10 10 10 5 -1\n2 3 11 10 ten 1 1\n"
        broken += b"#" * (size - len(broken) - 1) + b"\n"
        proxy.add(re.escape(url.rsplit("/", 1)[1]), "body", only="bytes", body=broken)
        with Mount(proxy.url) as mount:
            folder = mount / folder.relative_to(folder.parents[2])
            assert (folder / "skeleton.swc").read_bytes() == broken
            assert "0000.tif" in os.listdir(folder / "labels")
            expect(errno.EIO, lambda: (folder / "labels" / "0000.tif").read_bytes())
            lines = [line for line in mount.log_text().splitlines() if "no labels" in line]
            assert len(lines) >= 1
            assert url.rsplit("/", 1)[1] in lines[0] and "line 2" in lines[0] and "ten" in lines[0]


def test_15_control_documents(demo):
    """The documents of .neuronfs/ are written again at each open, and have a constant size."""
    for name in ["status.json", "metrics", "config.json"]:
        path = demo / ".neuronfs" / name
        assert len(path.read_bytes()) == os.stat(path).st_size
    first = json.loads((demo / ".neuronfs" / "status.json").read_text())["readers"]["served_bytes"]
    (demo / "cells.csv").read_bytes()
    os.listdir(demo / "mouse")
    second = json.loads((demo / ".neuronfs" / "status.json").read_text())["readers"]["served_bytes"]
    assert second > first


def test_16_times(trainable):
    """Times are those of the database when it states them: skeleton.swc, and every file that is drawn from it, has
    the date of the skeleton file."""
    url = os.getxattr(trainable / "skeleton.swc", "user.neuronfs.url").decode()
    from email.utils import parsedate_to_datetime
    date = parsedate_to_datetime(requests.head(url).headers["Last-Modified"]).timestamp()
    for name in ["skeleton.swc", "labels/0003.tif", "labels.tif", "labels.npy", "labels-instance.json"]:
        assert os.stat(trainable / name).st_mtime == date, name


def test_17_links_and_views(demo):
    """Names in by-*/ are symbolic links to the directory of a cell: into mouse/, human/ or a folder (22). trainable/ and
    splits/ hold a directory for each cell, with the names and bytes of that directory. Each directory there has an inode
    number of its own. A file is the same file under all its names, and st_nlink counts them. The splits contain all
    trainable cells, and all cells of a donor are in the same split."""
    # All names, all directories, page cache and copies: test_views.py.
    catalogue = cells(demo)
    parts = [{int(cell) for cell in os.listdir(demo / "splits" / part)} for part in ["train", "val", "test"]]
    trainable = {int(cell) for species in ["mouse", "human"] for cell in os.listdir(demo / "trainable" / species)}
    assert set.union(*parts) == trainable and sum(map(len, parts)) == len(trainable)
    donors = [{catalogue[cell]["donor__id"] for cell in part} for part in parts]
    assert not (donors[0] & donors[1] or donors[0] & donors[2] or donors[1] & donors[2])
    for top in ["by-name", "by-structure", "by-layer", "by-line", "by-dendrite-type"]:
        for folder, folders, files in os.walk(demo / top):
            for name in folders + files:
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    row = catalogue[int(os.path.basename(os.readlink(path)))]
                    assert os.path.realpath(path) == str(folder_of(demo, row).resolve())
    places = [demo / "trainable" / species for species in ["mouse", "human"]]
    for place in places + [demo / "splits" / part for part in ["train", "val", "test"]]:
        for view in place.iterdir():
            own = folder_of(demo, catalogue[int(view.name)])
            assert not view.is_symlink() and os.listdir(view) == os.listdir(own)
            assert os.stat(view / "stack").st_ino != os.stat(own / "stack").st_ino
            for name in ["skeleton.swc", "stack/0001.tif"]:
                assert os.path.samefile(view / name, own / name) and os.stat(view / name).st_nlink == 3
            assert (view / "skeleton.swc").read_bytes() == (own / "skeleton.swc").read_bytes()


def missing_blocks(descriptor):
    return struct.unpack("=QQ", fcntl.ioctl(descriptor, 0x80104E21, bytes(16)))[0]


def test_18_background_reading(demo, trainable):
    """`ioctl(2)` knows two commands, on files. 0x4E20, without an argument, marks a descriptor for background
    reading, as `neuronfs prefetch` does: no reader waits for its bytes. Its reads come after all others. Blocks that
    are fetched for it alone are on disk when a read returns, if the disk accepts them. 0x80104E21 returns two
    uint64_t: how many blocks of the file the cache on disk lacks, and how many blocks the file has."""
    # What comes behind and before: test_read_ahead.py.
    for target in [trainable / "stack" / "0001.tif", demo / "cells.json", trainable]:
        descriptor = os.open(target, os.O_RDONLY)
        try:
            for command in [0x4E21, 0x4E00, 0x12345678]:
                expect(errno.ENOTTY, lambda: fcntl.ioctl(descriptor, command, 0))
            if target.is_dir():
                expect(errno.ENOTTY, lambda: fcntl.ioctl(descriptor, 0x4E20))
                expect(errno.ENOTTY, lambda: missing_blocks(descriptor))
            else:
                assert fcntl.ioctl(descriptor, 0x4E20) == 0
                assert os.pread(descriptor, 16, 0) == target.read_bytes()[:16]
                # All has been read now.
                harness.wait_until(lambda: missing_blocks(descriptor) == 0, what="blocks on disk")
        finally:
            os.close(descriptor)


def test_19_names_without_the_origin(origin):
    """Looking up a name waits for the origin only inside a Zarr store of unknown geometry. It waits two seconds at
    most, and then fails with ETIMEDOUT. `stat`, `open`, `opendir` and `access` ask the origin themselves. `statx(2)`
    with AT_STATX_DONT_SYNC and `open(2)` with O_PATH use only what the kernel knows. With these calls a program may
    see a file that the database lacks, or a size of 0 before the size is known."""
    with FaultProxy(origin.url) as proxy, Mount(proxy.url) as mount:
        folder = mount / "trainable" / "mouse"
        folder = folder / sorted(os.listdir(folder))[0]
        proxy.add("", "stall_headers", seconds=600)
        for name in ["ephys.nwb", "stack", "stack.tif"]:
            begin = time.monotonic()
            os.close(os.open(folder / name, os.O_PATH))
            assert time.monotonic() - begin < 2 * harness.PATIENCE, name
        for command in (["stat", folder / "stack"], ["cat", folder / "ephys.nwb"], ["ls", folder / "stack"],
                        ["test", "-r", folder / "stack.tif"]):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            harness.wait_until(lambda: mount.status()["readers"]["waiting"] > 0, what=f"{command[0]} to wait")
            process.kill()
            assert process.wait(timeout=30) != 0
            harness.wait_until(lambda: mount.status()["readers"]["waiting"] == 0, what="the request to end")
    test_kills.test_a_lookup_in_a_store_of_unknown_geometry_has_an_end(origin)


@test_file_handles.pytestmark
def test_20_file_handles(origin, demo, tmp_path):
    """A file handle (`name_to_handle_at(2)`) with a computed inode number opens the same file after the kernel has
    forgotten the inode, and in a later mount. A handle with a hashed number gives ESTALE then, until the path is looked
    up again. An NFS server works with such handles; an export needs `fsid=` in /etc/exports, and no test exports a
    mount."""
    test_file_handles.test_a_handle_of_a_hashed_number_is_stale_until_its_path_is_looked_up_again(tmp_path)
    test_file_handles.test_a_handle_of_a_computed_number_outlives_the_kernels_caches_and_the_mount(origin, tmp_path)
    test_file_handles.test_a_handle_that_means_nothing_is_stale(demo)


def test_21_labels_in_the_store_of_the_stack(trainable):
    """stack.ome.zarr/labels/<variant>/ holds the labels of labels.ome.zarr, where OME-Zarr wants them. Its .zattrs
    and .zmetadata differ from those of labels.ome.zarr, because they name the image. All other files are the same
    files, and st_nlink counts both names."""
    group, beside = trainable / "stack.ome.zarr" / "labels", trainable / "labels.ome.zarr"
    variant, = json.loads((group / ".zattrs").read_text())["labels"]
    assert variant == json.loads((trainable / ".." / ".." / ".." / ".neuronfs" / "config.json").read_text())["labels"]
    names = [path.relative_to(beside) for path in beside.rglob("*") if path.is_file()]
    assert names and sorted(names) == sorted(path.relative_to(group / variant) for path in (group / variant).rglob("*") if path.is_file())
    for name in names:
        status = os.stat(group / variant / name)
        isShared = name.name not in (".zattrs", ".zmetadata")
        assert os.path.samestat(status, os.stat(beside / name)) == isShared, name
        # The cell stands in mouse/, trainable/ and splits/.
        assert status.st_nlink == (6 if isShared else 3), name


def own_folder(tmp_path):
    """A folder with one pair of 16 bits."""
    folder_pairs.write_pair(tmp_path / "own" / "cell", folder_pairs.volume((3, 200, 300), np.uint16), "1 1 9 9 1 2 -1\n")
    return tmp_path / "own"


def test_22_folders(demo, tmp_path):
    """A folder (`--source folder:PATH`) is shown as `<name>/<cell>/`, with the files that a cell of the database has,
    except recordings and projections. Pixels are those of its TIFF files, with 8 or 16 bits. skeleton.swc and
    skeleton.marker are the bytes of its files. voxel_spacing_um of meta.json takes the place of the numbers in 7.
    trainable/, splits/, by-*/ and cells.csv have its cells, too; cells.json has those of the database alone."""
    # All layouts of TIFF: test_folders.py. Labels by their spacing, names and links: test_folder_cells.py.
    own = own_folder(tmp_path)
    (own / "cell" / "cut.marker").write_text("9,9,2,0,1,10,\n")
    with folder_pairs.FolderMount(own) as mount:
        cell = mount.shown / "cell"
        names = {name for row in cells(demo).values() for name in os.listdir(folder_of(demo, row))}
        assert set(os.listdir(cell)) == names - {"ephys.nwb", "projections"}
        assert np.array_equal(np.load(cell / "stack.npy"), tifffile.imread(own / "cell" / "image.tif"))
        assert (cell / "skeleton.swc").read_bytes() == (own / "cell" / "neuron.swc").read_bytes()
        assert (cell / "skeleton.marker").read_bytes() == (own / "cell" / "cut.marker").read_bytes()
        found = json.loads((cell / "meta.json").read_text())
        assert found["stack"]["voxel_spacing_um"] == list(folder_pairs.SPACING)
        sz, sy, sx = folder_pairs.SPACING
        # The soma is at (9, 9, 1) um.
        assert np.load(cell / "labels.npy")[round(1 / sz), round(9 / sy), round(9 / sx)] == 1
        parts = [name for part in ["train", "val", "test"] for name in os.listdir(mount / "splits" / part)]
        assert os.listdir(mount / "trainable" / "own") == ["cell"] and parts == ["own-cell"]
        assert os.path.realpath(mount / "by-name" / "cell") == str(cell)
        assert "cell" in (mount / "cells.csv").read_text() and cells(mount) == {}


def test_23_folders_are_only_read(origin, tmp_path):
    """Nothing is written to a folder, no block of it is kept in the cache, and no request is made for it. Only regular
    files below PATH are opened: a link that leads out, a pipe, a socket or a device serves nothing."""
    # Every kind of file and link in every place: test_folder_safety.py.
    own = own_folder(tmp_path)
    os.symlink("/etc/passwd", own / "planted.swc")
    os.mkfifo(own / "pipe.swc")
    before = folder_pairs.listing(own)
    with FaultProxy(origin.url) as proxy, folder_pairs.FolderMount(own, endpoint=proxy.url) as mount:
        for name in ["stack.npy", "labels.npy", "skeleton.swc", "meta.json"]:
            assert (mount.shown / "cell" / name).read_bytes()
        for name in ["planted", "pipe"]:
            expect(errno.ENOENT, lambda: os.stat(mount.shown / name / "skeleton.swc"))
        assert mount.status()["cache"]["blocks"] == 0 and proxy.requests == []
    assert folder_pairs.listing(own) == before


def test_24_folders_change(tmp_path):
    """A file of a folder that is new, changed or gone shows within 15 seconds on an idle machine, without a new mount. A
    handle of a changed file gets ESTALE, or bytes of the version that it was opened with. A damaged TIFF gives EIO or has
    no stack."""
    # Every kind of change, and readers during it: test_folder_changes.py. Damage of every kind: test_folder_damage.py.
    own = own_folder(tmp_path)
    with folder_pairs.FolderMount(own, options=["--read-ahead", "0"]) as mount:
        cell = mount.shown / "cell"
        old = (cell / "stack.npy").read_bytes()
        with folder_pairs.opened(cell / "stack.npy") as (handle,):
            fresh = folder_pairs.volume((3, 200, 300), np.uint16, seed=2)
            folder_pairs.replace(own / "cell" / "image.tif", lambda path: folder_pairs.by_tifffile(path, fresh))
            try:
                assert os.pread(handle, 4096, 200_000) == old[200_000:204_096]
            except OSError as error:
                assert error.errno == errno.ESTALE
        folder_pairs.write_pair(own / "new", fresh, "1 1 9 9 1 2 -1\n")
        harness.wait_until(lambda: (mount.shown / "new" / "labels.npy").exists(), 15, "the new pair")
        assert np.array_equal(np.load(cell / "stack.npy"), fresh)
        damaged = (own / "cell" / "image.tif").read_bytes()[:-100_000]
        folder_pairs.replace(own / "cell" / "image.tif", lambda path: path.write_bytes(damaged))
        (own / "new" / "neuron.swc").unlink()
        harness.wait_until(lambda: not (mount.shown / "new" / "skeleton.swc").exists(), 15, "the file that is gone")
        with pytest.raises(OSError) as caught:
            (cell / "stack" / "0002.tif").read_bytes()
        assert caught.value.errno in (errno.EIO, errno.ENOENT)
