"""`desktop-bake wait`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...system.durations import duration_s
from ...task.ending import FOREVER_S
from ..context import print_json
from ..tasks_of import tasks_of

if TYPE_CHECKING:
    import argparse


def wait(arguments: argparse.Namespace) -> int:
    """Wait until a task ends, and exit with its status."""
    limit_s = duration_s(arguments.timeout) if arguments.timeout else FOREVER_S
    tasks = tasks_of(arguments)
    entry = tasks.find(arguments.task)
    status = entry.status if entry.status is not None else tasks.ending(entry).wait(limit_s)
    if arguments.json:
        print_json({"schema": 1, "container_id": entry.container_id, "name": entry.name, "status": status})
    return status
