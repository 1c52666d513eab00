"""Which windows there are and when one closes, as an X server reports it."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import pytest

from recipe.screen_windows import Windows

if TYPE_CHECKING:
    from collections.abc import Iterator

ATOM, ROOT = 300, 0x50
VENDOR = b"ACME X"
SETUP = bytes(16) + struct.pack("<H", len(VENDOR)) + bytes(3) + b"\2" + bytes(10) + VENDOR + b"\0\0" + bytes(16)
SETUP += struct.pack("<I", ROOT)
COOKIE = b"0123456789abcdef"


def welcome() -> bytes:
    """What a server says first."""
    return b"\1" + bytes(5) + struct.pack("<H", len(SETUP) // 4) + SETUP


def atom() -> bytes:
    """The answer to the name of the list."""
    return b"\1" + bytes(7) + struct.pack("<I", ATOM) + bytes(20)


def listed(*windows: int) -> bytes:
    """The answer to the question for the list."""
    head = b"\1\x20" + bytes(2) + struct.pack("<III", len(windows), 33, 0) + struct.pack("<I", len(windows)) + bytes(12)
    return head + struct.pack(f"<{len(windows)}I", *windows)


def unmapped(window: int) -> bytes:
    """A window is no longer to be seen."""
    return b"\x12" + bytes(3) + struct.pack("<II", window, window) + bytes(20)


def changed(name: int) -> bytes:
    """A property of the root has changed."""
    return b"\x1c" + bytes(3) + struct.pack("<II", ROOT, name) + bytes(20)


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """The server's end; what it says is written before it is asked."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server.ours = ours  # type: ignore[attr-defined]
        yield theirs


def client() -> Windows:
    """The client of that server."""
    return Windows(server.ours, COOKIE)  # type: ignore[attr-defined]


def test_the_windows(server: socket.socket) -> None:
    """It shows the cookie, asks for the window manager's list, and listens to each window of it."""
    server.sendall(welcome() + atom() + changed(9) + listed(7, 8))
    windows = client()
    assert windows.open == {7, 8}
    heard = server.recv(4096)
    assert heard.startswith(b"l\0\x0b\0\0\0\x12\0\x10\0\0\0MIT-MAGIC-COOKIE-1\0\0" + COOKIE)
    for window, what in ((ROOT, 1 << 22), (7, 1 << 17), (8, 1 << 17)):
        assert struct.pack("<BxHIII", 2, 4, window, 1 << 11, what) in heard
    assert not windows.closing(0)


def test_one_closes(server: socket.socket) -> None:
    """A window of the list that is no longer to be seen closes; a menu, or another property, does not."""
    server.sendall(welcome() + atom() + listed(7))
    windows = client()
    server.sendall(unmapped(99) + changed(9))
    assert not windows.closing(0)
    server.sendall(unmapped(7))
    assert windows.closing(0)
    assert not windows.closing(0)


def test_the_list_changes(server: socket.socket) -> None:
    """Another list is read, its new windows are listened to, and what comes before the answer is not lost."""
    server.sendall(welcome() + atom() + listed())
    windows = client()
    server.sendall(changed(ATOM) + listed(8))
    assert not windows.closing(0)
    assert windows.open == {8}
    server.sendall(changed(ATOM) + bytes(32) + unmapped(8) + listed())
    assert windows.closing(0)
    assert windows.open == set()


@pytest.mark.parametrize("said", [b"\0" + bytes(5) + b"\2\0" + bytes(60), b""])
def test_no_display(server: socket.socket, said: bytes) -> None:
    """A server that refuses the cookie, or is gone, is an error."""
    server.sendall(said)
    server.shutdown(socket.SHUT_WR)
    with pytest.raises((OSError, EOFError)):
        client()
