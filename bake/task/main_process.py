"""The main process of a task's container: what keeps the container, and becomes the command of a detached task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config.shipped import gate_text, shipped
from .at_start import FOLDER
from .program import program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...generator.environment import Environment
    from .options import TaskOptions


def main_process(
    environment: Environment, options: TaskOptions, scripts: Sequence[str] = (), command: Sequence[str] = ()
) -> list[str]:
    """Program and arguments.

    Args:
        environment: whether it has a desktop.
        options: whether it is detached.
        scripts: what is installed at start, by name.
        command: what a detached task is for. The program of one that is not detached runs its own by exec.
    """
    stays = options.detach and not command
    if not environment.headless_desktop_enabled:
        return ["sleep", "infinity"] if stays else ["/bin/sh", "-c", program("command"), "command", *command]
    run, gate = shipped("recipe/desktop_run.sh").read_text(encoding="utf-8"), gate_text()
    with_bash = ("/bin/sh", "-c", program("with_bash"), "bash", "-c")
    more = ["held"] if stays else ["held", program("command"), *command]
    if not scripts:
        return [*with_bash, run, "desktop", gate, *more]
    return [*with_bash, program("at_start"), "desktop", FOLDER, " ".join(scripts), run, gate, *more]
