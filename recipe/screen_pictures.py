"""Pictures of a task's screen for `run --screenshot`: `python3 -I -c LOADER screen_pictures EVERY_S …`, in the task.

It says when it has begun, gives a picture every EVERY_S seconds if something changed (0: none), and, once it reads a
line, the last one: the screen as it is, or, if the windows have closed with the command, as it was just before they
did. Its input's end ends it. Each message is a letter, the length of what follows, and that.
"""

import os
import select
import struct
import sys
import time
import zlib

from recipe.screen_rfb import BYTES_A_PIXEL, Screen, SocketStream, own_screen
from recipe.screen_windows import COOKIE_BYTES, Windows, own_display

TYPE_CHECKING = False  # of typing, which takes a while to import
if TYPE_CHECKING:
    from typing import Callable, Optional

BEGUN, PICTURE, LAST = b"B", b"P", b"L"
TOGETHER_S = 1.0  # windows that close within it close together
WITH_THE_COMMAND_S = 2.0  # how long before its end was noticed
_X_AFTER_VNC_S = 0.005  # X may tell a little later what its VNC part has told already
_SHORTEST_S, _BYTES_A_SECOND = 0.02, 40e6  # a film on the screen may not cost a core


def png_of(pixels: "bytes | bytearray", width: int, height: int) -> bytes:
    """A picture as PNG (ISO/IEC 15948).

    Args:
        pixels: as `Screen` has them.
        width, height: of the picture.
    """
    colours = bytearray(width * height * 3)
    for part in range(3):
        colours[part::3] = pixels[part::BYTES_A_PIXEL]
    line = width * 3
    rows = b"".join(b"\0" + colours[at : at + line] for at in range(0, len(colours), line))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


class Watch:
    """What was to be seen, of which the last picture is one.

    Args:
        screen: the screen.
        windows: its windows.
        clock: the time in seconds.
    """

    def __init__(self, screen: Screen, windows: Windows, clock: "Callable[[], float]" = time.monotonic) -> None:
        self._screen = screen
        self._windows = windows
        self._clock = clock
        self._kept: Optional[bytes] = None
        self._size = 0, 0
        self._first = self._last = 0.0
        self._before = windows.open
        self._opened = False  # a window since the last one closed
        self._awaits = True  # an answer of the screen
        self._next = 0.0  # when to ask it again
        self.changed = False

    @property
    def wait_s(self) -> "Optional[float]":
        """How long nothing needs to be done unless something comes."""
        return None if self._awaits else max(0.0, self._next - self._clock())

    def step(self, wait_s: float = 0) -> None:
        """Do what is due: note windows that close, take in what changed, ask for more.

        Args:
            wait_s: how long X may take to tell that one closes.
        """
        closes = self._windows.closing(wait_s)
        self._opened = self._opened or bool(self._windows.open - self._before)
        self._before = self._windows.open
        if closes:
            self._keep()
        if not self._awaits and self._clock() >= self._next:
            self._screen.ask()
            self._awaits = True

    def update(self) -> None:
        """Take in what the screen has sent."""
        self.step(_X_AFTER_VNC_S)
        came = self._screen.read()
        if came >= 0:
            self.changed, self._awaits = True, False
            self._next = self._clock() + _SHORTEST_S + came / _BYTES_A_SECOND

    def _keep(self) -> None:
        """Keep what is to be seen; of windows that close together, what was to be seen with all of them."""
        now = self._clock()
        if self._kept is None or self._opened or now - self._first > TOGETHER_S:
            self._kept, self._size = bytes(self._screen.pixels), (self._screen.width, self._screen.height)
            self._first, self._opened = now, False
        self._last = now

    def picture(self) -> bytes:
        """The screen as it is."""
        self.changed = False
        return png_of(self._screen.pixels, self._screen.width, self._screen.height)

    def last_picture(self) -> bytes:
        """The screen as the command left it, or as it was before its windows closed."""
        self._windows.look()
        self.step()
        self._screen.ask(whole=True)
        self._awaits = True
        while self._awaits:
            self.update()
        late = self._clock() - self._last <= WITH_THE_COMMAND_S
        if self._kept is not None and (late or not self._windows.open):
            return png_of(self._kept, *self._size)
        return self.picture()


def send(kind: bytes, data: bytes = b"") -> None:
    """Hand on a message."""
    sys.stdout.buffer.write(kind + struct.pack(">I", len(data)) + data)
    sys.stdout.buffer.flush()


def main(every: str) -> None:
    """Watch until there is a line to read, or nothing more."""
    connection = own_screen()
    with open(os.environ["XAUTHORITY"], "rb") as file:
        cookie = file.read()[-COOKIE_BYTES:]
    windows = Windows(own_display(), cookie)
    watch = Watch(Screen(SocketStream(connection)), windows)
    watch.update()
    send(BEGUN)
    every_s = float(every)
    inputs = [0, connection.fileno(), windows.fileno()]
    due = time.monotonic() + every_s if every_s else float("inf")
    while True:
        waits = [due - time.monotonic()] if every_s else []
        waits += [] if watch.wait_s is None else [watch.wait_s]
        ready = select.select(inputs, [], [], max(0.0, min(waits)) if waits else None)[0]
        if 0 in ready:
            if os.read(0, 64):
                send(LAST, watch.last_picture())
            return
        if connection.fileno() in ready:
            watch.update()
        watch.step()
        if time.monotonic() >= due:
            due = max(due + every_s, time.monotonic())
            if watch.changed:
                send(PICTURE, watch.picture())
