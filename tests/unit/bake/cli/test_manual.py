"""The page of commands and the manual page: both from the parser."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_bake.bake.cli.completion import commands
from desktop_bake.bake.cli.manual import commands_page, man_page
from tests.harness.command_line import whole_parser

if TYPE_CHECKING:
    import pytest

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
    for command in commands(whole_parser()):
        assert f".SS {command.prog}\n" in text
        assert command.epilog
        assert command.epilog in text
        for action in command._actions:  # noqa: SLF001 (argparse has no other way to walk a parser)
            assert all(flag in text for flag in action.option_strings if flag != "--help")
    if shutil.which("groff"):
        words = ["groff", "-man", "-ww", "-Tutf8", "-Kutf8", str(DOCS / "desktop-bake.1")]
        done = subprocess.run(words, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


def test_the_page() -> None:
    """Every command has its head, its usage and its example; a flag that all have stands once."""
    page = commands_page()
    for command in commands(whole_parser()):
        if not any(True for _ in commands(command)):  # `env` itself is none
            head, _, _ = page.partition(f"\n## {command.prog.removeprefix('desktop-bake ')}\n")
            assert head != page, command.prog
            assert f"```text\n{command.prog}" in page
            assert f"Example: `{(command.epilog or '').removeprefix('example: ')}`" in page
    assert page.count("| `--config FILE`") == 1
    assert page.count("--json") > 10
