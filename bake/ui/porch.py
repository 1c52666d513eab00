"""Connections that are not identified yet: few, and not for long, so that nobody can keep this user out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio


MOST = 100
PATIENCE_S = 10.0


class Porch:
    """Connections without a request so far.

    Args:
        most: how many there may be; the oldest one is closed to make room.
        patience_s: how long each may take for the head of its first request, in seconds.
    """

    def __init__(self, most: int = MOST, patience_s: float = PATIENCE_S) -> None:
        self._most, self._patience_s = most, patience_s
        self._waiting: dict[Arrival, asyncio.TimerHandle] = {}

    def arrived(self, arrival: Arrival) -> None:
        """Add a connection."""
        if len(self._waiting) >= self._most:
            oldest = next(iter(self._waiting))
            self.left(oldest)
            oldest.transport.abort()
        self._waiting[arrival] = arrival.loop.call_later(self._patience_s, arrival.transport.abort)

    def left(self, arrival: Arrival) -> None:
        """Remove a connection, because it sent a request or is gone."""
        if timer := self._waiting.pop(arrival, None):
            timer.cancel()

    def protocol(self) -> Any:
        """The class that uvicorn uses for each connection."""
        return partial(Arrival, self)


class Arrival(H11Protocol):
    """A connection; the guard closes it if it refuses its first request.

    Args:
        porch: where it waits.
        arguments: the arguments of uvicorn.
    """

    def __init__(self, porch: Porch, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._porch = porch

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for its first request."""
        super().connection_made(transport)
        self._porch.arrived(self)

    def data_received(self, data: bytes) -> None:
        """Stop waiting once that request has a head."""
        super().data_received(data)
        if self.cycle is not None:
            self._porch.left(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._porch.left(self)
        super().connection_lost(exc)
