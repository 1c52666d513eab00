"""`desktop-bake resize`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...task.options import size_of
from ...task.screen import resize as resized
from ..tasks_of import tasks_of

if TYPE_CHECKING:
    import argparse


def resize(arguments: argparse.Namespace) -> int:
    """Give a running task's desktop another size."""
    size_of(arguments.geometry)  # report a wrong size before asking the engine
    tasks = tasks_of(arguments)
    resized(tasks.engine, tasks.find_running(arguments.task).container_id, arguments.geometry)
    return 0
