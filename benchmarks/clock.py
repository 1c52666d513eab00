"""How long something takes, and what is typical of several times."""

from __future__ import annotations

import statistics
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def seconds(work: Callable[[], object], after: Callable[[], object] = lambda: None) -> float:
    """The duration of this; `after` cleans up outside the clock."""
    start = time.perf_counter()
    work()
    took = time.perf_counter() - start
    after()
    return took


def medians(repetitions: int, *works: Callable[[], float]) -> list[float]:
    """The median of each, measured in turns so that a machine's drift affects all."""
    times: list[list[float]] = [[] for _ in works]
    for number in range(repetitions):
        order = list(zip(works, times, strict=True))
        for work, column in order if number % 2 else reversed(order):  # no command always goes first
            column.append(work())
    return [statistics.median(column) for column in times]


def quiet(*words: str, cwd: Path | None = None) -> None:
    """Run a command that must succeed."""
    subprocess.run(words, check=True, capture_output=True, cwd=cwd, stdin=subprocess.DEVNULL)
