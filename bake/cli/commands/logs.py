"""`desktop-bake logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..streams import through_docker
from ..tasks_of import tasks_of

if TYPE_CHECKING:
    import argparse


def logs(arguments: argparse.Namespace) -> int:
    """Print what a task's command printed, each stream on the same stream."""
    entry = tasks_of(arguments).find(arguments.task)
    return through_docker("logs", *["-f"] * arguments.follow, entry.container_id)
