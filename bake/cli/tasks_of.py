"""The tasks for a command; they belong to the engine, so no configuration is needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..engine import engine
from ..task.tasks import Tasks

if TYPE_CHECKING:
    import argparse


@dataclass(frozen=True)
class _Here:
    engine: engine.Engine = field(default_factory=lambda: engine.Engine())


def tasks_of(arguments: argparse.Namespace) -> Tasks:
    """The tasks of this user, or with `--all` those of everyone."""
    return Tasks(_Here(), everyone=arguments.all)
