"""The page of all commands and the manual page, written from the parser: `make docs`."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from ..system.lazy import lazy
from .completion import commands
from .parser import EXIT_STATUS, parser

if TYPE_CHECKING:
    from argparse_manpage import manpage
else:
    manpage = lazy("argparse_manpage.manpage")

_TITLE = """\
# Commands

Written by `make docs` from the parser; `desktop-bake COMMAND --help` says the same.

"""


# No wrapping: the width of the terminal must not affect the page.
_ONE_LINE = partial(argparse.HelpFormatter, width=10_000)


def commands_page() -> str:
    """Every command with its arguments, flags and example, as Markdown."""
    leaves = [c for c in commands(parser()) if not any(True for _ in commands(c))]
    everywhere = set.intersection(*({_flags(a) for a in _options(c)} for c in leaves))
    shared = [a for a in _options(leaves[0]) if _flags(a) in everywhere]
    page = _TITLE + "Every command takes:\n\n" + _table([(_flags(a), a) for a in shared])
    for command in leaves:
        own = [a for a in _options(command) if _flags(a) not in everywhere]
        words = [a for a in command._actions if not a.option_strings]  # noqa: SLF001 (argparse has no other way)
        usage = " ".join([command.prog, *(f"[{_flags(a)}]" for a in own), *map(_word, words)])
        page += f"\n## {command.prog.removeprefix('desktop-bake ')}\n\n{_sentence(command.description)}\n\n"
        page += f"```text\n{usage}\n```\n\n"
        rows = [(_word(a), a) for a in words if a.help] + [(_flags(a), a) for a in own]
        page += _table(rows) + "\n" if rows else ""
        page += f"Example: `{(command.epilog or '').removeprefix('example: ')}`\n"
    return page


def man_page() -> str:
    """The manual page, in man(7) macros: the flags that every command takes once, then each command."""
    top = parser(repeated=False)
    top.formatter_class = _ONE_LINE
    top.epilog = None
    for command in commands(top):
        command.formatter_class = _ONE_LINE
        command.description = command.epilog  # the list of commands already has the description
    page = manpage.Manpage(top, format="single-commands-section")
    page.description = "bake a desktop into a Docker image once"
    page.date = ""  # else it would be today's date
    page.manual = "User Commands"
    page.add_section("exit status", "=", EXIT_STATUS.replace("`", "").replace("-", r"\-"))
    page.add_section(
        "files",
        "=",
        ".I desktop\\-bake.toml\nis found upwards from the working directory;\n.I desktop\\-bake.lock\nlies beside it.",
    )
    return str(page)


def _options(command: argparse.ArgumentParser) -> list[argparse.Action]:
    return [a for a in command._actions if a.option_strings]  # noqa: SLF001 (as above)


def _flags(action: argparse.Action) -> str:
    """A flag as it is typed: its longest form and its value."""
    name = max(action.option_strings, key=len)
    if not action.metavar or action.nargs == 0:
        return name
    return f"{name}{'' if str(action.metavar).startswith('=') else ' '}{action.metavar}"


def _word(action: argparse.Action) -> str:
    """A positional argument as it is written in a usage line."""
    name = str(action.metavar or action.dest)
    return {"?": f"[{name}]", "*": f"[{name}…]", "+": f"{name}…"}.get(str(action.nargs), name)


def _table(rows: list[tuple[str, argparse.Action]]) -> str:
    lines = ["| | |", "|---|---|"]
    for name, action in rows:
        short = ", ".join(f"`{s}`" for s in action.option_strings if s != max(action.option_strings, key=len))
        text = (action.help or "").replace("%(default)s", str(action.default)).replace("|", r"\|")
        lines.append(f"| `{name}`{', ' + short if short else ''} | {text} |")
    return "\n".join(lines) + "\n"


def _sentence(text: str | None) -> str:
    said = text or ""
    return said[:1].upper() + said[1:] + "."


if __name__ == "__main__":
    print(man_page() if sys.argv[1:] == ["man"] else commands_page(), end="")
