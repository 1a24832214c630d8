"""What a person is told who misspells, or gives one thing where another is expected."""

import datetime
import json
import os
import re
import socket
import subprocess

import pytest

from command_line import ok, run
from harness import ROOT, Mount
from test_commands import one_sentence

SMALL = "900000112"


@pytest.mark.parametrize("words, expected", [
    (["moutn", "/x"], "there is no command moutn: did you mean mount?"),
    (["unmount", "/x"], "there is no command unmount: did you mean umount?"),
    (["Status"], "there is no command Status: did you mean status?"),
    (["cache", "stauts"], "there is no command cache stauts: did you mean cache status?"),
    (["help", "prefech"], "there is no command prefech: did you mean prefetch?"),
    (["frobnicate"], "there is no command frobnicate: there are demo, mount, umount, "),
])
def test_a_misspelt_command(words, expected):
    result = run(*words)
    assert result.returncode == 64
    assert expected in one_sentence(result)


@pytest.mark.parametrize("options, expected", [
    (["--dendrite-type", "spny"], ["did you mean spiny?", "aspiny, sparsely spiny, spiny"]),
    (["--layer", "7"], ["no cell has --layer 7", "1, 2, 2/3, 3, 4, 5, 6a"]),
    (["--structure", "VISp23"], ["did you mean VISp2/3?"]),
    (["--line", "Robr"], ["no cell has --line Robr", "Rorb-IRES2-Cre"]),
    (["--species", "human", "--layer", "6a"], ["no cell matches"]),
])
def test_a_value_that_no_cell_has(demo, options, expected):
    result = run("find", demo.path, *options)
    assert result.returncode == 1 and result.stdout == ""
    assert "no cell matches" in one_sentence(result)
    for text in expected:
        assert text in result.stderr


def test_values_that_every_database_has(demo):
    result = run("find", demo.path, "--reconstruction", "ful")
    assert result.returncode == 64 and "'full'" in result.stderr and "'dendrite-only'" in result.stderr
    assert ok("find", demo.path, "--layer", "2-3", "--paths") == ok("find", demo.path, "--layer", "2/3", "--paths")
    by_folder = ok("find", demo.path, "--structure", "VISp2-3", "--paths").split()
    assert by_folder == ok("find", demo.path, "--structure", "VISp2/3", "--paths").split() != []


def test_find_by_reconstruction(demo):
    rows = json.loads((demo / "cells.json").read_text())
    for value in ("full", "dendrite-only"):
        wanted = {row["specimen__id"] for row in rows if row["nr__reconstruction_type"] == value}
        found = json.loads(ok("find", demo.path, "--reconstruction", value, "--json"))
        assert {cell["id"] for cell in found} == wanted != set()
        assert {cell["reconstruction"] for cell in found} == {value}
    table = ok("find", demo.path, "--reconstruction", "dendrite-only").splitlines()
    assert table[0].split()[:3] == ["FOLDER", "STRUCTURE", "LAYER"]
    assert all("dendrite-only" in line for line in table[1:])


def test_dendrite_only_cells_are_named_as_such(demo):
    kinds = {}
    for row in json.loads((demo / "cells.json").read_text()):
        folder = demo / ("mouse" if row["donor__species"] == "Mus musculus" else "human") / str(row["specimen__id"])
        labels = json.loads((folder / "meta.json").read_text()).get("labels")
        if labels is None:
            continue
        kinds[labels["reconstruction"]] = labels["background"]
        assert labels["reconstruction"] == row["nr__reconstruction_type"]
        assert ("not traced" in labels["background"]) == (labels["reconstruction"] == "dendrite-only")
    assert set(kinds) == {"full", "dendrite-only"}
    assert "nr__reconstruction_type" in (demo / "cells.csv").read_text().splitlines()[0].split(",")
    words = " ".join((demo / "README.txt").read_text().split())
    assert "Of 4 of the traced cells only the dendrites are traced." in words


def test_the_mount_that_the_working_directory_lies_in(origin):
    with Mount(origin.url) as one, Mount(origin.url) as other:
        for mount in (one, other):
            place = mount / "mouse" / SMALL
            paths = ok("find", "--trainable", "--paths", cwd=place).split()
            assert paths and all(path.startswith(f"{mount.path}/") for path in paths)
            (status,) = json.loads(ok("status", ".", "--json", cwd=place))
            assert status["mount_point"] == str(mount.path)
            ok("preview", SMALL, "-o", mount.folder / "x.png", "--size", "64", cwd=mount.path)
            assert f"{mount.path} serves" in ok("doctor", "mouse", "--endpoint", origin.url, cwd=mount.path)
        result = run("preview", SMALL, "-o", one.folder / "y.png", cwd=one.folder)
        if "several mounts" not in result.stderr:
            # Another test may have a mount of its own; these two have the cell in any case.
            raise AssertionError(result.stderr)
        assert result.returncode == 2 and str(one.path) in one_sentence(result) and str(other.path) in result.stderr


def test_an_id_in_place_of_a_path(demo, tmp_path):
    ok("preview", SMALL, "-o", tmp_path / "x.png", "--size", "64", cwd=demo.path)
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    # A cell without images and skeleton: its meta.json.
    assert "read 1 of 1 files" in ok("prefetch", "900000140", cwd=demo.path)
    for command in (["preview", "12345", "-o", tmp_path / "y.png"], ["prefetch", "12345"]):
        result = run(*command, cwd=demo.path)
        assert result.returncode == 2
        assert f"{demo.path} has no specimen 12345" in one_sentence(result)


@pytest.mark.parametrize("name", ["x.jpg", "x.JPEG", "x.tif", "folder/x.png.gz"])
def test_preview_writes_png_alone(demo, tmp_path, name):
    result = run("preview", demo / "mouse" / SMALL, "-o", tmp_path / name)
    assert result.returncode == 64
    assert "PNG" in result.stderr and not (tmp_path / name).exists()


def test_preview_of_a_plane_that_is_not_there(demo, tmp_path):
    result = run("preview", demo / "mouse" / SMALL, "-o", tmp_path / "x.png", "--plane", "80")
    assert result.returncode == 2 and "has 0 to 79" in one_sentence(result)


def test_the_demos_port_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("serve-demo", "--port", port)
    assert result.returncode == 1
    assert re.fullmatch(rf"neuronfs: .*127\.0\.0\.1:{port}: another program has this port; --port 0 takes a free one",
                        one_sentence(result))


def test_a_second_demo_names_the_first_and_the_way_out(tmp_path):
    with Mount() as first:
        result = run("demo", tmp_path / "mnt", "--cache-dir", first.cache)
        assert result.returncode == 1
        assert str(first.pid) in one_sentence(result) and str(first.path) in result.stderr
        assert "name another with --cache-dir" in result.stderr


def test_pins_of_cells_that_there_are_not(demo, tmp_path):
    result = run("cache", "pin", "12345", "--cache-dir", demo.cache)
    assert result.returncode == 2 and f"{demo.path} has no specimen 12345" in one_sentence(result)
    assert json.loads(ok("cache", "status", "--json", "--cache-dir", demo.cache))["pins"] == []
    result = run("cache", "pin", "12345", "--cache-dir", tmp_path / "cache")
    assert result.returncode == 0 and "was not checked" in result.stderr


def test_a_cache_is_named_by_its_place(demo):
    wanted = json.loads(ok("cache", "status", "--json", "--cache-dir", demo.cache))
    for place in (demo.cache, demo.path, demo / "mouse" / SMALL):
        found = json.loads(ok("cache", "status", "--json", place))
        assert (found["directory"], found["mount_point"]) == (wanted["directory"], wanted["mount_point"])
    assert "good" in ok("cache", "verify", demo.path, "--quiet")
    result = run("cache", "clear", demo.path, "--demo", "--yes")
    assert result.returncode == 64 and "name one cache" in result.stderr


def test_status_in_three_lines(origin):
    with Mount(origin.url) as mount:
        lines = ok("status", mount.path).splitlines()
        assert len(lines) == 3
        assert re.match(rf"{mount.path}  serves 12 cells of {origin.url}, for \d+ s \(pid {mount.pid}\)$", lines[0])
        assert str(mount.cache) in lines[1] and "of at most 50.0 GiB" in lines[1]
        fetched = mount.status()["catalogue"]["fetched_at"]
        date = datetime.datetime.fromtimestamp(round(fetched)).strftime("%Y-%m-%d %H:%M")
        assert "0 readers wait" in lines[2] and f"list of cells of {date}" in lines[2]
        verbose = ok("status", mount.path, "-v")
        assert re.search(rf"^  fetched at +{date}$", verbose, re.MULTILINE)
        assert len(verbose.splitlines()) > 30 and str(int(fetched)) not in verbose


# The man page

def commands(node, path=()):
    """Every command below `node` of `--experimental-dump-help`, as (words, options)."""
    options = set()
    for argument in node.get("arguments", []):
        if argument["shouldDisplay"] and argument["kind"] != "positional":
            options |= {("-" if name["kind"] == "short" else "--") + name["name"] for name in argument.get("names", [])}
    yield path, options
    for child in node.get("subcommands", []):
        if child["commandName"] != "help":
            yield from commands(child, (*path, child["commandName"]))


@pytest.fixture(scope="module")
def page():
    """The man page as text, without a word that groff has warned of."""
    result = subprocess.run(["groff", "-mandoc", "-Tascii", "-ww", "-rLL=200n", ROOT / "docs" / "neuronfs.1"],
                            capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    return re.sub(r"\x1b\[[0-9;]*m|.\x08", "", result.stdout)


def test_the_man_page_has_every_command_and_option(page):
    written = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", page))
    known = list(commands(json.loads(ok("--experimental-dump-help"))["command"]))
    assert len(known) > 15
    for path, options in known:
        assert re.search(rf"(?<!\w){' '.join(path)}(?!\w)", page), path
        assert options <= written, (path, options - written)
    every = set().union(*(options for _, options in known))
    assert written - every == set(), "options that no command has"
