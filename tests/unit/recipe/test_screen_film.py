"""A film's frames, its size, and the way to the screen past the gate."""

from __future__ import annotations

import socket
import struct
from types import SimpleNamespace
from typing import Any, cast

import pytest

from recipe.screen_film import Reel, WebSocketStream, encoder, fitted


def test_as_many_frames_as_time_went_by() -> None:
    """Each tenth of a second has its frame, even if nobody looked for a while; the length is that of the task."""
    reel = Reel(10, 100.0)
    assert [reel.due(now) for now in (100.0, 100.05, 100.11, 100.5, 100.4)] == [1, 0, 1, 4, 0]
    assert reel.wait_s(100.55) == pytest.approx(0.05)
    assert reel.wait_s(109.0) == 0


@pytest.mark.parametrize(
    ("width", "height", "rows"),
    [
        (2, 2, ["ab", "cd"]),
        (1, 3, ["a", "c", "."]),
        (3, 1, ["ab."]),
    ],
)
def test_a_screen_of_another_size(width: int, height: int, rows: list[str]) -> None:
    """What is larger than the film is cut off, and what is smaller has black beside it."""
    pixels = b"".join(letter.encode() * 4 for letter in "abcd")
    screen = cast("Any", SimpleNamespace(width=2, height=2, pixels=bytearray(pixels)))
    frame = fitted(screen, width, height)
    assert frame == b"".join((b"\0" if letter == "." else letter.encode()) * 4 for letter in "".join(rows))


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_the_encoder(kind: str) -> None:
    """It writes whole pieces as they come: a key frame and a piece a second."""
    words = encoder(kind, 10, 3, 5)
    assert words[0] == "ffmpeg"
    assert words[words.index("-video_size") + 1] == "3x5"
    assert words[words.index("-g") + 1] == "10"
    assert words[-3:] == ["-f", kind, "pipe:1"]


def test_past_the_gate() -> None:
    """The secret is asked with, frames of any length are assembled, and ours are masked as clients' have to be."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n")
        stream = WebSocketStream(ours, "/websockify?token=x")
        asked = theirs.recv(4096)
        assert asked.startswith(b"GET /websockify?token=x HTTP/1.1\r\nHost: 127.0.0.1:6080\r\n")
        theirs.sendall(b"\x82\2ab" + b"\x82\x7e\0\3cde" + b"\x89\1p" + b"\x82\x7f" + struct.pack(">Q", 1) + b"f")
        assert (stream.take(1), stream.is_waiting, stream.take(5)) == (b"a", True, b"bcdef")
        stream.give(b"hello")
        stream.give(b"x" * 200)
        assert theirs.recv(4096) == b"\x82\x85\0\0\0\0hello" + b"\x82\xfe\0\xc8\0\0\0\0" + b"x" * 200
        theirs.sendall(b"\x88\0")
        with pytest.raises(EOFError):
            stream.take(1)


@pytest.mark.parametrize("said", [b"HTTP/1.1 403 Forbidden\r\n\r\n", b""])
def test_refused(said: bytes) -> None:
    """A gate that refuses is no screen."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(EOFError):
            WebSocketStream(ours, "/")
