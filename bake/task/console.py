"""The streams of a process in a container, over one connection to the engine, as lines."""

from __future__ import annotations

import contextlib
import fcntl
import select
import socket
import termios
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from ...generator.errors import CancelledError, TimeLimitError
from .ending import FOREVER_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..engine.connection import Connection
    from ..system.events import Stream


_CANCEL_EVERY_S = 0.05
_FLUSH_S = 2.0
_LONGEST_POLL_S = 3600.0  # poll() counts milliseconds in an int
_KEPT_LINES, _KEPT_OF_A_LINE = 20, 2000
_HEADER_BYTES = 8
_STDERR = 2  # what a frame's first byte says
_LONGEST_LINE_BYTES = 1 << 20  # a longer line comes in pieces
LISTENS, READY, INSTALLED = MARKS = "[desktop] noVNC listens", "[desktop] ready", "[desktop] installed"


class Console:
    """What a process prints, line by line, and its standard input.

    The stream is the engine's (Docker Engine API, "Attach", "Stream format"): frames of an 8-byte header, whose first
    byte tells standard output from standard error and whose last four are the length, and their bytes. A program may
    write to both at once, so each stream has its own unfinished line.

    Args:
        connection: from `Endpoint.hijack`.

    Attributes:
        last: the last lines read.
        ended: whether the process, or the connection, has ended.
        closed: whether we closed it.
    """

    def __init__(self, connection: Connection) -> None:
        assert connection.sock
        self._connection = connection
        self._socket: socket.socket = connection.sock
        self._socket.settimeout(None)
        self._reading = threading.Lock()
        self._raw = b""
        self._stream, self._left = 0, 0  # the current frame's stream, and how many of its bytes are left
        self._partial: dict[int, bytes] = {}  # by stream
        self._lines: deque[tuple[Stream, str]] = deque()
        self._seen: set[str] = set()
        self.last: deque[str] = deque(maxlen=_KEPT_LINES)
        self.ended = False
        self.closed = False
        self._drain: threading.Thread | None = None

    def write(self, data: bytes) -> None:
        """Give it something to read."""
        with contextlib.suppress(OSError):  # it has ended; reading shows that
            self._socket.sendall(data)

    def flush(self) -> None:
        """Wait until the engine has read what was written: if this program is killed before that, it may be lost."""
        end = time.monotonic() + _FLUSH_S
        with contextlib.suppress(OSError, ValueError):  # it has ended, or its connection tells nothing
            while any(fcntl.ioctl(self._socket, termios.TIOCOUTQ, bytes(4))) and time.monotonic() < end:
                time.sleep(0.001)

    def line(self, end_s: float, cancel: threading.Event | None = None) -> str | None:
        """Its next line, or None if it has ended.

        Args:
            end_s: when to give up, by `time.monotonic()`.
            cancel: set by another thread to give up at once.

        Raises:
            TimeLimitError: no line came in time.
            CancelledError: `cancel` was set.
        """
        said = self.said(end_s, cancel)
        return said[1] if said else None

    def said(self, end_s: float, cancel: threading.Event | None = None) -> tuple[Stream, str] | None:
        """As `line`, with the line's stream."""
        with self._reading:
            while not self._lines:
                if self.ended:
                    return None
                if cancel and cancel.is_set():
                    raise CancelledError("cancelled")
                left_s = end_s - time.monotonic()
                if left_s <= 0:
                    raise TimeLimitError(
                        "the container printed nothing more in time", "wait longer: a larger timeout_s"
                    )
                self._receive(min(left_s, _CANCEL_EVERY_S if cancel else _LONGEST_POLL_S))
            stream, line = self._lines.popleft()
        self.last.append(line[:_KEPT_OF_A_LINE])
        _, mark, rest = line.rpartition("[desktop] ")  # another program printed what is before it on that line
        if mark + rest in MARKS:
            self._seen.add(mark + rest)
        return stream, line

    def until(self, wanted: str, end_s: float, cancel: threading.Event | None = None) -> bool:
        """Read until one of the desktop's own lines comes or has come; False if the process ended first.

        Args, Raises: as `line`; `wanted` is one of `MARKS`.
        """
        while wanted not in self._seen:
            if self.line(end_s, cancel) is None:
                return False
        return True

    def _receive(self, wait_s: float) -> None:
        poll = select.poll()  # not select(): a large program has more than 1,024 files open
        try:
            poll.register(self._socket, select.POLLIN)
            if not poll.poll(wait_s * 1000):
                return
            piece = self._socket.recv(1 << 16)
        except (OSError, ValueError):
            piece = b""
        self._raw += piece
        self.ended = not piece
        while len(self._raw) >= (1 if self._left else _HEADER_BYTES):
            if self._left:
                self._take(self._raw[: self._left])
            else:
                self._stream, self._left = self._raw[0], int.from_bytes(self._raw[4:_HEADER_BYTES], "big")
                self._raw = self._raw[_HEADER_BYTES:]
        if self.ended:
            for stream, partial in self._partial.items():
                self._add(stream, filter(None, [partial]))

    def _take(self, piece: bytes) -> None:
        """Read the next bytes of a frame, which may be only a part of it."""
        self._raw, self._left = self._raw[len(piece) :], self._left - len(piece)
        *whole, partial = (self._partial.get(self._stream, b"") + piece).split(b"\n")
        if len(partial) > _LONGEST_LINE_BYTES:
            whole, partial = [*whole, partial], b""
        self._partial[self._stream] = partial
        self._add(self._stream, whole)

    def _add(self, stream: int, lines: Iterable[bytes]) -> None:
        name: Stream = "stderr" if stream == _STDERR else "stdout"
        self._lines.extend((name, raw.decode(errors="replace").rstrip()) for raw in lines)

    def fileno(self) -> int:
        """The descriptor of its connection."""
        return self._socket.fileno()

    def drain(self) -> None:
        """Read everything in a thread, until it ends: unread output would in time block the program that prints it."""

        def read() -> None:
            while self.line(time.monotonic() + FOREVER_S) is not None:
                pass

        self._drain = threading.Thread(target=read, name="console", daemon=True)
        self._drain.start()

    def drained(self, limit_s: float) -> None:
        """Wait until `drain` has read the end, but no longer than this."""
        if self._drain:
            self._drain.join(limit_s)

    def finish(self, end_s: float) -> None:
        """End its standard input, wait for its end until a time of `time.monotonic()`, and end the connection."""
        with contextlib.suppress(OSError, TimeLimitError):
            self._socket.shutdown(socket.SHUT_WR)
            while self.line(end_s) is not None:
                pass
        self.close()

    def close(self) -> None:
        """End the connection, and with it the process's standard input; a thread that reads wakes up."""
        self.closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with self._reading:
            self.ended = True
            self._connection.close()


class NoConsole(Console):
    """Stands in for the streams of a task that another program started: nothing is read or written."""

    def __init__(self) -> None:
        self.last = deque()
        self._drain = None
        self.ended = self.closed = False

    def close(self) -> None:
        """Nothing is open."""
        self.closed = self.ended = True

    def write(self, data: bytes) -> None:
        """Nobody reads it."""

    def said(self, end_s: float, cancel: threading.Event | None = None) -> None:
        """None: nothing comes."""
