"""`desktop-bake attach`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..streams import through_docker
from ..tasks_of import tasks_of

if TYPE_CHECKING:
    import argparse


def attach(arguments: argparse.Namespace) -> int:
    """Print what a task prints from now on, and exit with its status."""
    entry = tasks_of(arguments).find_running(arguments.task)
    return through_docker("attach", "--no-stdin", "--sig-proxy=false", entry.container_id)
