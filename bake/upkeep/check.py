"""What `doctor` finds of each thing that it looks at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ...generator.errors import DesktopBakeError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..config.settings import Settings


class State(StrEnum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at.

    Attributes:
        name: what was looked at.
        state: a failure is what a build would fail at; a warning, what it would do without.
        said: what was found, in one line.
        remedy: what to do about it; empty if it is fine.
        exit_status: that of the error behind a failure.
    """

    name: str
    state: State
    said: str
    remedy: str = ""
    exit_status: int = 0

    def as_json(self) -> dict[str, str]:
        """The object within what `doctor --json` prints."""
        return {"name": self.name, "state": self.state.value, "detail": self.said, "remedy": self.remedy}


def exit_status(checks: tuple[Check, ...]) -> int:
    """What `doctor` exits with: 0 if a build would work, else the status with which it would fail."""
    return next((check.exit_status or 1 for check in checks if check.state is State.FAILURE), 0)


def failed(name: str, error: DesktopBakeError, state: State = State.FAILURE) -> Check:
    """What an error is."""
    return Check(name=name, state=state, said=str(error), remedy=error.remedy, exit_status=error.exit_status)


def guarded(name: str, check: Callable[[], Iterator[Check]], settings: Settings | None = None) -> Iterator[Check]:
    """A part's checks; an error is a failure, but a registry's is a warning if a build goes on without it."""
    try:
        yield from check()
    except RegistryError as error:
        yield failed(name, error, State.WARNING if settings and not settings.push else State.FAILURE)
    except DesktopBakeError as error:
        yield failed(name, error)
