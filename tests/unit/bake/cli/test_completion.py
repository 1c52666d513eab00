"""Completion, from the parser, as the shells themselves do it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from desktop_bake.bake.cli.completion import commands, completion_script
from desktop_bake.bake.cli.parser import parser

BIN = Path(sys.executable).parent
# What bash does on Tab: set these, call the function, read COMPREPLY.
TAB = """
source /dev/stdin
read -ra COMP_WORDS <<<"$1"
[[ $1 == *' ' ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$1 COMP_POINT=${#1}
$(complete -p desktop-bake | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${COMPREPLY[@]}"
"""


def tab(line: str, folder: Path) -> list[str]:
    """What bash offers after this line."""
    done = subprocess.run(
        ["bash", "-c", TAB, "bash", line],
        input=completion_script("bash"),
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
        '[environments.default]\nbase_image = "a"\n[environments.gpu]\nbase_image = "a"\n'
    )
    return tmp_path


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("desktop-bake res", ["resolve", "resize"]),
        ("desktop-bake env s", ["show", "set"]),
        ("desktop-bake resolve ", ["default", "gpu"]),
        ("desktop-bake build g", ["gpu"]),
        ("desktop-bake env set de", ["default"]),
        ("desktop-bake key --pull ", ["missing", "always", "never"]),
        ("desktop-bake completion ", ["bash", "zsh", "fish"]),
        ("desktop-bake build --al", ["--all"]),
    ],
)
def test_bash(line: str, offered: list[str], folder: Path) -> None:
    """Tab in bash completes commands, actions, flags, their values, and the IDs of the configuration here."""
    assert tab(line, folder) == offered


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
    for command in commands(parser()):
        assert command.prog.split()[-1] in script
    if shutil.which(shell):
        done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
