"""Values of options as the docker client reads them. Pure; a malformed value raises ValueError."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..system.lazy import lazy

if TYPE_CHECKING:
    import csv
    import fractions
else:
    csv = lazy("csv")
    fractions = lazy("fractions")

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([bkmgtp]?)i?b?", re.IGNORECASE)
_TRUE, _FALSE = ("1", "t", "T", "true", "TRUE", "True"), ("0", "f", "F", "false", "FALSE", "False")


def size_of(text: str) -> int:
    """Bytes: `96m`, `1.5GiB`, `1024` (docker/go-units, RAMInBytes)."""
    found = _SIZE.fullmatch(text)
    if not found:
        raise ValueError(text)
    return int(float(found[1]) * (1 << (10 * "bkmgtp".index(found[2].lower() or "b"))))


def bytes_of(value: int | str) -> int:
    """Bytes, from a number of bytes or from a text that `size_of` reads."""
    number = value if isinstance(value, int) else size_of(value)
    if not 0 <= number < 1 << 63:
        raise ValueError(value)
    return number


def nano_cpus_of(value: float | str) -> int:
    """Whole billionths of a processor: `2`, `1.5`, `1/2` (docker/cli, opts.ParseCPUs)."""
    text = str(value)
    number = fractions.Fraction(text) * 10**9
    if number.denominator != 1 or not 0 <= number < 1 << 63 or text != text.strip():
        raise ValueError(value)
    return number.numerator


def truth_of(text: str) -> bool:
    """A boolean (Go, strconv.ParseBool)."""
    if text not in _TRUE + _FALSE:
        raise ValueError(text)
    return text in _TRUE


def pair_of(text: str) -> tuple[str, str]:
    """`NAME=VALUE`, neither of them empty."""
    name, given, value = text.partition("=")
    if not (name and given):
        raise ValueError(text)
    return name, value


def fields_of(text: str) -> list[str]:
    """The fields between commas; a field in double quotes may contain commas (RFC 4180)."""
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise ValueError(text) from error
    if len(rows) != 1 or "\n" in text or "\r" in text:
        raise ValueError(text)
    return rows[0]
