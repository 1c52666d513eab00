"""Shell completion, generated from the parser itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shtab

from ..config.settings import SETTINGS
from .parser import parser

if TYPE_CHECKING:
    from collections.abc import Iterator


_LAST = "complete -o bashdefault -F _desktop_bake desktop-bake\n"  # no space after a final colon
_WORDS = {s.flag.metavar: s.flag.words for s in SETTINGS if s.flag and s.flag.words}


def _listed(what: str) -> dict[str, str]:
    """The function that lists names when Tab is pressed, by shell."""
    name = f"_desktop_bake_{what}"
    return {"bash": name, "zsh": name, "fish": f"({name})"}


def _own(shell: str) -> str:
    """The functions that name environments and tasks; they are called only when Tab is pressed.

    An ID is data: `compgen -W` would expand it, and only bash inserts words without quoting them.
    """
    return Path(__file__).with_name(f"completion.{shell}").read_text(encoding="utf-8").rstrip("\n")


def commands(top: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers of every command and its actions, in the order in which they were added.

    Args:
        top: the parser of all commands.
    """
    for action in top._actions:  # noqa: SLF001 (argparse has no other way to walk a parser)
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 (as above)
            for command in action.choices.values():
                yield command
                yield from commands(command)


def completion_script(shell: str) -> str:
    """The script that completes commands, flags, files, environment IDs and tasks.

    Args:
        shell: `bash`, `zsh` or `fish`.
    """
    special: dict[str, Any] = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY}
    special |= dict.fromkeys(("ENV", "[ENV] [--] CMD…"), _listed("environments"))
    special |= {"TASK": _listed("tasks"), **dict.fromkeys(("SRC", "DST"), _listed("places"))}
    top = parser()
    for command in (top, *commands(top)):
        for action in command._actions:  # noqa: SLF001 (as above)
            metavar = action.metavar if isinstance(action.metavar, str) else ""
            if metavar in _WORDS:
                action.choices = _WORDS[metavar]
            elif metavar in special:
                action.complete = special[metavar]  # type: ignore[attr-defined]
    script = str(shtab.complete(top, shell=shell, preamble=_own(shell))).rstrip() + "\n"
    return script + (_LAST if shell == "bash" else "")
