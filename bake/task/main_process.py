"""The main process of a task's container: it keeps the container running, or becomes a detached task's command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config.shipped import gate_text, shipped
from .program import on_terminal, program, with_bash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...generator.environment import Environment
    from .options import TaskOptions


def main_process(
    environment: Environment, options: TaskOptions, command: Sequence[str] = (), *, waits: bool = False
) -> list[str]:
    """The program and its arguments.

    Args:
        environment: whether it has a desktop.
        options: whether it is detached, and whether the command has a terminal.
        command: the command of a detached task. If the task is not detached, its program runs the command by exec.
        waits: whether the desktop is installed at start, before anything else.
    """
    stays = options.detach and not command
    command = on_terminal(command) if options.tty and command else command
    if not environment.headless_desktop_enabled:
        return ["sleep", "infinity"] if stays else ["/bin/sh", "-c", program("command"), "command", *command]
    run, gate = shipped("recipe/desktop_run.sh").read_text(encoding="utf-8"), gate_text()
    more = ["held"] if stays else ["held", program("command"), *command]
    desktop = with_bash(run, "desktop", gate, *more)
    return ["/bin/sh", "-c", program("at_start"), "at_start", *desktop] if waits else desktop
