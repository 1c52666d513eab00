"""Connections of which nobody knows yet whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from desktop_bake.bake.ui.porch import MOST, PATIENCE_S, Porch

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Timer:
    """A call that is due, and may be taken back."""

    def __init__(self, seconds: float, due: Callable[[], None]) -> None:
        self.seconds, self.due, self.is_cancelled = seconds, due, False

    def cancel(self) -> None:
        """Take it back."""
        self.is_cancelled = True


class Loop:
    """A loop whose calls come due if a test has them."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []

    def call_later(self, seconds: float, due: Callable[[], None]) -> Timer:
        """Note a call."""
        self.timers.append(Timer(seconds, due))
        return self.timers[-1]

    def create_task(self, work: Any, **_: object) -> Loop:
        """Run nothing of the application."""
        work.close()
        return self

    def add_done_callback(self, _: object) -> None:
        """Never be done."""


class Transport:
    """What carries a connection."""

    is_over = False

    def abort(self) -> None:
        """Hang up."""
        self.is_over = True

    def close(self) -> None:
        """Hang up, too."""
        self.is_over = True

    def write(self, data: bytes) -> None:
        """Send nothing."""

    def get_extra_info(self, _: str) -> None:
        """Know nothing."""

    pause_reading = resume_reading = is_closing = get_extra_info


@pytest.fixture
def loop() -> Loop:
    """The loop of the connections."""
    return Loop()


@pytest.fixture
def come(loop: Loop) -> Callable[[], tuple[Any, Transport]]:
    """`come()`: a connection that has just been made."""
    make = Porch().protocol()
    config = uvicorn.Config(cast("Any", lambda *_: None), log_config=None, lifespan="off", ws="none")

    def made() -> tuple[Any, Transport]:
        arrival = make(config=config, server_state=ServerState(), app_state={}, _loop=loop)
        transport = Transport()
        arrival.connection_made(transport)
        return arrival, transport

    return made


def test_who_asks_for_nothing(loop: Loop, come: Callable[[], tuple[Any, Transport]]) -> None:
    """A connection has some seconds for the whole head of its first request, however it drips; then it is over."""
    arrival, transport = come()
    for byte in HEAD[:-1]:
        arrival.data_received(bytes([byte]))
    timer = loop.timers[0]
    assert (timer.seconds, timer.is_cancelled) == (PATIENCE_S, False)
    timer.due()
    assert transport.is_over


def test_who_asks(loop: Loop, come: Callable[[], tuple[Any, Transport]]) -> None:
    """One whose request has come may take its time from then on."""
    arrival, transport = come()
    arrival.data_received(HEAD)
    assert loop.timers[0].is_cancelled
    assert not transport.is_over


def test_the_oldest_makes_room(loop: Loop, come: Callable[[], tuple[Any, Transport]]) -> None:
    """A hundred that ask for nothing keep nobody out: the oldest goes, but none that has asked; nor is one that is gone
    kept."""
    asked, gone = come(), come()
    asked[0].data_received(HEAD)
    gone[0].connection_lost(None)
    waiting = [come() for _ in range(MOST)]
    assert not any(transport.is_over for _, transport in waiting)
    come()
    assert [transport.is_over for _, transport in (asked, *waiting)] == [False, True] + [False] * (MOST - 1)
    assert loop.timers[2].is_cancelled
