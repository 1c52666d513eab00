"""Whether a build would work here, and the summary of the metrics."""

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
    """The last results of `doctor`.

    Args:
        source: where answers come from.
        touch: called with the parts of pages that may have changed.
    """

    def __init__(self, source: Source, touch: Callable[..., None]) -> None:
        self._source, self._touch = source, touch
        self.checks: tuple[Check, ...] = ()
        self.is_looking = False
        self._lock = threading.Lock()

    def look(self) -> None:
        """Examine everything, and show each result as it comes; only one examination runs at a time."""
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
                if len(found) > before:  # the first time; later, the old results stay until all new ones are known
                    self.checks = tuple(found)
                    self._touch("health")
            self.checks = tuple(sorted(found, key=lambda check: _FIRST.index(check.state)))
        finally:
            self.is_looking = False
            self._touch("health")

    def said(self) -> str:
        """The result in one sentence."""
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
        """The summary of the metrics file, as values for the template."""
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
