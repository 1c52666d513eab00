"""Where work is reported: lines for people, one at a time, and the phases of the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...generator.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    from .events import TaskEvent

    Log = Callable[[str], None]
    Phase = Literal["pull", "wait", "build", "push", "start"]


def silent(_line: str) -> None:
    """The log for callers that want none."""


class Reporter:
    """Reports lines to people, the beginning of phases to the metrics, and events to a task's program.

    It can be called with a line, so it is a log too.

    Args:
        log: gets one line at a time, from several threads.
        begun: gets the name of each phase as it begins, which ends the one before.
        turned: gets the environments' IDs when work for others begins.
        told: gets each event, from several threads; None if there is no listener.
    """

    def __init__(
        self,
        log: Log = silent,
        begun: Callable[[Phase], None] = silent,
        turned: Callable[[Sequence[str]], None] = lambda _: None,
        told: Callable[[TaskEvent], None] | None = None,
    ) -> None:
        self._log, self._begun, self._turned, self._told = log, begun, turned, told
        self._has_failed = False

    @classmethod
    def of(cls, log: Log) -> Reporter:
        """The reporter of a log: the log itself if it is a reporter."""
        return log if isinstance(log, Reporter) else cls(log)

    def telling(self, told: Callable[[TaskEvent], None]) -> Reporter:
        """The same reporter, with this callback for its events."""
        return Reporter(self._log, self._begun, self._turned, told)

    def __call__(self, line: str) -> None:
        """The same as `say`."""
        self.say(line)

    def say(self, line: str) -> None:
        """Report a line unchanged."""
        self._log(line)

    def warn(self, what: str) -> None:
        """Report that something went wrong and that the work goes on; a path in it may contain control characters."""
        self.say(f"[desktop-cache] WARNING: {printable(what)}")

    def phase(self, name: Phase) -> None:
        """Report that a phase begins."""
        self._begun(name)

    def tell(self, happened: Callable[[], TaskEvent]) -> None:
        """Report an event, which is created only if there is a listener.

        A failing listener does not affect the work: a line warns of its first failure, and it still gets later events.
        """
        if not self._told:
            return
        event = happened()
        try:
            self._told(event)
        except Exception as error:  # noqa: BLE001 (whatever the listener's fault is, the task goes on)
            if not self._has_failed:
                self._has_failed = True
                kind = type(event).__name__
                self.warn(f"on_event failed at {kind}: {type(error).__name__}: {error}; the task goes on")

    def about(self, *environments: str) -> None:
        """Report that the following work is for these environments, in equal parts."""
        self._turned(environments)
