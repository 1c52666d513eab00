"""When a question has to be answered."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Deadline:
    """The end of a time limit; a step with a separate limit may put it off.

    Args:
        limit_s: seconds from now.
    """

    def __init__(self, limit_s: float) -> None:
        self._end = time.monotonic() + limit_s

    def left_s(self) -> float:
        """Seconds until then, at least 0."""
        return max(0.0, self._end - time.monotonic())

    @contextlib.contextmanager
    def put_off(self, limit_s: float) -> Iterator[None]:
        """Add so many seconds for the code in this context; seconds that it does not use are taken back."""
        began = time.monotonic()
        self._end += limit_s
        try:
            yield
        finally:
            self._end -= limit_s - min(limit_s, time.monotonic() - began)
