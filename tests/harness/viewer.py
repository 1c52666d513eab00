"""A viewer of a task's desktop: VNC over the WebSocket of noVNC's address."""

from __future__ import annotations

import socket
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from recipe.screen_film import WebSocketStream
from recipe.screen_rfb import Screen

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_S = 30.0


class Viewer:
    """A viewer that has keyboard, mouse and clipboard, and uses them.

    Args:
        stream: the connection to the desktop.

    Attributes:
        screen: what it sees.
    """

    def __init__(self, stream: WebSocketStream) -> None:
        self._stream = stream
        self.screen = Screen(stream)
        self.look()

    def look(self) -> None:
        """See the whole desktop as it is after all input so far."""
        self.screen.pixels[:] = bytes(len(self.screen.pixels))
        self.screen.ask(whole=True)
        while not any(self.screen.pixels):  # one message has all of it; the one before has only the size
            if self.screen.read() >= 0:
                self.screen.ask()

    def act(self, keys: str, at: tuple[int, int], copied: bytes) -> None:
        """Type, move the pointer, and copy."""
        for key in keys:
            for down in (1, 0):
                self._stream.give(struct.pack(">BBxxI", 4, down, 0xFF0D if key == "\n" else ord(key)))
        self._stream.give(struct.pack(">BBHH", 5, 0, *at))
        self._stream.give(struct.pack(">BxxxI", 6, len(copied)) + copied)


@contextmanager
def viewer(url: str) -> Iterator[Viewer]:
    """The viewer at an address."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=LIMIT_S) as connection:
        yield Viewer(WebSocketStream(connection, "/" + parse_qs(parts.fragment)["path"][0]))
