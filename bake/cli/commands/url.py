"""`desktop-bake url`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ...task.ending import FOREVER_S
from ..context import print_json
from ..tasks_of import tasks_of

if TYPE_CHECKING:
    import argparse


def url(arguments: argparse.Namespace) -> int:
    """Print a desktop's address; if the engine is remote, forward its port until the task ends, or Ctrl-C."""
    tasks = tasks_of(arguments)
    entry = tasks.find(arguments.task)
    address, forward = tasks.url(entry.container_id, view_only=arguments.view_only)
    if arguments.json:
        print_json({"schema": 1, "container_id": entry.container_id, "name": entry.name, "novnc_url": address})
    else:
        print(address, flush=True)
    if forward:
        print("[desktop] the port is carried here until the task ends, or Ctrl-C", file=sys.stderr, flush=True)
        try:
            tasks.ending(entry).wait(FOREVER_S)
        finally:
            forward.close()
    return 0
