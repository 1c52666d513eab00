"""A viewer of a task's screen: VNC (RFC 6143) over any stream, its picture kept as bytes, as a browser keeps it.

It asks for what changed and for nothing else, so that a screen that stands still costs nothing.
"""

import glob
import socket
import struct

TYPE_CHECKING = False  # of typing, which takes a while to import
if TYPE_CHECKING:
    from typing import Protocol, Tuple

    class Stream(Protocol):
        """What carries the protocol."""

        def take(self, count: int) -> bytes:
            """So many bytes.

            Raises:
                EOFError: it has ended.
            """

        def give(self, data: bytes) -> None:
            """Send these."""


SOCKETS = "/tmp/.X11-unix/*/vnc", "/tmp/*/vnc"  # where desktop_run.sh has Xvnc listen
_RAW, _COPY, _SIZE, _EXTENDED_SIZE = 0, 1, -223, -308
_UPDATE, _COLOURS, _BELL, _CUT_TEXT = range(4)  # what a server sends
_PIXELS = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 0, 8, 16)  # red, green, blue, nothing
BYTES_A_PIXEL = 4
_LARGEST = 32767


class SocketStream:
    """A connection.

    Args:
        connection: it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def take(self, count: int) -> bytes:
        """So many bytes."""
        data = bytearray(count)
        with memoryview(data) as left:
            at = 0
            while at < count:
                read = self._connection.recv_into(left[at:])
                if not read:
                    raise EOFError
                at += read
        return bytes(data)

    def give(self, data: bytes) -> None:
        """Send these."""
        self._connection.sendall(data)


def own_screen() -> socket.socket:
    """A connection to the screen of this container.

    Raises:
        OSError: there is none.
    """
    paths = [path for pattern in SOCKETS for path in glob.glob(pattern)]
    if not paths:
        raise FileNotFoundError("no desktop")
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(paths[0])
    return connection


class Screen:
    """A screen as its server tells it.

    Args:
        stream: to the server, which wants no password.

    Attributes:
        width, height: in pixels.
        pixels: four bytes for each, red, green, blue and one that means nothing, row by row.
        layout: the server's list of screens, as it was told, with which it takes a wish for another size; empty if it
            takes none.
        refused: why it did not take the last wish for a size; 0 if it did.
    """

    def __init__(self, stream: "Stream") -> None:
        self._stream = stream
        self.layout = b""
        self.refused = 0
        stream.take(12)
        stream.give(b"RFB 003.008\n")
        stream.take(stream.take(1)[0])
        stream.give(b"\1")
        if stream.take(4) != bytes(4):
            raise EOFError
        stream.give(b"\1")  # others may watch, too
        self.width, self.height, _, name = struct.unpack(">HH16sI", stream.take(24))
        stream.take(name)
        self.pixels = bytearray(self.width * self.height * BYTES_A_PIXEL)
        encodings = (_RAW, _COPY, _SIZE, _EXTENDED_SIZE)
        stream.give(b"\0\0\0\0" + _PIXELS + struct.pack(">BxH4i", 2, len(encodings), *encodings))
        self.ask(whole=True)

    def ask(self, whole: bool = False) -> None:
        """Ask for the next change, or for all that is to be seen."""
        self._stream.give(struct.pack(">BBHHHH", 3, not whole, 0, 0, self.width, self.height))

    def wish(self, width: int, height: int) -> None:
        """Ask for another size; an update answers (community RFB protocol, "SetDesktopSize")."""
        identity = self.layout[4:8] or bytes(4)
        flags = self.layout[16:20] or bytes(4)
        screen = identity + struct.pack(">HHHH", 0, 0, width, height) + flags
        self._stream.give(struct.pack(">BxHHBx", 251, width, height, 1) + screen)

    def read(self) -> int:
        """Read one message, and take in what it tells.

        Returns:
            How many bytes of pixels came; -1 for a message that is about something else.

        Raises:
            EOFError: the server is gone.
        """
        kind = self._stream.take(1)[0]
        if kind == _COLOURS:
            self._stream.take(6 * struct.unpack(">xHH", self._stream.take(5))[1])
        elif kind == _CUT_TEXT:
            self._stream.take(abs(struct.unpack(">3xi", self._stream.take(7))[0]))
        elif kind == _UPDATE:
            return self._update()
        elif kind != _BELL:
            raise EOFError
        return -1

    def _update(self) -> int:
        count, came = struct.unpack(">xH", self._stream.take(3))[0], 0
        for _ in range(count):
            x, y, width, height, encoding = struct.unpack(">HHHHi", self._stream.take(12))
            if encoding == _RAW:
                self._put((x, y, width, height), self._stream.take(width * height * BYTES_A_PIXEL))
            elif encoding == _COPY:
                from_x, from_y = struct.unpack(">HH", self._stream.take(4))
                self._put((x, y, width, height), self._part((from_x, from_y, width, height)))
            elif encoding == _SIZE:
                self._resize(width, height)
            elif encoding == _EXTENDED_SIZE:  # x says who asked for it (1: we), y what became of that
                screens = self._stream.take(4)
                self.layout = screens + self._stream.take(16 * screens[0])
                if x == 1:
                    self.refused = y
                if not (x == 1 and y):
                    self._resize(width, height)
            else:
                raise EOFError
            came += width * height * BYTES_A_PIXEL
        return came

    def _resize(self, width: int, height: int) -> None:
        """Take another size; what was to be seen stays, and the server tells the rest."""
        if (width, height) == (self.width, self.height) or not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
            return
        both = min(self.width, width), min(self.height, height)
        kept = self._part((0, 0, *both))
        self.width, self.height = width, height
        self.pixels = bytearray(width * height * BYTES_A_PIXEL)
        self._put((0, 0, *both), kept)

    def _rows(self, area: "Tuple[int, ...]") -> "range":
        """Where each row of an area begins."""
        x, y, _, height = area
        line = self.width * BYTES_A_PIXEL
        first = y * line + x * BYTES_A_PIXEL
        return range(first, first + height * line, line)

    def _part(self, area: "Tuple[int, ...]") -> bytes:
        length = area[2] * BYTES_A_PIXEL
        return b"".join(self.pixels[at : at + length] for at in self._rows(area))

    def _put(self, area: "Tuple[int, ...]", data: bytes) -> None:
        x, y, width, height = area
        if x + width > self.width or y + height > self.height:
            raise EOFError  # no server says that
        length = width * BYTES_A_PIXEL
        if width == self.width:
            self.pixels[y * length : (y + height) * length] = data
            return
        with memoryview(data) as rows, memoryview(self.pixels) as pixels:
            for number, at in enumerate(self._rows(area)):
                pixels[at : at + length] = rows[number * length : (number + 1) * length]
