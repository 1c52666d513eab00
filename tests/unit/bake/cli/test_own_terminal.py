"""A program on its own terminal: what it sees, what is handed on, and who else gets it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest

from desktop_bake import EngineError, TaskError
from desktop_bake.bake.cli.own_terminal import logged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

JOINED = """
import subprocess, sys
from pathlib import Path
from desktop_bake import DesktopBakeError
from desktop_bake.bake.cli.own_terminal import run_on_terminal
got = []
try:
    status = run_on_terminal(sys.argv[3:], got.append, float(sys.argv[2]))
except (subprocess.TimeoutExpired, DesktopBakeError) as error:
    status, got = 99, [type(error).__name__.encode()]
Path(sys.argv[1]).write_bytes(b"".join(got))
sys.exit(status)
"""


class Terminal:
    """A terminal with somebody at it.

    Attributes:
        shown: what it has shown.
    """

    def __init__(self) -> None:
        self.ours, self.theirs = os.openpty()
        self.shown = b""

    def resize(self, rows: int, columns: int) -> None:
        """Give it another size."""
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, text: bytes) -> None:
        """Read until it has shown this."""
        while text not in self.shown:
            self.shown += os.read(self.ours, 1000)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A terminal."""
    made = Terminal()
    yield made
    for end in (made.ours, made.theirs):
        with contextlib.suppress(OSError):
            os.close(end)


def joined(terminal: Terminal, copy: Path, words: Sequence[str], limit_s: float = 60) -> subprocess.Popen[bytes]:
    """A process that runs this on its own terminal, joined to this one, and copies what is printed to a file."""
    command = [sys.executable, "-c", JOINED, str(copy), str(limit_s), *words]
    return subprocess.Popen(command, stdin=terminal.theirs, stdout=terminal.theirs)


def test_joined(terminal: Terminal, tmp_path: Path) -> None:
    """It has our size, also once that changes; what is typed reaches it, what it prints is shown and copied, each byte;
    our terminal is as it was afterwards."""
    terminal.resize(30, 100)
    before = termios.tcgetattr(terminal.theirs)
    script = 'stty size; read a; stty size; read b; printf "\\001%s %s\\n" "$a" "$b"; exit 3'
    process = joined(terminal, tmp_path / "copy", ["sh", "-c", script])
    terminal.until(b"30 100")
    terminal.resize(40, 120)
    process.send_signal(signal.SIGWINCH)
    os.write(terminal.ours, b"one\n")
    terminal.until(b"40 120")
    os.write(terminal.ours, b"two\n")
    terminal.until(b"\1one two")
    assert process.wait(60) == 3
    assert termios.tcgetattr(terminal.theirs) == before
    os.set_blocking(terminal.ours, False)
    with contextlib.suppress(BlockingIOError):
        terminal.until(b"never")
    assert (tmp_path / "copy").read_bytes() == terminal.shown


def test_nobody_types(tmp_path: Path) -> None:
    """Without a terminal here the program has one all the same, of the usual size, and what it prints is handed on."""
    command = [sys.executable, "-c", JOINED, str(tmp_path / "copy"), "60", "sh", "-c", "test -t 0 && stty size; exit 3"]
    done = subprocess.run(command, input=b"not typed", capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"24 80\n", b"")
    assert (tmp_path / "copy").read_bytes() == done.stdout


@pytest.mark.parametrize(
    ("words", "said"), [(["sleep", "60"], b"TimeoutExpired"), (["no-such-program"], b"EngineError")]
)
def test_no_end_and_no_beginning(terminal: Terminal, tmp_path: Path, words: list[str], said: bytes) -> None:
    """A program that does not end in time, or does not exist, is an error; the terminal is as it was."""
    before = termios.tcgetattr(terminal.theirs)
    assert joined(terminal, tmp_path / "copy", words, 0.3).wait(60) == 99
    assert (tmp_path / "copy").read_bytes() == said
    assert termios.tcgetattr(terminal.theirs) == before


class Container:
    """A container whose log is kept.

    Attributes:
        log: what was written there, in pieces; None at the end.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.log: list[bytes | None] = []
        self._error = error

    def execute(self, command: Sequence[str], *, stdin: bool) -> tuple[str, Container]:
        """As `Container.execute`."""
        assert stdin
        assert "/proc/1/fd/1" in command[-1]
        if self._error:
            raise self._error
        return "", self

    def write(self, piece: bytes) -> None:
        """As `Console.write`."""
        self.log.append(piece)

    def finish(self, _end: float) -> None:
        """As `Console.finish`."""
        self.log.append(None)


@pytest.mark.parametrize(
    ("error", "log"), [(None, [b"one", b"two", None]), (TaskError("refused"), []), (EngineError("gone"), [])]
)
def test_the_log(error: Exception | None, log: list[bytes | None]) -> None:
    """A container's log gets the pieces in order, and all of them before we go on; one that refuses goes without."""
    container = Container(error)
    with logged(container) as put:  # type: ignore[arg-type]
        put(b"one")
        put(b"two")
    assert container.log == log
