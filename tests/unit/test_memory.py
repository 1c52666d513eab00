"""A hostile task does not exhaust the memory of its runner."""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, cast

from desktop_bake.bake.system.process import Child
from desktop_bake.bake.task.console import READY, Console
from tests.harness.memory import MB

if TYPE_CHECKING:
    from desktop_bake.bake.engine.connection import Connection


class Stream:
    """A connection to an engine whose process prints these frames."""

    def __init__(self, frames: list[bytes]) -> None:
        self.sock, self._theirs = socket.socketpair()
        threading.Thread(target=self._send, args=(frames,), daemon=True).start()

    def _send(self, frames: list[bytes]) -> None:
        with self._theirs:
            for frame in frames:
                self._theirs.sendall(frame)

    def close(self) -> None:
        """Close it."""
        self.sock.close()


def frame(content: bytes, length: int | None = None) -> bytes:
    """One of standard output's."""
    return b"\1\0\0\0" + (len(content) if length is None else length).to_bytes(4, "big") + content


def read_all(frames: list[bytes]) -> tuple[Console, int]:
    """A console that has read all of them, and the most memory that this took."""
    console = Console(cast("Connection", Stream(frames)))
    tracemalloc.start()
    try:
        while console.line(time.monotonic() + 60) is not None:
            pass
        return console, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        console.close()


def test_endless_lines_of_a_desktop() -> None:
    """Endless lines that look like the desktop's own are remembered only if somebody waits for them."""
    lines = [frame(b"".join(b"[desktop] %d %d%500d\n" % (n, i, 0) for i in range(100))) for n in range(160)]
    console, most = read_all([*lines[:80], frame(f"{READY}\n".encode()), *lines[80:]])
    assert most < 4 * MB
    assert console.until(READY, time.monotonic())


def test_endless_line() -> None:
    """A line without an end comes in pieces; of a frame that claims gigabytes no more is held than that, either."""
    piece = b"x" * MB
    for frames in ([frame(piece)] * 32, [frame(piece, 0xFFFFFFFF), *[piece] * 31]):
        console, most = read_all(frames)
        assert most < 16 * MB
        assert sum(map(len, console.last)) < MB


def test_endless_line_of_a_script() -> None:
    """The same of a child's, such as `docker exec`."""
    lines: list[int] = []
    with Child(["head", "-c", str(64 * MB), "/dev/zero"], draw=False) as child:
        tracemalloc.start()
        try:
            ended = child.follow(60, lambda line: lines.append(len(line)))
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (ended.status, sum(lines)) == (0, 64 * MB)
    assert most < 16 * MB
    assert sum(map(len, ended.lines)) < MB
