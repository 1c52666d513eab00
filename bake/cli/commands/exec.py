"""`desktop-bake exec`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError
from ..streams import run_here
from ..tasks_of import tasks_of

if TYPE_CHECKING:
    import argparse


def exec(arguments: argparse.Namespace) -> int:  # noqa: A001 (a command's function has its name)
    """Run another command in a task, and exit with its status."""
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    if not words:
        raise ConfigurationError("exec has no command to run", "write: desktop-bake exec TASK -- CMD")
    tasks = tasks_of(arguments)
    entry = tasks.find_running(arguments.task)
    return run_here(tasks.engine, entry.container_id, words, {"user": arguments.user, "workdir": arguments.workdir})
