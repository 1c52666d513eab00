"""The flags of `run`: pictures, a film, a limit, those of its container, and the command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..system.lazy import lazy
from . import container_flags

if TYPE_CHECKING:
    from ..system import durations
else:
    durations = lazy("..system.durations", __package__)


def add_to(run: argparse.ArgumentParser) -> None:
    """Add the flags of `run`, those for its container among them.

    Args:
        run: its parser.
    """
    pictures = "save a PNG of the desktop, with its windows, when the command ends; - for standard output"
    run.add_argument("--screenshot", metavar="FILE", help=pictures)
    run.add_argument(
        "--screenshot-every",
        type=_pause_s,
        metavar="DURATION",
        help="also every DURATION, such as 2s, if the screen changed; FILE is the newest, or each if its name has %%d",
    )
    run.add_argument(
        "--timeout",
        type=_task_limit_s,
        metavar="DURATION",
        help="stop the task after this time, such as 90s or 2h, with status 124",
    )
    run.add_argument(
        "--record", type=Path, metavar="FILE", help="film the desktop while the command runs, as .mp4 or .webm"
    )
    container_flags.add_to(run)
    run.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="[ENV] [--] CMD…",
        help="without a command the desktop stays until Ctrl-C",
    )


def _pause_s(text: str) -> float:
    """How long from one picture to the next."""
    pause_s = durations.duration_s(text)
    if not pause_s:
        raise ConfigurationError(f"--screenshot-every {text} is too short a pause", "write 1s or more")
    return pause_s


def _task_limit_s(text: str) -> float:
    """How long a task may run."""
    if text.isdecimal() and int(text):
        raise ConfigurationError(
            f"--timeout {text} has no unit: it is the task's limit",
            f"write --timeout {text}s, or for the build's limit --build-timeout {text}",
        )
    task_limit_s = durations.duration_s(text)
    if not task_limit_s:
        raise ConfigurationError(f"--timeout {text} leaves a task no time", "write 1s or more")
    return task_limit_s
