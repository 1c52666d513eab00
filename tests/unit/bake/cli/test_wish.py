"""What the flags ask of the lock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from desktop_bake.bake.cli.wish import wish_of
from desktop_bake.bake.config.lock_plan import Wish
from desktop_bake.generator.errors import ConfigurationError


def test_what_is_asked() -> None:
    """An age asks for an upgrade of what is as old; without one all is requested, or nothing but what is missing."""
    today = datetime.now(UTC).date()
    assert wish_of(None) == Wish(today=today)
    assert wish_of(None, upgrade=True, whole=False) == Wish(today=today, upgrade=True, whole=False)
    assert wish_of("30d") == Wish(today=today, upgrade=True, before=today - timedelta(days=30))
    assert wish_of("0", whole=False) == Wish(today=today, upgrade=True, before=today, whole=False)


def test_an_age_without_a_unit() -> None:
    """A number without a unit, days to one person and seconds to another, is refused."""
    with pytest.raises(ConfigurationError, match="has no unit"):
        wish_of("30")
