"""Where the options of a mount come from: command line, -o, environment, file; and what is said of a bad one."""

import json
import os
import re
import subprocess

import pytest

from harness import ROOT, Mount, binary, is_mounted, kernel_umount, wait_until


def run(*arguments, environment=None, **options):
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, **(environment or {})), **options)


def settings(mount):
    return json.loads((mount / ".neuronfs" / "config.json").read_text())


def write(path, document):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_defaults(origin, tmp_path):
    with Mount(origin.url, environment={"XDG_CONFIG_HOME": str(tmp_path)}) as mount:
        found = settings(mount)
    assert found["cache_size_bytes"] == 50 << 30
    assert found["cache_free_bytes"] == 1 << 30
    assert (found["timeout_seconds"], found["max_connections"], found["read_ahead"]) == (60, 8, 4)
    assert (found["labels"], found["log_level"], found["offline"]) == ("classes", "notice", False)
    assert (found["allow_other"], found["allow_http_redirects"]) == (False, False)
    assert (found["connect_timeout_seconds"], found["first_byte_timeout_seconds"]) == (10, 30)
    assert (found["stall_timeout_seconds"], found["retries"], found["backoff_base_seconds"]) == (20, 3, 0.5)


def test_the_nearest_word_counts(origin, tmp_path):
    """Each of four settings is said once more, one place nearer, than the one before it."""
    write(tmp_path / "neuronfs" / "config.json",
          {"cache_size": "1G", "cache_free": 123456, "read_ahead": 9, "labels": "binary", "timeout": 11.5,
           "max-connections": 3, "allow_http_redirects": True, "offline": None})
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "NEURONFS_CACHE_FREE": "2M", "NEURONFS_READ_AHEAD": "8",
                   "NEURONFS_LABELS": "classes3", "NEURONFS_STALL_TIMEOUT": "7", "NEURONFS_LOG_LEVEL": ""}
    with Mount(origin.url, environment=environment,
               options=["-o", "ro,read-ahead=7,labels=classes", "--labels", "classes3", "--retries", "1"]) as mount:
        found = settings(mount)
    assert found["cache_size_bytes"] == 1 << 30, "file over default"
    assert found["cache_free_bytes"] == 2 << 20, "environment over file"
    assert found["read_ahead"] == 7, "-o over environment and file"
    assert found["labels"] == "classes3", "option over -o"
    assert (found["timeout_seconds"], found["max_connections"]) == (11.5, 3), "numbers and both spellings of a key"
    assert (found["stall_timeout_seconds"], found["retries"]) == (7, 1)
    assert found["allow_http_redirects"] is True, "a flag"
    assert found["log_level"] == "notice", "an empty variable says nothing"


def test_endpoint_and_cache_from_a_named_file(origin, tmp_path):
    config = write(tmp_path / "lab.json", {"endpoint": origin.url + "/", "cache_dir": str(tmp_path / "shared")})
    path = tmp_path / "mnt"
    result = run("mount", path, "--config", config)
    try:
        assert result.returncode == 0, result.stderr
        found = json.loads((path / ".neuronfs" / "config.json").read_text())
        assert found["endpoint"] == origin.url
        assert found["cache_directory"] == str(tmp_path / "shared")
        # The cache commands find it by the same file.
        status = json.loads(run("cache", "status", "--json", "--config", config).stdout)
        assert status["directory"] == str(tmp_path / "shared")
        assert status["mount_point"] == str(path)
    finally:
        assert run("umount", path).returncode == 0


def test_a_cache_for_all_mounts_keeps_the_demo_apart(tmp_path):
    environment = {"NEURONFS_CACHE_DIR": str(tmp_path / "cache"), "XDG_CONFIG_HOME": str(tmp_path)}
    path = tmp_path / "mnt"
    result = run("demo", path, environment=environment)
    try:
        assert result.returncode == 0, result.stderr
        found = json.loads((path / ".neuronfs" / "config.json").read_text())
        assert found["cache_directory"] == str(tmp_path / "cache-demo")
        status = json.loads(run("cache", "status", "--demo", "--json", environment=environment).stdout)
        assert status["directory"] == str(tmp_path / "cache-demo")
    finally:
        assert run("umount", path).returncode == 0


def test_a_flag_can_be_taken_back(tmp_path):
    # Offline with nothing cached fails for that reason; with the flag taken back the endpoint is tried.
    arguments = ["mount", tmp_path / "mnt", "--cache-dir", tmp_path / "cache", "--endpoint", "http://127.0.0.1:9",
                 "--timeout", "5"]
    environment = {"NEURONFS_OFFLINE": "yes", "XDG_CONFIG_HOME": str(tmp_path)}
    assert "no catalogue is cached" in run(*arguments, environment=environment).stderr
    assert "cannot reach the database" in run(*arguments, "--no-offline", environment=environment).stderr


@pytest.mark.parametrize("variable, value, words", [
    ("NEURONFS_CACHE_SIZE", "many", "a size such as"),
    ("NEURONFS_TIMEOUT", "0", "seconds"),
    ("NEURONFS_OFFLINE", "perhaps", "true or false"),
    ("NEURONFS_ALLOW_HTTP_REDIRECTS", "some", "true or false"),
    ("NEURONFS_LABELS", "pink", "classes, classes3, binary"),
    ("NEURONFS_UID", "-1", "number of a user"),
    ("NEURONFS_ENDPOINT", "ftp://x", "http or https URL"),
    ("NEURONFS_RETRIES", "21", "0 to 20"),
])
def test_bad_variable(tmp_path, variable, value, words):
    result = run("mount", tmp_path / "mnt", environment={variable: value, "XDG_CONFIG_HOME": str(tmp_path)})
    assert result.returncode == 2
    assert result.stderr.startswith(f"neuronfs: {variable} is ") and words in result.stderr
    assert f'not "{value}"' in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not is_mounted(tmp_path / "mnt")


@pytest.mark.parametrize("document, words", [
    ({"cache_size": "many"}, '"cache_size" in {path} is a size such as'),
    ({"max_connections": 65}, '"max_connections" in {path} is 1 to 64, not "65"'),
    ({"offline": [True]}, '"offline" in {path} is a list'),
    ({"cash_size": "1G"}, '{path} has "cash_size", and there is no such option'),
    ({"cache_dir": "relative"}, '"cache_dir" in {path} is a path from /'),
    ("[1]", "{path} is no JSON object"),
    ('{"cache_size": ', "{path} is not JSON at byte 15"),
])
def test_bad_file(tmp_path, document, words):
    path = write(tmp_path / "neuronfs" / "config.json", document)
    result = run("mount", tmp_path / "mnt", environment={"XDG_CONFIG_HOME": str(tmp_path)})
    assert result.returncode == 2
    assert words.format(path=path) in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not is_mounted(tmp_path / "mnt")


def test_a_named_file_must_be_there(tmp_path):
    for arguments, environment in ([("--config", tmp_path / "none.json"), {}],
                                   [(), {"NEURONFS_CONFIG": str(tmp_path / "none.json")}]):
        result = run("mount", tmp_path / "mnt", *arguments, environment=environment)
        assert result.returncode == 2
        assert f"cannot read the configuration {tmp_path / 'none.json'}" in result.stderr


@pytest.mark.parametrize("arguments, words", [
    (["-o", "ro,cache-size=many"], "-o cache-size is a size such as"),
    (["-o", "ro,colour=blue"], "-o colour=blue: no option is called colour"),
    (["-o", "endpoint=ftp://x"], "-o endpoint is an http or https URL"),
    (["--stall-timeout", "0"], "--stall-timeout is 0.001 to 86400 seconds"),
])
def test_bad_option_is_named(tmp_path, arguments, words):
    result = run("mount", tmp_path / "mnt", *arguments)
    assert result.returncode == 64
    assert words in result.stderr


@pytest.fixture
def helper(tmp_path):
    """The program under the name that mount(8) looks for."""
    link = tmp_path / "mount.fuse.neuronfs"
    link.symlink_to(os.path.abspath(binary()))
    return link


STANDARD = "rw,nosuid,nodev,noexec,relatime,_netdev,noauto,user=bob,x-systemd.automount,nofail"


@pytest.mark.parametrize("words", [
    lambda url, path, cache: [url, path, "-o", f"{STANDARD},cache_dir={cache},max-connections=2"],
    lambda url, path, cache: ["allen", path, "-v", "-o", f"endpoint={url},cache_dir={cache}", "-o", "max_connections=2"],
])
def test_mount_helper(origin, helper, tmp_path, words):
    path = tmp_path / "mnt"
    arguments = words(origin.url, path, tmp_path / "cache")
    result = subprocess.run([helper, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    try:
        assert result.returncode == 0, result.stderr
        found = json.loads((path / ".neuronfs" / "config.json").read_text())
        assert (found["endpoint"], found["max_connections"]) == (origin.url, 2)
        assert found["cache_directory"] == str(tmp_path / "cache")
    finally:
        # As fstab users do: umount(8) knows nothing of us.
        kernel_umount(path)
        wait_until(lambda: not is_mounted(path), what="umount")


def test_fuse3_helper_calls_the_program_itself(origin, tmp_path):
    """mount.fuse of fuse3 starts `neuronfs SOURCE DIRECTORY -o ...` when there is no mount.fuse.neuronfs."""
    path = tmp_path / "mnt"
    result = run(origin.url, path, "-o", f"rw,dev,suid,cache_dir={tmp_path / 'cache'}")
    try:
        assert result.returncode == 0, result.stderr
        assert (path / "README.txt").exists()
    finally:
        assert run("umount", path).returncode == 0


def test_mount_rehearsal_does_nothing(helper, tmp_path):
    result = subprocess.run([helper, "allen", tmp_path / "mnt", "-sfv", "-o", "ro"], capture_output=True, timeout=60)
    assert result.returncode == 0
    assert not (tmp_path / "mnt").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell):
    script = run("--generate-completion-script", shell)
    assert script.returncode == 0
    for word in ("prefetch", "cache", "cache-size"):
        assert word in script.stdout
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script.stdout, text=True, check=True, timeout=60)


def test_every_command_has_help():
    top = run("--help")
    assert top.returncode == 0
    commands = [line.split()[0] for line in top.stdout.split("SUBCOMMANDS:")[1].splitlines()
                if line.startswith("  ") and not line.startswith(("   ", "  See '"))]
    assert {"mount", "umount", "status", "find", "prefetch", "cache", "sync", "doctor"} <= set(commands)
    for command in commands:
        text = run("help", command).stdout
        assert text.startswith("OVERVIEW: "), command
    text = run("mount", "--help").stdout
    for option in ("--cache-dir", "--cache-size", "--config", "--timeout", "--allow-http-redirects", "-o",
                   "NEURONFS_CACHE_SIZE"):
        assert option in text
    assert "--stall-timeout" not in text and "report-readiness" not in text


def test_help_lists_the_settings_of_the_document():
    """docs/CONFIGURATION.md has every declared setting (ConfigurationTests); so has `--help`, with the same defaults."""
    document = (ROOT / "docs" / "CONFIGURATION.md").read_text()
    rows = re.findall(r"^\| (`-.*?) \| `NEURONFS_\w+` \| (.*?) \|", document, re.MULTILINE)
    assert len(rows) > 20
    shown, hidden = (" ".join(run("mount", option).stdout.split()) for option in ("--help", "--help-hidden"))
    in_demo = " ".join(run("demo", "--help").stdout.split())
    for option, default in rows:
        name = re.search("--[a-z-]+", option).group()
        is_tuning = f"{option} | " in document.split("### Tuning")[1]
        assert (f" {name} <" in shown or f" {name}/--no-{name[2:]} " in shown) != is_tuning, name
        assert (f" {name} <" in in_demo or f" {name}/--no-{name[2:]} " in in_demo) != (is_tuning or name == "--endpoint")
        part = re.split(r" --[a-z]", hidden.split(f" {name}")[1], maxsplit=1)[0]
        assert default == "no" or f"(default: {default.replace('`', '').removesuffix(', see below')})" in part, name
