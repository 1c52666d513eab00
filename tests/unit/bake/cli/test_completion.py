"""Completion, help and the page of commands: all from one parser."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from desktop_bake.bake.cli.completion import commands, completion_script
from desktop_bake.bake.cli.manual import commands_page, man_page
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
        ("desktop-bake res", ["resolve"]),
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
    """Where there is no configuration, Tab offers no ID and prints no error."""
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


def test_every_command_has_an_example() -> None:
    """Each example is a command that the parser takes, and is printed by `--help`."""
    for command in commands(parser()):
        assert command.epilog, command.prog
        assert command.epilog.startswith(f"example: {command.prog} "[:-1])
        parser().parse_args(shlex.split(command.epilog.removeprefix("example: desktop-bake ")))
        assert command.epilog in command.format_help().replace("\n", " ").replace("  ", " ")


def test_every_flag_is_explained() -> None:
    """No flag of any command lacks its line of help."""
    for command in commands(parser()):
        for action in command._actions:  # noqa: SLF001 (argparse has no other way to walk a parser)
            assert action.help or not action.option_strings, f"{command.prog} {action.option_strings}"


DOCS = Path(__file__).parents[4] / "docs"


def test_pages_are_current() -> None:
    """`docs/commands.md` and the manual page are what `make docs` writes."""
    assert (DOCS / "commands.md").read_text() == commands_page(), "run: make docs"
    assert (DOCS / "desktop-bake.1").read_text() == man_page(), "run: make docs"


def test_the_manual_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names every command with its example and every flag, is the same on any terminal, and groff, where it is
    installed, has nothing to warn of."""
    monkeypatch.setenv("COLUMNS", "40")
    assert man_page() == (DOCS / "desktop-bake.1").read_text()
    text = man_page().replace("\\-", "-").replace("\\fB", "").replace("\\fR", "")
    for command in commands(parser()):
        assert f".SS {command.prog}\n" in text
        assert command.epilog
        assert command.epilog in text
        for action in command._actions:  # noqa: SLF001 (argparse has no other way to walk a parser)
            assert all(flag in text for flag in action.option_strings if flag != "--help")
    if shutil.which("groff"):
        words = ["groff", "-man", "-ww", "-Tutf8", "-Kutf8", str(DOCS / "desktop-bake.1")]
        done = subprocess.run(words, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("word", ["env", "warm", "completion"])
def test_help(word: str) -> None:
    """`--help` exits 0 and shows the example."""
    done = subprocess.run(
        [sys.executable, "-m", "desktop_bake", word, "--help"], capture_output=True, text=True, check=True
    )
    assert f"example: desktop-bake {word}" in done.stdout


def test_a_hit_imports_no_library_of_these() -> None:
    """What only edits and completes is not imported by a command that resolves."""
    program = (
        "import sys; from desktop_bake.bake.cli import main, parser\n"
        "parser.parser(); import desktop_bake.bake.cli.commands.resolve\n"
        "print([m for m in ('tomlkit', 'shtab', 'desktop_bake.bake.config.toml_edit', "
        "'desktop_bake.bake.config.agents_runner', 'desktop_bake.bake.upkeep.warm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
