"""`desktop-bake ps`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...system.text import age, cut, table
from ..context import print_json, print_names
from ..tasks_of import tasks_of

if TYPE_CHECKING:
    import argparse

    from ...task.entry import TaskEntry


_WIDTHS = (19, 16, 12, 15)  # with the ages and the gaps, 80 columns


def ps(arguments: argparse.Namespace) -> int:
    """List tasks."""
    found = tasks_of(arguments).list()
    if arguments.json:
        print_json({"schema": 1, "tasks": [entry.as_json() for entry in found]})
        return 0
    if arguments.quiet:
        print_names(entry.short_name for entry in found)
        return 0
    rows: list[tuple[str, ...]] = [("TASK", "ENVIRONMENT", "KEY", "STATUS", "AGE")]
    rows += [_row(entry, whole=arguments.no_trunc) for entry in found]
    print(table(rows))
    return 0


def _row(entry: TaskEntry, *, whole: bool) -> tuple[str, ...]:
    status = entry.state if entry.status is None else f"exited with {entry.status}"
    old = age(time.time() - entry.created_s)
    if whole:
        return (entry.name, entry.environment, entry.cache_key or "-", status, old)
    texts = (entry.short_name, entry.environment, entry.short_key or "-", status)
    return (*map(cut, texts, _WIDTHS), old)
