"""The parser: which flags there are, what they come to, and that each is explained."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from desktop_bake import ConfigurationError
from desktop_bake.bake.cli.completion import commands
from desktop_bake.bake.cli.parser import parser
from desktop_bake.bake.config.settings import SETTINGS
from desktop_bake.bake.task.mounts import parse_volume
from desktop_bake.bake.task.ports import parse_ports
from tests.harness.command_line import whole_parser
from tests.harness.every import every


def test_every_command_has_an_example() -> None:
    """Each example is a command that the parser takes, and is printed by `--help`."""
    for command in commands(whole_parser()):
        assert command.epilog, command.prog
        assert command.epilog.startswith(f"example: {command.prog} "[:-1])
        whole_parser().parse_args(shlex.split(command.epilog.removeprefix("example: desktop-bake ")))
        assert command.epilog in command.format_help().replace("\n", " ").replace("  ", " ")


def test_every_argument_is_explained() -> None:
    """No argument of any command lacks its line of help, and the line says more than its default."""
    for command in commands(whole_parser()):
        for action in command._actions:  # noqa: SLF001 (argparse has no other way to walk a parser)
            if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 (as above)
                assert action.help, f"{command.prog} {action.dest}"
                assert not action.help.startswith("default:"), f"{command.prog} {action.dest}"


def test_own_flags_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The help of a command begins with its own flags; those of every command are at its end, and not in its usage."""
    monkeypatch.setenv("COLUMNS", "80")
    for command in commands(parser()):
        usage, _, rest = command.format_help().partition("\n\n")
        assert "--config" not in usage
        if command.prog[-3:] != "env":
            own, heading, everywhere = rest.partition("\noptions of every command:\n")
            assert heading
            assert "--config" not in own
            assert everywhere.strip().startswith("--config FILE")
            assert all(len(line) <= 80 for line in command.format_help().splitlines())


@pytest.mark.parametrize("word", ["env", "warm", "completion"])
def test_help(word: str) -> None:
    """`--help` exits 0 and shows the example."""
    done = subprocess.run(
        [sys.executable, "-m", "desktop_bake", word, "--help"], capture_output=True, text=True, check=True
    )
    assert f"example: desktop-bake {word}" in done.stdout


@every(
    ("line", "wanted"),
    [
        ("key", {"command": "key", "env": None, "json": False, "config": None, "quiet": False}),
        ("key gpu --json --config a.toml -q", {"env": "gpu", "json": True, "config": Path("a.toml"), "quiet": True}),
        ("--environments e.json key", {"environments": Path("e.json")}),
        ("key --environments e.json", {"environments": Path("e.json")}),
        ("--environments a.json key --environments b.json", {"environments": Path("b.json")}),
        ("build", {"env": [], "all": False, "push": None, "build_timeout_s": None}),
        ("build a b --push --timeout 5", {"env": ["a", "b"], "push": True, "build_timeout_s": 5}),
        ("build --timeout 1h30m", {"build_timeout_s": 5400}),
        ("run --build-timeout 30m", {"build_timeout_s": 1800}),
        ("build --attest type=sbom --attest=", {"attest": ["type=sbom", ""]}),
        ("run", {"words": [], "fallback": None, "keep": False, "auth": True, "docker": [], "geometry": None}),
        ("build --build-timeout 5", {"build_timeout_s": 5}),
        (
            "run --build-timeout 5 --timeout 2h --novnc-port 6080",
            {"build_timeout_s": 5, "timeout": 7200, "novnc_port": 6080},
        ),
        ("run -- xterm -e top", {"words": ["--", "xterm", "-e", "top"]}),
        ("run gpu -- a --json", {"words": ["gpu", "--", "a", "--json"], "json": False}),
        ("run --no-fallback --no-auth --keep --rm", {"fallback": False, "auth": False, "keep": False}),
        (
            "run --shm-size 2g -m 2g --docker=--cpus=1 -it",
            {"shm_size": "2g", "memory": "2g", "docker": ["--cpus=1"], "tty": True},
        ),
        (
            "run -v /a:/b -v c:/d -e A=1 -p 80",
            {
                "volume": [parse_volume("/a:/b"), parse_volume("c:/d")],
                "env_variables": [{"A": "1"}],
                "publish": [parse_ports("80")],
            },
        ),
        ("warm", {"keep": 1, "older_than": "1d", "prune": False, "watch": None}),
        ("prune --registry", {"keep": 0, "older_than": "0", "registry": True, "yes": False, "dry_run": False}),
        ("env set e A=1 B=2 --create", {"action": "set", "env": "e", "fields": ["A=1", "B=2"], "create": True}),
        ("render -o ci --check", {"output": Path("ci"), "check": True, "env": []}),
    ],
)
def test_what_is_typed(line: str, wanted: dict[str, Any]) -> None:
    """What a command gets, and what it gets if nothing is said."""
    found = vars(whole_parser().parse_args(shlex.split(line)))
    assert {name: found.get(name) for name in wanted} == wanted
    assert vars(parser(whole=False).parse_args(shlex.split(line))) == found


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    ("line", "says", "remedy"),
    [
        ("-q", "the following arguments are required: COMMAND", "see: desktop-bake --help"),
        ("env", "the following arguments are required: ACTION", "see: desktop-bake env --help"),
        ("env set", "the following arguments are required: ENV, FIELD=VALUE", "see: desktop-bake env set --help"),
        ("stats", "the following arguments are required: FILE", "see: desktop-bake stats --help"),
        ("key a b", "unrecognized arguments: b", "see: desktop-bake key --help"),
        ("env list a", "unrecognized arguments: a", "see: desktop-bake env list --help"),
        ("--json ps", "unrecognized arguments: --json", "write it behind the command: desktop-bake ps --json"),
        ("-x", "unrecognized arguments: -x", "see: desktop-bake --help"),
        ("env -x", "unrecognized arguments: -x", "see: desktop-bake env --help"),
        ("build --timeout soon", "malformed duration 'soon'", "write 30s, 15m, 1h30m, 30d or 8w; at most 520w"),
        ("key --config", "argument --config: expected one argument", "see: desktop-bake key --help"),
    ],
)
def test_refused(line: str, says: str, remedy: str, at_once: bool) -> None:
    """Wrong usage is an error like any other, with the help that fits."""
    with pytest.raises(ConfigurationError) as caught:
        parser(whole=at_once).parse_args(shlex.split(line))
    assert (str(caught.value), caught.value.remedy) == (says, remedy)


def test_shown_once() -> None:
    """For a page that shows them once, the flags that all have are the program's own, and no command's."""
    once = parser(repeated=False)
    assert "--repository" in once.format_help()
    assert all("--repository" not in command.format_help() for command in commands(once))
    assert all(
        "--repository" in command.format_help() for command in commands(whole_parser()) if command.prog[-3:] != "env"
    )


def test_every_flag_of_a_setting_is_somewhere() -> None:
    """A setting's flag is taken by the commands that it names, or by all, and no other flag sets it."""
    commands = {"resolve", "build", "run", "render", "warm"}
    for setting in SETTINGS:
        for command in commands:
            takes = setting.flag is not None and command in (setting.flag.commands or commands)
            assert hasattr(whole_parser().parse_args([command]), setting.name) is takes, f"{command} {setting.name}"
