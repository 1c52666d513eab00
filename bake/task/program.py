"""The shell programs that run in a task's container: one file each, beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..config.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Sequence


def with_logs(command: Sequence[str]) -> list[str]:
    """The words that run a task's command by exec, so that the container's log gets its output, too."""
    return ["/bin/sh", "-c", program("with_logs"), "command", *command]


def found(command: Sequence[str], folder: str = "") -> list[str]:
    """The words that run a further command by exec, which names a command or a folder that the image does not have.

    Args:
        command: program and arguments.
        folder: its working directory; the task's own if empty.
    """
    return ["/bin/sh", "-c", program("found"), "exec", folder, *command]


def on_terminal(command: Sequence[str]) -> list[str]:
    """The words that run a task's command on its own terminal, at which nobody types."""
    text = shipped("recipe/task_terminal.py").read_text(encoding="utf-8")
    return ["/bin/sh", "-c", program("on_terminal"), "terminal", program("with_python"), text, *command]


def program(name: str) -> str:
    """The text of a program, which goes to the container as an argument: no file of ours is there.

    Args:
        name: its name without `.sh`.
    """
    return Path(__file__).with_name(f"{name}.sh").read_text(encoding="utf-8")


def with_bash(text: str, *words: str) -> list[str]:
    """The words that run a bash program in a container, wherever its base has bash.

    Args:
        text: the program's text.
        words: its name and its arguments.
    """
    return ["/bin/sh", "-c", program("with_bash"), "bash", "-c", text, *words]
