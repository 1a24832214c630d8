"""Every command of README.md and of mount-examples/README.md runs on the demo, and prints what is said that it prints."""

import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

import harness

EXAMPLES = harness.ROOT / "mount-examples"
# They install Debian packages and build this program, which is there already when tests run.
LEFT_OUT = {"scripts/demo", "scripts/test"}
MARK = "@@ command"


def blocks(text):
    """The blocks of code of a Markdown text, as (language, lines); those that are indented have no language."""
    found, language, lines = [], None, []
    for line in [*text.splitlines(), ""]:
        if line.startswith("```"):
            if language is None:
                language, lines = line[3:], []
            else:
                found.append((language, lines))
                language, lines = None, []
        elif language is not None or line.startswith("    "):
            lines.append(line if language is not None else line[4:])
        elif lines:
            found.append(("", lines))
            lines = []
    return found


def commands(text):
    """What a reader would type, in order, as (shell text, lines of output that are shown)."""
    found = []
    for language, lines in blocks(text):
        if language == "python":
            found.append(("python - <<'END OF BLOCK'\n" + "\n".join(lines) + "\nEND OF BLOCK", []))
            continue
        assert language == "", f"no test runs {language}"
        if not any(line.startswith("$ ") for line in lines):
            found += [(line, []) for line in lines if line]
            continue
        for line in lines:
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return [(shell, shown) for shell, shown in found if shell not in LEFT_OUT]


@pytest.fixture
def home(tmp_path):
    """A home directory with nothing in it but this repository's examples. What is mounted below is taken away."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "mount-examples").symlink_to(EXAMPLES)
    try:
        yield home
    finally:
        harness.unmount_below(home)


def shell_in(home, origin, tmp_path):
    """The environment of somebody who has installed neuronfs and Python. The real database is the stand-in origin."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "neuronfs").symlink_to(pathlib.Path(harness.binary()).resolve())
    (tools / "python").write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} \"$@\"\n")
    (tools / "python").chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "NEURONFS_"))}
    return dict(kept, HOME=str(home), PATH=f"{tools}:{os.environ['PATH']}", NEURONFS_ENDPOINT=origin.url)


@pytest.mark.parametrize("document", ["README.md", "mount-examples/README.md"])
def test_every_command_of_a_readme_runs_on_the_demo(document, home, origin, tmp_path):
    wanted = commands((harness.ROOT / document).read_text())
    assert len(wanted) >= 5 and any("neuronfs" in shell for shell, _ in wanted)
    script = "set -eo pipefail\n" + "".join(f"echo '{MARK}'\n{shell}\n" for shell, _ in wanted)
    result = subprocess.run(["bash"], input=script, cwd=home, env=shell_in(home, origin, tmp_path), capture_output=True,
                            text=True, timeout=600 * harness.PATIENCE)
    outputs = result.stdout.split(f"{MARK}\n")[1:]
    assert result.returncode == 0, f"{wanted[len(outputs) - 1][0]}\n{result.stderr}"
    assert len(outputs) == len(wanted)
    for (shell, shown), output in zip(wanted, outputs):
        # The home of the text, and words in any columns: `ls` writes one a line where there is no terminal.
        words = set(output.replace(str(home), "/home/me").split())
        missing = [word for line in shown if line != "..." for word in line.split() if word not in words]
        assert not missing, f"{shell}\n{output}"
    if document.startswith("mount-examples"):
        for (shell, _), output in zip(wanted, outputs):
            name = re.search(r"mount-examples/(\S+)", shell)
            assert not name or output == (EXAMPLES / "expected" / f"{name[1]}.txt").read_text()


def test_every_example_is_in_the_list():
    text = (EXAMPLES / "README.md").read_text()
    programs = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".sh")}
    assert programs == {path.name.removesuffix(".txt") for path in (EXAMPLES / "expected").iterdir()}
    assert programs <= set(re.findall(r"mount-examples/(\S+)", text))
