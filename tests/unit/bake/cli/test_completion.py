"""Completion, from the parser, as the shells themselves do it."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from desktop_bake.bake.cli.completion import commands, completion_script
from tests.harness.command_line import whole_parser

LONG = "long-" * 8  # than its column in a table
BIN = Path(sys.executable).parent
# What bash does on Tab: set these, call the function, read COMPREPLY.
TAB = """
source /dev/stdin
read -ra COMP_WORDS <<<"$1"
[[ $1 == *' ' ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$1 COMP_POINT=${#1}
$(complete -p desktop-bake | tail -1 | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${COMPREPLY[@]}"
"""


@functools.cache
def bash_script() -> str:
    """The script for bash, which takes longer to write than to use."""
    return completion_script("bash")


def tab(line: str, folder: Path) -> list[str]:
    """Bash's completions of this line."""
    done = subprocess.run(
        ["bash", "-c", TAB, "bash", line],
        input=bash_script(),
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
    )
    return done.stdout.splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two environments."""
    (tmp_path / "desktop-bake.toml").write_text(
        "".join(f'[environments.{name}]\nbase_image = "a"\n' for name in ("default", LONG, "gpu"))
    )
    return tmp_path


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("desktop-bake res", ["resolve", "resize"]),
        ("desktop-bake env s", ["show", "set"]),
        ("desktop-bake resolve ", ["default", LONG, "gpu"]),
        ("desktop-bake build g", ["gpu"]),
        ("desktop-bake env set de", ["default"]),
        ("desktop-bake key --pull ", ["missing", "always", "never"]),
        ("desktop-bake completion ", ["bash", "zsh", "fish"]),
        ("desktop-bake build --al", ["--all"]),
        ("desktop-bake run ", ["default", LONG, "gpu"]),
        ("desktop-bake run -d g", ["gpu"]),
        ("desktop-bake --frozen explain l", [LONG]),
    ],
)
def test_bash(line: str, offered: list[str], folder: Path) -> None:
    """Tab in bash completes commands, actions, flags, their values, and the IDs of the configuration here."""
    assert tab(line, folder) == offered


TASKS = [LONG, "c884024c60c2", "build"]
TASK_VERBS = ("logs", "attach", "wait", "exec", "stop", "url", "screenshot", "resize")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The calls of `desktop-bake`, by a program of that name that knows three tasks."""
    program, said = tmp_path / "bin" / "desktop-bake", tmp_path / "asked"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho \"$@\" >>{said}\nprintf '%s\\n' {' '.join(TASKS)}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys.modules[__name__], "BIN", program.parent)
    return said


@pytest.mark.parametrize("line", [*TASK_VERBS, "logs -f", "stop build", "stop -t 0", "exec -u root", "-q wait"])
def test_tasks_in_bash(line: str, asked: Path, tmp_path: Path) -> None:
    """Every command about a task completes what `ps -q` prints, by asking once."""
    assert tab(f"desktop-bake {line} ", tmp_path) == TASKS
    assert tab(f"desktop-bake {line} bui", tmp_path) == ["build"]
    assert asked.read_text() == "ps -q\n" * 2


def test_places_in_bash(asked: Path, tmp_path: Path) -> None:
    """What is copied is in a task, behind a colon, or here."""
    (tmp_path / "built.txt").touch()
    assert tab("desktop-bake cp bui", tmp_path) == ["build:", "built.txt"]
    assert tab("desktop-bake cp built.txt bui", tmp_path) == ["build:", "built.txt"]
    assert asked.read_text() == "ps -q\n" * 2


def test_data_is_not_run_in_bash(hostile: tuple[Path, str, list[str]]) -> None:
    """An ID that bash would evaluate is offered in quotes, so that neither Tab nor Enter runs it."""
    folder, mark, ids = hostile
    offered = tab("desktop-bake resolve ", folder)
    assert [shlex.split(word) for word in offered] == [[text] for text in ids]
    assert not any("$(" in word or word.startswith(("`", "~")) for word in offered)
    assert tab("desktop-bake resolve $", folder) == offered[:2]
    assert tab("desktop-bake resolve a", folder) == [r"a\ b\'s"]
    assert not list(Path("/tmp").glob(f"{mark}*"))


def test_no_configuration(tmp_path: Path) -> None:
    """If there is no configuration, Tab offers no ID and prints no error."""
    assert [word for word in tab("desktop-bake resolve d", tmp_path) if word and not word.startswith("-")] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(shell: str) -> None:
    """Each shell's script names every command, and the shell itself, where it is installed, can read it."""
    script = completion_script(shell)
    for command in commands(whole_parser()):
        assert command.prog.split()[-1] in script
    if shutil.which(shell):
        done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
