"""A long-running child process: its lines go to a log, it has a time limit, and it ends with us."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ...generator.errors import CancelledError, DesktopBakeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


_KEPT_LINES, _KEPT_OF_A_LINE, _LONGEST_LINE = 200, 10_000, 1 << 20
_KEPT_BYTES = 1 << 16
_PLAIN = b"\x1b[0m\x1b[?25h"  # no colour, and a cursor
_CANCEL_EVERY_S = 0.1
_LEASH = Path(__file__).with_name("leash.sh")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a child ended.

    Attributes:
        status: its exit status.
        lines: the last lines that it printed.
        timed_out: whether it was ended at its time limit.
    """

    status: int
    lines: tuple[str, ...]
    timed_out: bool


class Child:
    """A process in a separate session, so that one signal ends it and all that it started; it ends with us.

    Args:
        words: program and arguments.
        draw: whether it draws its progress on this process's standard error, a terminal, instead of writing to the log.
        cwd: its working directory.
        env: its environment; this process's environment if None.

    Raises:
        FileNotFoundError: there is no such program.
    """

    def __init__(
        self, words: Sequence[str], *, draw: bool, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self._draw = draw
        self._followed = False  # before that, it has no work to cancel
        if not shutil.which(words[0]):
            raise FileNotFoundError(words[0])
        self._output, theirs = _terminal() if draw else os.pipe()
        end, self._leash = os.pipe()
        try:
            self._process = subprocess.Popen(
                ["sh", "-c", _LEASH.read_text(encoding="utf-8"), f"/dev/fd/{end}", *words],
                cwd=cwd,
                env=env,
                start_new_session=True,
                pass_fds=(end,),
                stdin=subprocess.PIPE,
                stdout=theirs,
                stderr=theirs,
            )
        except BaseException:
            os.close(self._output)
            os.close(self._leash)
            raise
        finally:
            os.close(theirs)
            os.close(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        os.close(self._output)
        os.close(self._leash)

    def end(self) -> None:
        """End it: docker and buildx cancel their work in the engine on SIGINT, and on SIGKILL if that hangs."""
        polite = [(signal.SIGINT, 10)] if self._followed else []
        for number, patience_s in (*polite, (signal.SIGKILL, 10)):
            if self._process.poll() is None:
                with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(self._process.pid, number)
                    self._process.wait(patience_s)

    def follow(
        self, limit_s: float, log: Callable[[str], None], given: bytes = b"", hide: Callable[[str], str] = str
    ) -> Ended:
        """Wait for its end.

        Args:
            limit_s: seconds after which it is ended.
            log: gets each line that it prints, unless it draws.
            given: its standard input.
            hide: removes secrets from a line; drawn output goes to our terminal unchanged.
        """
        self._followed = True
        timed_out = threading.Event()

        def stop() -> None:
            timed_out.set()
            self.end()

        clock = threading.Timer(limit_s, stop)
        clock.daemon = True
        clock.start()
        try:
            if self._process.stdin:
                with contextlib.suppress(BrokenPipeError):  # it died at once; its status says so
                    self._process.stdin.write(given)
                    self._process.stdin.close()
            lines = tuple(map(hide, self._drawn())) if self._draw else self._logged(log, hide)
            status = self._process.wait()
        finally:
            clock.cancel()
        return Ended(status=status, lines=lines, timed_out=timed_out.is_set())

    def _logged(self, log: Callable[[str], None], hide: Callable[[str], str]) -> tuple[str, ...]:
        lines: list[str] = []
        with os.fdopen(os.dup(self._output), errors="replace") as output:
            for raw in iter(lambda: output.readline(_LONGEST_LINE), ""):  # a longer line comes in pieces
                line = hide(raw.rstrip())
                lines = [*lines[1 - _KEPT_LINES :], line[:_KEPT_OF_A_LINE]]
                log(line)
        return tuple(lines)

    def _drawn(self) -> tuple[str, ...]:
        """Pass what it draws to our terminal, and keep the end, which says why it failed."""
        kept = b""
        try:
            with contextlib.suppress(OSError):  # a terminal answers with EIO once its last user is gone
                while piece := os.read(self._output, 1 << 16):
                    os.write(sys.stderr.fileno(), piece)
                    kept = (kept + piece)[-_KEPT_BYTES:]
        except KeyboardInterrupt:  # perhaps in the middle of a picture, which hides the cursor
            os.write(sys.stderr.fileno(), _PLAIN)
            raise
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[78]", "", kept.decode(errors="replace"))
        return tuple(line.strip() for line in re.split(r"[\r\n]+", text) if line.strip())


@contextlib.contextmanager
def ended_by(cancel: threading.Event | None, end: Callable[[], None]) -> Iterator[None]:
    """Call `end`, such as `Child.end`, in a thread if `cancel` is set meanwhile.

    Raises:
        CancelledError: on leaving, if `cancel` was set, which explains any failure.
    """
    if cancel is None:
        yield
        return
    left = threading.Event()

    def watch() -> None:
        while not left.is_set():
            if cancel.wait(_CANCEL_EVERY_S):
                end()
                return

    watcher = threading.Thread(target=watch, name="cancel", daemon=True)
    watcher.start()
    try:
        yield
    except DesktopBakeError as error:
        if cancel.is_set():
            raise CancelledError("cancelled") from error
        raise
    finally:
        left.set()
        watcher.join()
    if cancel.is_set():
        raise CancelledError("cancelled")


def _terminal() -> tuple[int, int]:
    """A terminal of the same size as ours: our end, and the child's."""
    ours, theirs = pty.openpty()
    modes = termios.tcgetattr(theirs)
    modes[1] &= ~termios.OPOST  # our terminal adds the line ends
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    with contextlib.suppress(OSError):
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, fcntl.ioctl(sys.stderr.fileno(), termios.TIOCGWINSZ, b"\0" * 8))
    return ours, theirs
