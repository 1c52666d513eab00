"""The results of `doctor`, one for each thing that it checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ...generator.errors import DesktopBakeError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..config.settings import Settings


class State(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check.

    Attributes:
        name: what was checked.
        state: a build would fail with a failure, and would do without the thing behind a warning.
        said: the finding, in one line.
        remedy: what to do about it; empty if all is well.
        exit_status: the exit status of the error behind a failure.
    """

    name: str
    state: State
    said: str
    remedy: str = ""
    exit_status: int = 0

    def as_json(self) -> dict[str, str]:
        """The object for this check in the output of `doctor --json`."""
        return {"name": self.name, "state": self.state.value, "detail": self.said, "remedy": self.remedy}


def exit_status(checks: tuple[Check, ...]) -> int:
    """The exit status of `doctor`: 0 if a build would work, else the status with which it would fail."""
    return next((check.exit_status or 1 for check in checks if check.state is State.FAILURE), 0)


def failed(name: str, error: DesktopBakeError, state: State = State.FAILURE) -> Check:
    """The check for an error."""
    return Check(name=name, state=state, said=str(error), remedy=error.remedy, exit_status=error.exit_status)


def guarded(name: str, check: Callable[[], Iterator[Check]], settings: Settings | None = None) -> Iterator[Check]:
    """The checks of one part; an error is a failure, or a warning for a registry that a build can do without."""
    try:
        yield from check()
    except RegistryError as error:
        yield failed(name, error, State.WARNING if settings and not settings.push else State.FAILURE)
    except DesktopBakeError as error:
        yield failed(name, error)
