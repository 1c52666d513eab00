"""Whether the lock fits the environments, and whether its packages are old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..config.lock import Lock
from ..config.lock_names import IMAGE, LOCK_NAME
from ..config.lock_plan import problems, to_come
from ..config.lock_uses import uses_of
from .check import Check, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ..config.settings import Settings


OLD_DAYS = 30


def lock_checks(settings: Settings, today: date) -> Iterator[Check]:
    """The checks of the lock; none if there is no lock and none is needed.

    Args:
        settings: the settings that name the lock.
        today: the date for the age of packages.

    Raises:
        ConfigurationError: a recipe is wrong.
    """
    if settings.lock is None and not settings.frozen:
        return
    lock = settings.lock or Lock()
    found = problems(lock, uses_of(settings.environments.values(), settings))
    missing = [problem for problem in found if problem.environments and problem.name]
    if missing and settings.frozen:
        status = ConfigurationError.exit_status
        yield _check(State.FAILURE, f"{missing[0].said}, and frozen resolves no tag", missing[0].remedy, status)
    elif found:
        yield _check(State.WARNING, found[0].said, found[0].remedy)
    elif lock.packages and to_come(lock.packages, today):
        said = f"packages of {lock.packages}, a day to come: no upgrade moves it before"
        yield _check(
            State.WARNING, said, f'if the clock is right, write packages = "{today}"; then render, and commit both'
        )
    elif lock.packages and (today - lock.packages).days > OLD_DAYS:
        said = f"packages of {lock.packages}, {(today - lock.packages).days} days ago"
        yield _check(State.WARNING, said, "run: desktop-bake lock --upgrade; then render, and commit both")
    else:
        count = len([kind for kind, _ in lock.entries() if kind != IMAGE])
        said = f"{count} image{'s' * (count != 1)}" + (f", packages of {lock.packages}" if lock.packages else "")
        yield _check(State.OK, said)


def _check(state: State, said: str, remedy: str = "", exit_status: int = 0) -> Check:
    return Check(name=LOCK_NAME, state=state, said=said, remedy=remedy, exit_status=exit_status)
