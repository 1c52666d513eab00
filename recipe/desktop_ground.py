"""The desktop's ground in one colour, by the X protocol itself (X Window System Protocol, version 11, appendix B).

A part of desktop_gate.py's text: it runs all the time anyway. fbsetroot would be one more process at every start, and
leave a picture as large as the screen in Xvnc's memory for as long as the task runs.
"""

import _socket
import time

from recipe.desktop_http import PATIENCE_S

TYPE_CHECKING = False  # of typing, which takes a while to import
if TYPE_CHECKING:
    from typing import Optional, Union

GROUND = (0x2E, 0x40, 0x57)
ERROR, REPLY, PIXMAP = 0, 1, 20
COOKIE_NAME = b"MIT-MAGIC-COOKIE-1"


def request(kind: int, detail: int, *parts: "Union[int, bytes]") -> bytes:
    """A request: its numbers in four bytes each, its bytes as they are."""
    body = b"".join(part if isinstance(part, bytes) else part.to_bytes(4, "little") for part in parts)
    body += bytes(-len(body) % 4)
    return bytes((kind, detail)) + (1 + len(body) // 4).to_bytes(2, "little") + body


def pair(one: int, other: int) -> bytes:
    """Two numbers of two bytes each."""
    return one.to_bytes(2, "little") + other.to_bytes(2, "little")


class Display:
    """A connection to an X server.

    Args:
        connection: to its socket.
        cookie: what lets us in.

    Attributes:
        root: the root window.
        colours: its table of colours.
        depth: its bits for each pixel.
        own: the first number for what we make.

    Raises:
        OSError: the server does not let us in, or went away.
    """

    def __init__(self, connection: _socket.socket, cookie: bytes) -> None:
        self._connection = connection
        hello = b"l\0" + pair(11, 0) + pair(len(COOKIE_NAME), len(cookie)) + b"\0\0"
        connection.sendall(hello + COOKIE_NAME + bytes(-len(COOKIE_NAME) % 4) + cookie + bytes(-len(cookie) % 4))
        head = self._read(8)
        about = self._read(int.from_bytes(head[6:8], "little") * 4)
        if head[0] != 1:
            raise ConnectionError(about)
        self.own = int.from_bytes(about[4:8], "little")
        maker, formats = int.from_bytes(about[16:18], "little"), about[21]
        screen = about[32 + maker + -maker % 4 + 8 * formats :]
        self.root, self.colours = (int.from_bytes(screen[at : at + 4], "little") for at in (0, 4))
        self.depth = screen[38]

    def _read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = self._connection.recv(size - len(found))
            if not piece:
                raise ConnectionError
            found += piece
        return found

    def send(self, kind: int, detail: int, *parts: "Union[int, bytes]") -> None:
        """Send a request that has no answer."""
        self._connection.sendall(request(kind, detail, *parts))

    def ask(self, kind: int, detail: int, *parts: "Union[int, bytes]") -> bytes:
        """Send a request, and read its answer."""
        self.send(kind, detail, *parts)
        while True:
            answer = self._read(32)
            if answer[0] == ERROR:
                raise ConnectionError(answer)
            if answer[0] == REPLY:
                return answer


def paint(display: Display) -> None:
    """Paint the ground, and tell programs that want to look transparent what it is made of."""
    root, pixmap, tool = display.root, display.own, display.own + 1
    red, green, blue = (value * 0x101 for value in GROUND)
    answer = display.ask(84, 0, display.colours, pair(red, green), pair(blue, 0))  # AllocColor
    display.send(53, display.depth, pixmap, root, pair(1, 1))  # CreatePixmap
    display.send(55, 0, tool, pixmap, 4, answer[16:20])  # CreateGC, with that foreground
    display.send(70, 0, pixmap, tool, pair(0, 0), pair(1, 1))  # PolyFillRectangle
    display.send(2, 0, root, 1, pixmap)  # ChangeWindowAttributes: background-pixmap
    display.send(61, 0, root, 0, 0)  # ClearArea
    for name in (b"_XROOTPMAP_ID", b"ESETROOT_PMAP_ID"):
        atom = display.ask(16, 0, pair(len(name), 0), name)[8:12]  # InternAtom
        display.send(18, 0, root, atom, PIXMAP, 32, 1, pixmap)  # ChangeProperty
    display.ask(43, 0)  # GetInputFocus, whose answer comes when everything before is done


def painted(number: str, cookie: str) -> "Optional[_socket.socket]":
    """Paint the ground of a display that may still be starting; None if it cannot be painted.

    Whoever makes something in X takes it along: the connection has to stay.

    Args:
        number: the display's.
        cookie: the file of libXau, with one entry for any display.
    """
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            connection.settimeout(PATIENCE_S)
            connection.connect("/tmp/.X11-unix/X" + number)
        except OSError:
            connection.close()
            time.sleep(0.005)
            continue
        try:
            with open(cookie, "rb") as file:
                paint(Display(connection, file.read()[-16:]))
        except (OSError, IndexError):
            connection.close()
            return None
        return connection
    return None
