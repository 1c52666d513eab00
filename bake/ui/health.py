"""Whether a build would work here, and what the metrics come to."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ...generator.errors import DesktopBakeError
from ..metrics.plot import plot
from ..metrics.summary import events_of, human_s, summarize
from ..upkeep.check import State
from ..upkeep.doctor import examine

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..upkeep.check import Check
    from .source import Source


_FIRST = (State.FAILURE, State.WARNING, State.OK)


class Health:
    """What `doctor` found last.

    Args:
        source: where answers come from.
        touch: told which parts of pages may look different.
    """

    def __init__(self, source: Source, touch: Callable[..., None]) -> None:
        self._source, self._touch = source, touch
        self.checks: tuple[Check, ...] = ()
        self.is_looking = False
        self._lock = threading.Lock()

    def look(self) -> None:
        """Examine everything, and show each thing as it comes; not twice at once."""
        with self._lock:
            if self.is_looking:
                return
            self.is_looking = True
        try:
            try:
                settings = self._source.load()
            except DesktopBakeError as error:
                checks = examine(error, self._source.new_engine())
            else:
                checks = examine(settings, self._source.new_engine())
            found: list[Check] = []
            before = len(self.checks)
            for check in checks:
                found.append(check)
                if len(found) > before:  # the first time; afterwards what was there stays until all is known
                    self.checks = tuple(found)
                    self._touch("health")
            self.checks = tuple(sorted(found, key=lambda check: _FIRST.index(check.state)))
        finally:
            self.is_looking = False
            self._touch("health")

    def said(self) -> str:
        """What it comes to, in a sentence."""
        if not self.checks:
            return "Looking at everything that a build needs."
        failures = sum(check.state is State.FAILURE for check in self.checks)
        warnings = sum(check.state is State.WARNING for check in self.checks)
        if failures:
            return f"A build would not work here: {failures} of {len(self.checks)} checks failed."
        if warnings:
            return f"A build would work here, with {warnings} warning{'s' * (warnings != 1)}."
        return "A build would work here."

    def figures(self) -> dict[str, Any]:
        """What the file of metrics comes to, as the template has it."""
        values: dict[str, Any] = {"summary": None, "plot": "", "metrics_error": None, "human_s": human_s}
        path = self._source.metrics
        if path is None or not path.exists():
            return values
        try:
            events, unread = events_of(path)
        except DesktopBakeError as error:
            return {**values, "metrics_error": error}
        summary = summarize(events, unread)
        return {**values, "summary": summary, "plot": plot(events, summary)}
