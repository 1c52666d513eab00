"""A process's streams as lines: whatever pieces they come in, whichever stream they are of, and how they end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as some

from desktop_bake import CancelledError, TimeLimitError
from desktop_bake.bake.task import console as module
from desktop_bake.bake.task.console import INSTALLED, LISTENS, READY, Console
from tests.harness.every import every

if TYPE_CHECKING:
    from desktop_bake.bake.engine.connection import Connection

FAR_S = 30.0


class Stream:
    """A connection whose other end a test holds."""

    def __init__(self) -> None:
        self.sock, self.theirs = socket.socketpair()

    def close(self) -> None:
        """Close it."""
        self.sock.close()


@pytest.fixture
def stream() -> Iterator[Stream]:
    """A connection."""
    made = Stream()
    yield made
    made.close()
    made.theirs.close()


def frame(content: bytes, stream: int = 1) -> bytes:
    """Some bytes of a stream."""
    return bytes([stream, 0, 0, 0]) + len(content).to_bytes(4, "big") + content


def lines_of(pieces: list[bytes]) -> list[str]:
    """The lines read from these pieces, which arrive one at a time."""
    stream = Stream()
    console = Console(cast("Connection", stream))
    found = []
    for piece in pieces:
        stream.theirs.sendall(piece)
        while True:
            try:
                found.append(console.line(time.monotonic()))
            except TimeLimitError:
                if not _waiting(stream.sock):
                    break
                console._receive(0)  # noqa: SLF001  (the limit is over before the first look)
    stream.theirs.close()
    while (line := console.line(time.monotonic() + FAR_S)) is not None:
        found.append(line)
    console.close()
    return [line for line in found if line is not None]


def _waiting(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        sock.setblocking(True)


@every(
    ("sent", "wanted"),
    [
        (b"", []),
        (frame(b"a\nb\n"), ["a", "b"]),
        (frame(b"a\nb"), ["a", "b"]),
        (frame(b"a") + frame(b"x\n", 2) + frame(b"b\n"), ["x", "ab"]),
        (frame(b"a\r\n"), ["a"]),
        (frame(b"\n\n"), ["", ""]),
        (frame(b"") + frame(b"a\n"), ["a"]),
        (frame("ä".encode()[:1]) + frame("ä".encode()[1:] + b"\n"), ["ä"]),
        (frame(b"\xff\n"), ["\ufffd"]),
        (frame(b"a\nlost")[:-4], ["a"]),
        (frame(b"a\n") + b"\1\0\0", ["a"]),
    ],
)
def test_frames(sent: bytes, wanted: list[str]) -> None:
    """Lines are assembled from the frames of their own stream, and the last needs no end, however they are cut."""
    assert lines_of([sent]) == wanted
    assert lines_of([bytes([byte]) for byte in sent]) == wanted


@given(
    texts=some.lists(some.tuples(some.sampled_from([1, 2]), some.text("ab\n", max_size=6)), max_size=6),
    cut=some.integers(1, 9),
)
def test_the_law_of_pieces(texts: list[tuple[int, str]], cut: int) -> None:
    """Each stream's lines are those of its text, in whatever frames and pieces it comes."""
    sent = b"".join(frame(text.encode(), stream) for stream, text in texts)
    found = lines_of([sent[i : i + cut] for i in range(0, len(sent), cut)])
    wanted = []
    for number in (1, 2):
        text = "".join(t for stream, t in texts if stream == number)
        wanted += text.removesuffix("\n").split("\n") if text else []
    assert sorted(found) == sorted(wanted)


def test_a_long_line_comes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line without an end is given up in pieces, of which nothing is lost."""
    monkeypatch.setattr(module, "_LONGEST_LINE_BYTES", 10)
    found = lines_of([frame(b"x" * 8), frame(b"x" * 8), frame(b"x" * 8 + b"\n")])
    assert found == ["x" * 16, "x" * 8]


@pytest.mark.parametrize("limit", ["time", "cancel"])
def test_nothing_comes(stream: Stream, limit: str) -> None:
    """A waiting process gives up at the limit, and at once if it is cancelled; what comes later can still be read."""
    console, cancel = Console(cast("Connection", stream)), threading.Event()
    began = time.monotonic()
    if limit == "time":
        with pytest.raises(TimeLimitError):
            console.line(began + 0.05, cancel)
    else:
        threading.Timer(0.05, cancel.set).start()
        with pytest.raises(CancelledError):
            console.line(began + FAR_S, cancel)
    assert 0.04 < time.monotonic() - began < FAR_S / 2
    stream.theirs.sendall(frame(b"late\n"))
    assert console.line(time.monotonic() + FAR_S) == "late"
    assert not console.ended


@pytest.mark.parametrize(
    ("printed", "wanted", "found"),
    [
        (f"a\n{READY}\n", READY, True),
        (f"half a line of another{READY}\n", READY, True),
        (f"{READY}, or so it says\n", READY, False),
        (f"{LISTENS}\n", READY, False),
        ("[desktop] [desktop] ready\n", READY, True),
        ("", INSTALLED, False),
    ],
)
def test_until(stream: Stream, printed: str, wanted: str, found: bool) -> None:
    """The desktop's own line is waited for, whole and at the end of a line; without it, until the process ends."""
    stream.theirs.sendall(frame(printed.encode()))
    stream.theirs.close()
    assert Console(cast("Connection", stream)).until(wanted, time.monotonic() + FAR_S) is found


def test_until_what_has_come(stream: Stream) -> None:
    """A line that was read before is not waited for."""
    console = Console(cast("Connection", stream))
    stream.theirs.sendall(frame(f"{LISTENS}\n{READY}\n".encode()))
    assert console.until(READY, time.monotonic() + FAR_S)
    assert console.until(LISTENS, time.monotonic())


def test_the_last_lines(stream: Stream) -> None:
    """The last lines are kept for a message, each up to a length."""
    console = Console(cast("Connection", stream))
    stream.theirs.sendall(frame(b"".join(b"%d\n" % i for i in range(30)) + b"x" * 3000 + b"\n"))
    stream.theirs.close()
    while console.line(time.monotonic() + FAR_S) is not None:
        pass
    assert list(console.last) == [*map(str, range(11, 30)), "x" * 2000]


def test_write(stream: Stream) -> None:
    """Input reaches the process; only reading, not an error, shows that a process has ended."""
    console = Console(cast("Connection", stream))
    console.write(b"secret\n")
    assert stream.theirs.recv(100) == b"secret\n"
    stream.theirs.close()
    for _ in range(2):
        console.write(b"more")
    assert console.line(time.monotonic() + FAR_S) is None


def test_drain(stream: Stream) -> None:
    """Unwanted output is still read, however much there is, so that its program goes on."""
    console = Console(cast("Connection", stream))
    console.drain()
    stream.theirs.settimeout(60)
    stream.theirs.sendall(frame(b"x" * 79 + b"\n") * 30_000)
    console.close()
    assert console.ended


def test_finish(stream: Stream) -> None:
    """Its standard input ends, and it has until a limit to end itself; then the connection is closed."""
    console = Console(cast("Connection", stream))
    stream.theirs.sendall(frame(b"last\n"))
    stream.theirs.shutdown(socket.SHUT_WR)
    console.finish(time.monotonic() + 60)
    assert stream.theirs.recv(1) == b""
    assert (list(console.last), console.closed, console.ended) == (["last"], True, True)


def test_fileno(stream: Stream) -> None:
    """A program that takes over gets the connection itself."""
    assert Console(cast("Connection", stream)).fileno() == stream.sock.fileno()


def test_close_wakes_who_reads(stream: Stream) -> None:
    """A thread that waits for a line gets the end as soon as another closes."""
    console = Console(cast("Connection", stream))
    found: list[str | None] = ["nothing"]

    def read() -> None:
        found[0] = console.line(time.monotonic() + FAR_S)

    thread = threading.Thread(target=read)
    thread.start()
    time.sleep(0.02)
    console.close()
    thread.join(FAR_S)
    assert (found[0], console.ended, console.closed) == (None, True, True)
    assert stream.theirs.recv(1) == b""


def test_what_is_written_is_read_before_we_go_on(stream: Stream) -> None:
    """`flush` returns once the other end has read everything: only then may our program be killed."""
    console = Console(cast("Connection", stream))
    console.write(b"go\n")
    waiting = threading.Thread(target=console.flush)
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    assert stream.theirs.recv(10) == b"go\n"
    waiting.join(FAR_S)
    assert not waiting.is_alive()


@pytest.mark.parametrize("closed", [False, True])
def test_nobody_reads(stream: Stream, monkeypatch: pytest.MonkeyPatch, closed: bool) -> None:
    """If nobody reads it, or the connection is closed, `flush` gives up."""
    monkeypatch.setattr(module, "_FLUSH_S", 0.01)
    console = Console(cast("Connection", stream))
    console.write(b"go\n")
    if closed:
        stream.sock.close()
    console.flush()
    assert stream.theirs.recv(10) == b"go\n"
