"""Where work is reported: lines for people, a line at a time, and the phases that it goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    Log = Callable[[str], None]
    Phase = Literal["pull", "wait", "build", "push", "start"]


def silent(_line: str) -> None:
    """The log of callers that want none."""


class Reporter:
    """Tells people in lines what goes on, and tells whoever takes the time when a phase begins.

    It can be called with a line, so that it is a log, too.

    Args:
        log: gets one line at a time, from several threads.
        begun: gets the name of each phase as it begins, which ends the one before.
        turned: gets the environments' IDs when work for others begins.
    """

    def __init__(
        self,
        log: Log = silent,
        begun: Callable[[Phase], None] = silent,
        turned: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        self._log, self._begun, self._turned = log, begun, turned

    @classmethod
    def of(cls, log: Log) -> Reporter:
        """The reporter of a log: itself, if it is one."""
        return log if isinstance(log, Reporter) else cls(log)

    def __call__(self, line: str) -> None:
        """As `say`."""
        self.say(line)

    def say(self, line: str) -> None:
        """Report a line as it is."""
        self._log(line)

    def warn(self, what: str) -> None:
        """Report what went wrong, and that the work goes on."""
        self.say(f"[desktop-cache] WARNING: {what}")

    def phase(self, name: Phase) -> None:
        """Report that a phase begins."""
        self._begun(name)

    def about(self, *environments: str) -> None:
        """Report that what follows is done for these environments, in equal parts."""
        self._turned(environments)
