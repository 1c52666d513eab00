"""Endless answers of the engine, such as its events: one JSON object a line, read as they come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ...generator.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .api import Endpoint


_LONGEST_LINE = 1 << 20


def lines_of(endpoint: Endpoint, path: str, query: Mapping[str, object] | None = None) -> Iterator[dict[str, Any]]:
    """The objects of an answer that goes on as long as the engine runs.

    Args:
        endpoint: the engine.
        path, query: see `Endpoint.ask`.

    Raises:
        EngineError: no engine answers, or it refuses or ends.
    """
    with endpoint.open(path, query) as response:
        while line := response.readline(_LONGEST_LINE):
            try:
                value = json.loads(line)
            except ValueError as error:
                raise EngineError("the engine's answer is not understood", "check: docker events") from error
            if isinstance(value, dict):
                yield value
