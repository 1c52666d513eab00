"""What `doctor` says of the lock."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from desktop_bake import Settings
from desktop_bake.bake.config.lock import Lock
from desktop_bake.bake.upkeep.check import State
from desktop_bake.bake.upkeep.lock_check import OLD_DAYS, lock_checks
from tests.harness.every import every
from tests.harness.locks import LOCK, THEN
from tests.harness.recipes import OFFICE

FITS = replace(LOCK, bases={str(OFFICE.base_image): LOCK.bases[str(OFFICE.base_image)]}, tools={}, images={})
DAY = timedelta(days=1)


@every(
    ("lock", "frozen", "today", "state", "says"),
    [
        (None, False, THEN, None, ""),
        (FITS, False, THEN, State.OK, "1 image, packages of 2026-11-01"),
        (FITS, True, THEN + OLD_DAYS * DAY, State.OK, "1 image, packages of 2026-11-01"),
        (FITS, False, THEN + (OLD_DAYS + 1) * DAY, State.WARNING, "packages of 2026-11-01, 31 days ago"),
        (FITS, False, THEN - DAY, State.OK, "1 image, packages of 2026-11-01"),
        (
            FITS,
            False,
            THEN - 2 * DAY,
            State.WARNING,
            "packages of 2026-11-01, a day to come: no upgrade moves it before",
        ),
        (replace(FITS, packages=None), True, THEN, State.WARNING, "the lock has no packages date"),
        (LOCK, False, THEN, State.WARNING, "base debian:bookworm is used by no environment"),
        (Lock(packages=THEN), False, THEN, State.WARNING, "base registry.example.com/base:1 of office is not locked"),
        (
            Lock(packages=THEN),
            True,
            THEN,
            State.FAILURE,
            "base registry.example.com/base:1 of office is not locked, and frozen resolves no tag",
        ),
        (
            None,
            True,
            THEN,
            State.FAILURE,
            "base registry.example.com/base:1 of office is not locked, and frozen resolves no tag",
        ),
    ],
)
def test_what_is_said(lock: Lock | None, frozen: bool, today: date, state: State | None, says: str) -> None:
    """What does not fit or is old is told with a remedy; what a build would fail at is a failure with its status."""
    settings = Settings(lock=lock, frozen=frozen, environments={"office": OFFICE})
    found = list(lock_checks(settings, today))
    assert [(check.state, check.said) for check in found] == ([(state, says)] if state else [])
    assert all(bool(check.remedy) is (check.state is not State.OK) for check in found)
    assert [check.exit_status for check in found] == [2 if state is State.FAILURE else 0 for _ in found]
