"""A program on its own terminal, which is joined to ours, so that a log gets its output, too."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import queue
import select
import signal
import struct
import subprocess
import termios
import threading
import time
import tty
from typing import TYPE_CHECKING, Protocol

from ...generator.errors import DesktopBakeError
from ..engine.engine import no_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..task.console import Console


_PIECE_BYTES = 1 << 16
_SIZE = struct.pack("HHHH", 24, 80, 0, 0)  # lines and columns
_LAST_S = 2.0  # time for the log to receive the last output
_TO_THE_LOG = "exec cat >>/proc/1/fd/1"  # process 1 of a container has the pipes of its log


class _Container(Protocol):
    def execute(self, command: Sequence[str], *, stdin: bool) -> tuple[str, Console]:
        """See `Container.execute`."""


@contextlib.contextmanager
def logged(container: _Container) -> Iterator[Callable[[bytes], None]]:
    """A function that writes pieces to a container's log, through a command in it, in the background.

    If the container cannot take them, they are dropped.
    """
    pieces: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def write() -> None:
        with contextlib.suppress(DesktopBakeError):
            _, console = container.execute(["/bin/sh", "-c", _TO_THE_LOG], stdin=True)
            while piece := pieces.get():
                console.write(piece)
            console.finish(time.monotonic() + _LAST_S)

    thread = threading.Thread(target=write, name="log", daemon=True)
    thread.start()
    try:
        yield pieces.put
    finally:
        pieces.put(b"")
        thread.join(_LAST_S)


def run_on_terminal(words: Sequence[str], also: Callable[[bytes], None], limit_s: float | None = None) -> int:
    """Run a program on its own terminal; ours (standard input and output) is joined to it meanwhile.

    If standard input is not a terminal, nobody types; the output goes to standard output, whatever that is.

    Args:
        words: program and arguments.
        also: receives each piece of output.
        limit_s: limit in seconds; None for none.

    Returns:
        Its exit status.

    Raises:
        TimeoutExpired: it did not end in time.
        EngineError: it is not installed.
    """
    ours, theirs = os.openpty()
    _take_size(theirs)
    tty.setraw(theirs)  # else what is typed before the program is ready is shown twice
    try:
        child = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    except OSError as error:
        os.close(ours)
        raise no_client(error) from error
    finally:
        os.close(theirs)

    def resized(*_: object) -> None:
        _take_size(ours)
        child.send_signal(signal.SIGWINCH)

    before = termios.tcgetattr(0) if os.isatty(0) else None
    handler = signal.signal(signal.SIGWINCH, resized)
    try:
        if before:
            tty.setraw(0)
        _join(ours, also, None if limit_s is None else time.monotonic() + limit_s)
        if limit_s is not None and child.poll() is None and not select.select([ours], [], [], 0)[0]:
            raise subprocess.TimeoutExpired(words, limit_s)
        return child.wait()
    finally:
        if before:
            termios.tcsetattr(0, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, handler)
        child.kill()  # no effect if it has ended
        child.wait()
        os.close(ours)


def _take_size(terminal: int) -> None:
    """Give a terminal the size of ours; without one, the traditional size."""
    ours = next(filter(os.isatty, (0, 1, 2)), None)
    size = _SIZE if ours is None else fcntl.ioctl(ours, termios.TIOCGWINSZ, bytes(8))
    with contextlib.suppress(OSError):
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)


def _join(terminal: int, also: Callable[[bytes], None], end_s: float | None) -> None:
    """Pass on input and output until the program has left its terminal, or until the limit."""
    watched = [terminal, *[0] * os.isatty(0)]
    while end_s is None or time.monotonic() < end_s:
        left_s = None if end_s is None else max(0.0, end_s - time.monotonic())
        ready = select.select(watched, [], [], left_s)[0]
        if terminal in ready:
            piece = _read(terminal)
            if not piece:
                return
            _write(1, piece)
            also(piece)
        if 0 in ready:
            typed = _read(0)
            if typed:
                _write(terminal, typed)
            else:
                watched.remove(0)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, _PIECE_BYTES)
    except OSError as error:
        if error.errno != errno.EIO:  # EIO: nobody has the other end any more
            raise
        return b""


def _write(terminal: int, piece: bytes) -> None:
    while piece:
        piece = piece[os.write(terminal, piece) :]
