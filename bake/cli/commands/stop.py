"""`desktop-bake stop`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..tasks_of import tasks_of

if TYPE_CHECKING:
    import argparse


def stop(arguments: argparse.Namespace) -> int:
    """End tasks; all are looked up before the first is ended."""
    tasks = tasks_of(arguments)
    for entry in tasks.find_all(arguments.tasks):
        tasks.stop(entry, grace_s=arguments.time, remove=arguments.rm)
        print(entry.short_name, flush=True)
    return 0
