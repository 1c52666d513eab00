"""Durations: one grammar for every flag that takes one."""

from __future__ import annotations

import pytest

from desktop_bake.bake.system.durations import duration_s, limit_s
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.every import every

DAY_S = 86_400


@every(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("15m", 900),
        ("1h30m", 5_400),
        ("12h", 43_200),
        ("1d", DAY_S),
        ("30d", 30 * DAY_S),
        ("2w", 14 * DAY_S),
        ("60w", 420 * DAY_S),
        ("0", 0),
        ("0d", 0),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    """A duration is one or more numbers, each with its unit, or 0."""
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["30", "90", "007", "1"])
def test_no_unit(text: str) -> None:
    """A number alone means neither seconds nor days: both are offered."""
    with pytest.raises(ConfigurationError, match="has no unit") as caught:
        duration_s(text)
    assert caught.value.remedy == f"write {text}d for days, {text}s for seconds"


@every(
    "text", ["", "d", "m", "-5", "-1d", "1y", "1.5d", "1.5h", "15 m", "15min", "1h x", "1d0", "99999999w", "9" * 5000]
)
def test_no_durations(text: str) -> None:
    """Anything that is no duration is refused, and so is one beyond ten years."""
    with pytest.raises(ConfigurationError, match="malformed duration"):
        duration_s(text)


@pytest.mark.parametrize(("text", "wanted"), [("90", 90), ("1h30m", 5400), ("0", 0)])
def test_limit(text: str, wanted: int) -> None:
    """A limit is a number of seconds, or a duration."""
    assert limit_s(text) == wanted
