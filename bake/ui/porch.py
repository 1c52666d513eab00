"""Connections of which nobody knows yet whose they are: few, and not for long, so that nobody keeps this user out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio


MOST = 100
PATIENCE_S = 10.0


class Porch:
    """Connections that have asked for nothing yet.

    Args:
        most: how many there may be; the oldest makes room.
        patience_s: how long each may take for the head of its first request, in seconds.
    """

    def __init__(self, most: int = MOST, patience_s: float = PATIENCE_S) -> None:
        self._most, self._patience_s = most, patience_s
        self._waiting: dict[Arrival, asyncio.TimerHandle] = {}

    def arrived(self, arrival: Arrival) -> None:
        """Have one more."""
        if len(self._waiting) >= self._most:
            oldest = next(iter(self._waiting))
            self.left(oldest)
            oldest.transport.abort()
        self._waiting[arrival] = arrival.loop.call_later(self._patience_s, arrival.transport.abort)

    def left(self, arrival: Arrival) -> None:
        """Have one less: it has asked for something, or is gone."""
        if timer := self._waiting.pop(arrival, None):
            timer.cancel()

    def protocol(self) -> Any:
        """What uvicorn makes for each connection."""
        return partial(Arrival, self)


class Arrival(H11Protocol):
    """A connection. The guard has those closed whose first request it refuses.

    Args:
        porch: where it waits.
        arguments: uvicorn's own.
    """

    def __init__(self, porch: Porch, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._porch = porch

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for its first request."""
        super().connection_made(transport)
        self._porch.arrived(self)

    def data_received(self, data: bytes) -> None:
        """Wait no longer once that has a head."""
        super().data_received(data)
        if self.cycle is not None:
            self._porch.left(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._porch.left(self)
        super().connection_lost(exc)
