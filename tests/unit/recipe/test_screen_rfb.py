"""A viewer of a screen, as servers speak to it; without a socket."""

from __future__ import annotations

import socket
import struct

import pytest

from recipe.screen_resize import resize
from recipe.screen_rfb import Screen, SocketStream

SERVER = b"RFB 003.008\n" + b"\1\1" + bytes(4) + struct.pack(">HH16xI", 4, 3, 2) + b"it"
RED, BLUE = b"\xff\0\0\0", b"\0\0\xff\0"


class Scripted:
    """A server that says what it was told to say, whatever it hears.

    Attributes:
        said: what it is going to say.
        heard: what it was told.
    """

    def __init__(self, *messages: bytes) -> None:
        self.said = SERVER + b"".join(messages)
        self.heard = b""

    def take(self, count: int) -> bytes:
        """So many bytes."""
        if len(self.said) < count:
            raise EOFError
        data, self.said = self.said[:count], self.said[count:]
        return data

    def give(self, data: bytes) -> None:
        """Hear these."""
        self.heard += data


def update(*areas: tuple[tuple[int, ...], int, bytes]) -> bytes:
    """A server's message of changes: area, encoding, content."""
    head = struct.pack(">BxH", 0, len(areas))
    return head + b"".join(struct.pack(">HHHHi", *area, encoding) + data for area, encoding, data in areas)


def sized(width: int, height: int, asked_by: int = 0, status: int = 0) -> tuple[tuple[int, ...], int, bytes]:
    """An area that shows the screen's size and layout."""
    layout = b"\1\0\0\0" + struct.pack(">IHHHHI", 7, 0, 0, width, height, 9)
    return (asked_by, status, width, height), -308, layout


def rows(screen: Screen) -> list[str]:
    """The picture in letters."""
    names = {bytes(4): ".", RED: "r", BLUE: "b"}
    cells = [names[bytes(screen.pixels[at : at + 4])] for at in range(0, len(screen.pixels), 4)]
    return ["".join(cells[at : at + screen.width]) for at in range(0, len(cells), screen.width)]


def test_greets() -> None:
    """It wants no password, shares the screen, says which pixels it takes, and asks for all that is to be seen."""
    server = Scripted()
    screen = Screen(server)
    assert (screen.width, screen.height, rows(screen)) == (4, 3, ["....", "....", "...."])
    assert server.heard.startswith(b"RFB 003.008\n\1\1\0\0\0\0 \x18\0\1\0\xff\0\xff\0\xff\0\x08\x10\0\0\0")
    assert server.heard.endswith(struct.pack(">BBHHHH", 3, 0, 0, 0, 4, 3))


def test_a_server_that_refuses() -> None:
    """A server that lets nobody in has ended for us."""
    server = Scripted()
    server.said = b"RFB 003.008\n\1\1\0\0\0\1"
    with pytest.raises(EOFError):
        Screen(server)


def test_changes() -> None:
    """A part, whole rows, and a part that moves over itself are put where they belong; the rest is passed over."""
    server = Scripted(
        b"\2" + b"\3\0\0\0" + struct.pack(">i", 5) + b"hello" + b"\1\0\0\0\0\2" + bytes(12),
        update(((1, 1, 2, 2), 0, RED * 2 + BLUE * 2), ((0, 0, 4, 1), 0, BLUE * 4)),
        update(((2, 1, 2, 2), 1, struct.pack(">HH", 1, 1))),
    )
    screen = Screen(server)
    assert [screen.read() for _ in range(3)] == [-1, -1, -1]
    assert screen.read() == 4 * 8
    assert rows(screen) == ["bbbb", ".rr.", ".bb."]
    assert screen.read() == 4 * 4
    assert rows(screen) == ["bbbb", ".rrr", ".bbb"]
    with pytest.raises(EOFError):
        screen.read()


@pytest.mark.parametrize("area", [sized(2, 4), ((0, 0, 2, 4), -223, b"")])
def test_another_size(area: tuple[tuple[int, ...], int, bytes]) -> None:
    """What was to be seen stays, as far as there is room for it."""
    screen = Screen(Scripted(update(((0, 0, 4, 3), 0, RED * 12)), update(area)))
    screen.read()
    screen.read()
    assert rows(screen) == ["rr", "rr", "rr", ".."]


@pytest.mark.parametrize(
    "wrong",
    [
        update(((3, 0, 2, 1), 0, RED * 2)),
        update(((0, 3, 4, 1), 0, RED * 4)),
        update(((0, 0, 1, 1), 5, b"")),
        b"\x09",
    ],
)
def test_wrong(wrong: bytes) -> None:
    """A server that says what none says has ended for us."""
    screen = Screen(Scripted(wrong))
    with pytest.raises(EOFError):
        screen.read()


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([update(sized(4, 3)), update(sized(9, 8, 1))], ""),
        ([update(sized(4, 3)), b"\2", update(sized(9, 8))], ""),
        ([update(sized(9, 8))], ""),
        ([update(sized(4, 3)), update(sized(4, 3, 1, 3))], "the size is none that Xvnc takes"),
        ([update(sized(4, 3)), update(sized(4, 3, 1, 9))], "Xvnc says 9"),
    ],
)
def test_resize(answers: list[bytes], why: str) -> None:
    """A size is requested by the layout that the server told, and its answer is waited for."""
    server = Scripted(*answers)
    assert resize(Screen(server), 9, 8) == why
    asked = struct.pack(">BxHHBxIHHHHI", 251, 9, 8, 1, 7, 0, 0, 9, 8, 9)
    assert (asked in server.heard) == (len(answers) > 1)


def test_a_connection_in_pieces() -> None:
    """However the bytes come, this many are taken; and no more once it has ended."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = SocketStream(ours)
        theirs.sendall(b"abc")
        assert (stream.take(1), stream.take(2)) == (b"a", b"bc")
        stream.give(b"d")
        assert theirs.recv(9) == b"d"
        theirs.close()
        with pytest.raises(EOFError):
            stream.take(1)
