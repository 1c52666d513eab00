"""`desktop-bake cp`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError
from ...task.copying import copy
from ..tasks_of import tasks_of

if TYPE_CHECKING:
    import argparse

    from ...task.tasks import Tasks


def cp(arguments: argparse.Namespace) -> int:
    """Copy files to or from a task."""
    tasks = tasks_of(arguments)
    source, target = (_place(text, tasks) for text in (arguments.source, arguments.target))
    if (source == arguments.source) == (target == arguments.target):
        raise ConfigurationError(
            "cp copies between a task and this machine", "write TASK:PATH once: cp TASK:PATH PATH, or cp PATH TASK:PATH"
        )
    copy(tasks.engine, source, target)
    return 0


def _place(text: str, tasks: Tasks) -> str:
    """A local path unchanged, or `TASK:PATH` with the container's ID; local paths with a colon need `./` or `/`."""
    name, colon, path = text.partition(":")
    if not colon or text.startswith((".", "/")):
        return text
    return f"{tasks.find(name).container_id}:{path}"
