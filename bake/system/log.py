"""Where progress is reported: a line at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Log = Callable[[str], None]


def silent(_line: str) -> None:
    """The log of callers that want none."""
