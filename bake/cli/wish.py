"""The flags `--upgrade` and `--max-age`: what is asked of the lock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ..config.lock_plan import Wish
from ..system.durations import duration_s


def wish_of(max_age: str | None, *, upgrade: bool = False, whole: bool = True) -> Wish:
    """The wish for the lock, today.

    Args:
        max_age: move only what is older; it implies an upgrade.
        upgrade, whole: see `Wish`.

    Raises:
        ConfigurationError: the age is malformed.
    """
    now = datetime.now(UTC)
    if max_age is None:
        return Wish(today=now.date(), upgrade=upgrade, whole=whole)
    before = now - timedelta(seconds=duration_s(max_age))
    return Wish(today=now.date(), upgrade=True, before=before.date(), whole=whole)
