"""The command of a task that another program started, from the engine's description of its container. Pure."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from ..system.redaction import HIDDEN, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


_MOST = 400
_HELD = "held"  # in the arguments of desktop_run.sh: the words after its program are the command
_SECRET = re.compile(r"pass(?:word|wd|phrase)?|secret|token|credential|api[-_]?key|auth", re.IGNORECASE)
_OPTION = re.compile(r"(-{0,2}[\w.-]+)=(.+)", re.DOTALL)
_SHELL = ("/bin/sh", "-c")


def command_of(container: Mapping[str, Any]) -> tuple[str, ...]:
    """The command that replaces a detached task's main process; empty without one.

    Args:
        container: as the engine describes it (Docker Engine API, "Inspect a container").
    """
    config = container.get("Config") or {}
    words = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    if _HELD in words:
        return _own(tuple(words[words.index(_HELD) + 2 :]))
    if tuple(words[:2]) == _SHELL and words[3:4] == ["command"]:  # without a desktop
        return _own(tuple(words[4:]))
    return ()


def _own(words: tuple[str, ...]) -> tuple[str, ...]:
    """A command without the words that give it a terminal (`bake.task.program.on_terminal`)."""
    return words[6:] if words[:2] == _SHELL and words[3:4] == ("terminal",) else words


def command_of_commands(commands: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The command that the program of a task runs in it by `bake.task.program.with_logs`.

    Args:
        commands: as the engine describes them (Docker Engine API, "Inspect an exec instance").
    """
    for command in commands:
        process = command.get("ProcessConfig") or {}
        words = (process.get("entrypoint"), *(process.get("arguments") or ()))
        if command.get("Running") and words[:2] == _SHELL and words[3:4] == ("command",):
            return _own(words[4:])
    return ()


def shown(words: Sequence[str]) -> str:
    """A command in one line for people, without words that look like secrets."""
    hide, said, hides_next = without_secrets(), [], False
    for word in words:
        option = _OPTION.fullmatch(word)
        if hides_next and not word.startswith("-"):
            said.append(HIDDEN)
        elif option and _SECRET.search(option[1]):
            said.append(f"{option[1]}={HIDDEN}")
        else:
            said.append(hide(word))
        hides_next = bool(word.startswith("-") and not option and _SECRET.search(word))
    line = " ".join(word if HIDDEN in word else shlex.quote(word) for word in said)
    line = " ".join(line.split())
    return line if len(line) <= _MOST else f"{line[: _MOST - 1]}…"
