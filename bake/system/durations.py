"""Durations as people write them, with the same grammar and meaning for every flag."""

from __future__ import annotations

import re

from ...generator.errors import ConfigurationError

_LONGEST_S = 315_360_000  # ten years; the operating system's clocks have limits
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def duration_s(text: str) -> float:
    """Read a duration such as `30s`, `15m`, `1h30m`, `30d`, `8w` or `0`, in seconds.

    A number without a unit is refused, except 0: some people mean seconds, others days.

    Raises:
        ConfigurationError: the text has another form, or means more than ten years.
    """
    if re.fullmatch(r"[0-9]{1,8}", text) and int(text):
        raise ConfigurationError(f"the duration {text!r} has no unit", f"write {text}d for days, {text}s for seconds")
    parts = re.findall(r"([0-9]{1,8})([smhdw])", text[:40])
    seconds = sum(int(number) * _UNITS_S[unit] for number, unit in parts)
    if seconds > _LONGEST_S or text not in ("0", "".join(number + unit for number, unit in parts) or "0"):
        raise ConfigurationError(f"malformed duration {text[:40]!r}", "write 30s, 15m, 1h30m, 30d or 8w; at most 520w")
    return float(seconds)


def limit_s(text: str) -> int:
    """Read a limit: a number of seconds, or a duration.

    Raises:
        ConfigurationError: as `duration_s`.
    """
    return int(text) if text.isdecimal() else int(duration_s(text))
