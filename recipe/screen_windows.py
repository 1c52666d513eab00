"""Which windows a task's desktop has, and the moment at which one closes: a client of X (X Window System Protocol).

X tells it before a viewer sees the change, since one server sends both, one after the other.
"""

import os
import select
import socket
import struct

TYPE_CHECKING = False  # of typing, which takes a while to import
if TYPE_CHECKING:
    from typing import Set

COOKIE_BYTES = 16  # at the end of the file that desktop_run.sh writes
_NAME = b"MIT-MAGIC-COOKIE-1"
_UNMAP, _PROPERTY = 18, 28  # what X tells
_STRUCTURE, _PROPERTIES = 1 << 17, 1 << 22  # what it may be asked to tell
_ANY_TYPE, _MOST = 0, 4096


def own_display() -> socket.socket:
    """A connection to the X server of this container.

    Raises:
        OSError: there is none.
    """
    connection = socket.socket(socket.AF_UNIX)
    connection.connect("/tmp/.X11-unix/X" + os.environ["DISPLAY"].lstrip(":").partition(".")[0])
    return connection


class Windows:
    """The windows that a window manager has on its desktop.

    Args:
        connection: to the X server.
        cookie: what it asks for.

    Attributes:
        open: the IDs of those that are there.
    """

    def __init__(self, connection: socket.socket, cookie: bytes) -> None:
        self._connection = connection
        self.open: Set[int] = set()
        self._watched: Set[int] = set()
        self._events = b""
        head = struct.pack("<BxHHHH2x", ord("l"), 11, 0, len(_NAME), len(cookie))
        self._send(head + _NAME + bytes(-len(_NAME) % 4) + cookie)
        answer = self._take(8)
        setup = self._take(4 * struct.unpack("<H", answer[6:])[0])
        if answer[0] != 1:
            raise OSError("X refuses the cookie")
        vendor, formats = struct.unpack("<H", setup[16:18])[0], setup[21]
        at = 32 + vendor + -vendor % 4 + 8 * formats
        self._root = struct.unpack("<I", setup[at : at + 4])[0]
        name = b"_NET_CLIENT_LIST"  # Extended Window Manager Hints
        asked = struct.pack("<BxHH2x", 16, 2 + (len(name) + 3) // 4, len(name)) + name + bytes(-len(name) % 4)
        self._list = struct.unpack("<I", self._answer(asked)[8:12])[0]
        self._listen(self._root, _PROPERTIES)
        self.look()

    def fileno(self) -> int:
        """For select()."""
        return self._connection.fileno()

    def look(self) -> None:
        """Find out which windows are there."""
        asked = struct.pack("<BxHIIIII", 20, 6, self._root, self._list, _ANY_TYPE, 0, _MOST)
        answer = self._answer(asked)
        count = struct.unpack("<I", answer[16:20])[0]
        self.open = set(struct.unpack(f"<{count}I", answer[32 : 32 + 4 * count]))
        for window in self.open - self._watched:
            self._listen(window, _STRUCTURE)
        self._watched |= self.open

    def closing(self, wait_s: float) -> bool:
        """Whether one closes, or is hidden, as X has told by now, or tells soon.

        Args:
            wait_s: how long soon is.

        Raises:
            EOFError: X is gone.
        """
        closes = False
        while self._events or select.select([self], [], [], 0 if closes else wait_s)[0]:
            wait_s = 0
            event = self._events[:32] or self._take(32)
            self._events = self._events[32:]
            kind = event[0] & 127  # the highest bit tells of another client that sent it
            if kind == _UNMAP and struct.unpack("<I", event[4:8])[0] in self._watched:
                closes = True
            elif kind == _PROPERTY and struct.unpack("<I", event[8:12])[0] == self._list:
                self.look()
        return closes

    def _listen(self, window: int, what: int) -> None:
        self._send(struct.pack("<BxHIII", 2, 4, window, 1 << 11, what))

    def _answer(self, request: bytes) -> bytes:
        """The answer to a request; events that come before it are kept, and errors of what is gone passed over."""
        self._send(request)
        while True:
            head = self._take(32)
            if head[0] == 1:
                return head + self._take(4 * struct.unpack("<I", head[4:8])[0])
            if head[0] != 0:
                self._events += head

    def _send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def _take(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._connection.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data
