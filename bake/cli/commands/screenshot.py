"""`desktop-bake screenshot`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ...system.files import cannot_write
from ...task.screen import picture
from ..tasks_of import tasks_of

if TYPE_CHECKING:
    import argparse


def screenshot(arguments: argparse.Namespace) -> int:
    """Save a task's desktop, and print the file's name."""
    tasks = tasks_of(arguments)
    entry = tasks.find_running(arguments.task)
    taken = picture(tasks.engine, entry.container_id)
    file = arguments.output or Path(f"{entry.short_name}.png")
    if str(file) == "-":
        sys.stdout.buffer.write(taken)
        return 0
    try:
        file.write_bytes(taken)
    except OSError as error:
        raise cannot_write(file, error, "-o") from error
    print(file)
    return 0
