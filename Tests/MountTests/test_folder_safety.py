"""What a folder must not do: serve a file from outside, hang, be written to, reach the cache or the network, or wait for
the database."""

import os
import socket
import subprocess
import threading
import time

import numpy as np
import tifffile

import harness
from fault_proxy import FaultProxy
from folder_pairs import (
    NOWHERE, ONE_NODE, QUICKLY, SOON, FolderMount, assert_alive, assert_same, by_tifffile, listing, log_lines, read_all, volume,
    write_meta, write_pair)
from harness import Mount, binary, wait_until

SHAPE = (3, 64, 96)
SECRET = "# a secret\n1 1 0 0 0 1 -1\n"


def test_links_that_lead_out_serve_nothing(tmp_path):
    """To /etc/passwd, to a folder above, and to files outside, in every place where a file is looked for."""
    outside = tmp_path / "outside"
    write_pair(outside, np.full(SHAPE, 77, np.uint8), SECRET)
    (outside / "stack").mkdir()
    by_tifffile(outside / "stack" / "0.tif", np.full(SHAPE[1:], 77, np.uint8))
    own = tmp_path / "own"
    write_pair(own / "honest", volume(SHAPE), ONE_NODE)
    links = {
        "passwd.swc": "/etc/passwd", "flat.swc": "../outside/neuron.swc", "flat.tif": "../outside/image.tif",
        "absolute.swc": str(outside / "neuron.swc"), "up": "..", "up2": "../outside", "self": ".",
        "root": "/", "proc.swc": "/proc/self/environ", "cell/x.swc": "/etc/passwd", "cell/y.tif": "../../outside/image.tif",
        "planes/stack": "../../outside/stack", "stack/stack/0.tif": "../../../outside/stack/0.tif",
        "meta/meta.json": "../../outside/meta.json", "through.swc": "honest/../../outside/neuron.swc",
        "circle.swc": "circle.swc", "nothing.swc": "no such file",
    }
    for name, target in links.items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(target, own / name)
    by_tifffile(own / "meta" / "image.tif", volume(SHAPE))
    # These stay inside, and serve what they lead to.
    os.symlink("honest", own / "alias")
    os.symlink("honest/neuron.swc", own / "inside.swc")
    with FolderMount(own) as mount:
        found = read_all(mount.shown)
        secrets = [b"a secret", b"root:", np.full(SHAPE[2], 77, np.uint8).tobytes()]
        served = [path for path, data in found.items() if any(secret in data for secret in secrets if isinstance(data, bytes))]
        assert served == []
        # "self" has the one skeleton that stays inside. Of the others nothing is left to show.
        wait_until(lambda: set(os.listdir(mount.shown)) == {"honest", "alias", "inside", "self"}, SOON, "the cells that are left")
        assert found["alias/stack.npy"] == found["honest/stack.npy"] and found["inside/skeleton.swc"] == ONE_NODE.encode()
        for name in ("passwd.swc", "flat.swc", "flat.tif", "absolute.swc", "up", "root", "proc.swc", "cell/x.swc",
                     "cell/y.tif", "planes/stack", "stack/stack/0.tif", "through.swc"):
            assert len(log_lines(mount, f"/own/{name} ", "leads out of the folder")) == 1, name
        assert_alive(mount)


def special_files(folder):
    """A pipe, a socket, a directory and a device, each under the name of an image and of a skeleton."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {}
    for ending in ("tif", "swc", "json"):
        os.mkfifo(folder / f"pipe.{ending}")
        (folder / f"directory.{ending}").mkdir()
        kinds |= {f"pipe.{ending}": "pipe", f"directory.{ending}": "directory"}
        if os.geteuid() == 0:
            # /dev/zero
            os.mknod(folder / f"device.{ending}", 0o20666, os.makedev(1, 5))
            kinds[f"device.{ending}"] = "device"
        place = os.open(folder, os.O_PATH)
        try:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(f"/proc/self/fd/{place}/socket.{ending}")
        finally:
            os.close(place)
        kinds[f"socket.{ending}"] = "socket"
    return kinds


def test_what_is_no_file_hangs_nothing(tmp_path):
    own = tmp_path / "own"
    write_pair(own / "honest", volume(SHAPE), ONE_NODE)
    flat = special_files(own)
    special_files(own / "cell")
    (own / "cell" / "neuron.swc").write_text(ONE_NODE)
    os.mkfifo(own / "cell" / "meta.json")
    write_meta(own / "planes")
    special_files(own / "planes" / "stack")
    by_tifffile(own / "planes" / "stack" / "plane.tif", volume(SHAPE)[0])
    os.mkfifo(own / "fifo-for-stack")
    begin = time.monotonic()
    with FolderMount(own) as mount:
        found = read_all(mount.shown)
        assert time.monotonic() - begin < 4 * QUICKLY * harness.PATIENCE
        assert found["honest/skeleton.swc"] == found["cell/skeleton.swc"] == ONE_NODE.encode()
        assert not any(data == "EIO" for data in found.values())
        assert_same(np.load(mount.shown / "planes" / "stack.npy"), volume(SHAPE)[:1], "planes")
        for name in flat:
            if not name.endswith("json"):
                assert len(log_lines(mount, f"/own/{name} ", "it is a")) == 1, name
        assert_alive(mount)


def test_a_folder_that_cannot_be_shown(tmp_path, origin):
    """One sentence, an exit code, and no mount."""
    own = tmp_path / "own"
    write_pair(own / "cell", volume(SHAPE), ONE_NODE)
    (tmp_path / "file").write_text("")
    (tmp_path / "other" / "own").mkdir(parents=True)
    with FolderMount(own) as inner:
        os.symlink(inner.shown, tmp_path / "link into the mount")
        refused = [
            ([tmp_path / "missing"], 1, "No such file"), ([tmp_path / "file"], 1, "Not a directory"),
            ([inner.shown], 1, "lies in a mount of NeuronFS"), ([inner / "mouse,name=x"], 1, "lies in a mount of NeuronFS"),
            ([tmp_path / "link into the mount"], 1, "lies in a mount of NeuronFS"),
            ([f"{own},name=mouse"], 64, f"folder:{own},name=NAME"), ([f"{own},name=splits"], 64, f"folder:{own},name=NAME"),
            ([own, tmp_path / "other" / "own"], 64, "two folders would be called own"),
            ([f"{own},spacing=0,1,1"], 64, "spacing=X,Y,Z"), ([f"{own},name=a/b"], 64, "no slash"),
            ([f"{own},name=.hidden"], 64, "no dot at the start"), (["/"], 64, "add ,name=NAME"),
        ]
        for folders, code, words in refused:
            options = [part for folder in folders for part in ("--source", f"folder:{folder}")]
            outer = Mount(NOWHERE, options=options)
            try:
                result = outer.start(check=False)
                assert result.returncode == code and words in result.stderr, (folders, result)
                assert result.stderr.count("\n") == 1 and result.stderr.startswith("neuronfs: "), result.stderr
                assert not harness.is_mounted(outer.path)
            finally:
                outer.clean()
        assert_alive(inner)
    if os.geteuid() != 0:
        return
    # What lies in a mount below the folder is left out; the rest is shown.
    with FolderMount(own) as inner:
        inside = tmp_path / "outer" / "mounted"
        inside.mkdir(parents=True)
        (tmp_path / "outer" / "mine.swc").write_text(ONE_NODE)
        subprocess.run(["mount", "--bind", inner.shown / "cell", inside], check=True, capture_output=True)
        try:
            with FolderMount(tmp_path / "outer") as mount:
                assert os.listdir(mount.shown) == ["mine"]
                assert len(log_lines(mount, "/outer/mounted ", "lies in a mount of NeuronFS")) == 1
        finally:
            subprocess.run(["umount", inside], check=True, capture_output=True)


def test_nothing_is_written_or_cached_or_asked_for(tmp_path, origin):
    """All of a folder is read: it has the times it had, the cache has no block, and no request was made."""
    own = tmp_path / "own"
    write_pair(own / "cell", volume(SHAPE), ONE_NODE)
    by_tifffile(own / "flat.tif", volume((2, 600, 700), np.uint16), resolution=(1e5, 1e5), resolutionunit="CENTIMETER")
    (own / "flat.swc").write_text(ONE_NODE)
    before = listing(own)
    with FaultProxy(origin.url) as proxy, FolderMount(own, "spacing=1,1,1", endpoint=proxy.url) as mount:
        found = read_all(mount.shown)
        assert len(found) > 80 and all(isinstance(data, bytes) for data in found.values())
        subprocess.run([binary(), "find", mount.path], check=True, capture_output=True)
        for name in ("README.txt", "CITATION.txt", "cells.csv", "cells.json"):
            assert (mount / name).read_bytes()
        assert listing(own) == before
        assert proxy.requests == []
        cache = mount.status()["cache"]
        assert (cache["blocks"], cache["size_bytes"]) == (0, 0)
        result = subprocess.run([binary(), "cache", "status", mount.cache], capture_output=True, text=True)
        assert result.returncode == 0 and "0 B of" in result.stdout and "in 0 blocks" in result.stdout
        assert mount.status()["network"]["requests"] == 0
    assert listing(own) == before


def test_a_folder_is_read_while_the_database_stalls(tmp_path, origin):
    """Sixteen readers wait for the database, and the folder's reads go on beside them."""
    data = volume((20, 300, 400))
    write_pair(tmp_path / "own" / "cell", data, ONE_NODE)
    with FaultProxy(origin.url) as proxy, FolderMount(
            tmp_path / "own", endpoint=proxy.url, options=["--source", "allen", "--read-ahead", "0"]) as mount:
        folder = mount / "trainable" / "mouse"
        folder = folder / sorted(os.listdir(folder))[0]
        names = sorted(os.listdir(folder / "stack"))[:16]
        first = (folder / "stack" / names[0]).read_bytes()
        assert len(first) > 1000 and mount.status()["cache"]["blocks"] > 0
        proxy.add(r"image", "stall_headers", seconds=600)
        readers = [subprocess.Popen(["cat", folder / "stack" / name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                   for name in names[1:]]
        try:
            wait_until(lambda: mount.status()["readers"]["waiting"] >= 8, what="readers that wait")
            blocks = mount.status()["cache"]["blocks"]
            begin = time.monotonic()
            faults = []

            def read():
                for index in range(20):
                    found = tifffile.imread(mount.shown / "cell" / "stack" / f"{index:04}.tif")
                    if not np.array_equal(found, data[index]):
                        faults.append(index)
                np.load(mount.shown / "cell" / "labels.npy")

            threads = [threading.Thread(target=read) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(QUICKLY * harness.PATIENCE)
                assert not thread.is_alive()
            assert not faults and time.monotonic() - begin < QUICKLY * harness.PATIENCE
            assert all(reader.poll() is None for reader in readers)
            assert mount.status()["cache"]["blocks"] == blocks
        finally:
            for reader in readers:
                reader.kill()
                reader.wait(30)
