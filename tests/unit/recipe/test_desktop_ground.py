"""The desktop's ground: what is said to X, and that X may refuse it or be gone."""

from __future__ import annotations

import ast
import socket
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from recipe import desktop_ground
from recipe.desktop_ground import Display, paint, painted, request

if TYPE_CHECKING:
    import _socket
    from collections.abc import Iterator

COOKIE = bytes(range(16))
ROOT, COLOURS, OWN, PIXEL, DEPTH = 0x123, 0x20, 0x400000, 0x2E4057, 24
MAKER = b"The maker of X"
HELLO = b"l\0\x0b\0\0\0\x12\0\x10\0\0\0MIT-MAGIC-COOKIE-1\0\0" + COOKIE
ANSWERS = {
    84: struct.pack("<8xHHHxxI12x", 0, 0, 0, PIXEL),
    16: struct.pack("<8xI20x", 0x55),
    43: bytes(32),
}


def about() -> bytes:
    """What a server says of itself (X Window System Protocol, appendix B, "Connection Setup")."""
    screen = struct.pack("<IIIII HHHHHH I BBBB", ROOT, COLOURS, 0, 0, 0, 1280, 800, 1, 1, 1, 1, 7, 0, 0, DEPTH, 0)
    head = struct.pack("<IIIIHHBBBBBBBB4x", 1, OWN, 0x1FFFFF, 0, len(MAKER), 65535, 1, 2, 0, 0, 32, 32, 8, 255)
    body = head + MAKER + bytes(-len(MAKER) % 4) + bytes(16) + screen
    return struct.pack("<BxHHH", 1, 11, 0, len(body) // 4) + body


class Server:
    """An X server for one connection.

    Args:
        refuses: whether it lets nobody in.
        fails_at: the request that it answers with an error.

    Attributes:
        ours: the client's end.
        hello: what the client began with.
        asked: the requests, by kind, detail and what follows the length.
    """

    def __init__(self, *, refuses: bool = False, fails_at: int = 0) -> None:
        self.ours, self._theirs = socket.socketpair()
        self.hello = b""
        self.asked: list[tuple[int, int, bytes]] = []
        self._refuses, self._fails_at = refuses, fails_at
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._theirs, self._theirs.makefile("rb") as stream:
            self.hello = stream.read(len(HELLO))
            if self._refuses:
                self._theirs.sendall(b"\0\2\x0b\0\0\0\1\0No!\0")
            if self._refuses or not self.hello:
                return
            for byte in about():  # in pieces of any size
                self._theirs.sendall(bytes([byte]))
            while head := stream.read(4):
                kind, detail, size = struct.unpack("<BBH", head)
                self.asked.append((kind, detail, stream.read(size * 4 - 4)))
                if kind == self._fails_at:
                    self._theirs.sendall(bytes(32))
                elif kind in ANSWERS:
                    self._theirs.sendall(bytes([12]) + bytes(31) + b"\1" + ANSWERS[kind][1:])  # after an event

    def end(self) -> None:
        """Hang up."""
        self.ours.close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that lets us in."""
    server = Server()
    yield server
    server.end()


def test_paint(server: Server) -> None:
    """One pixel of the colour becomes the root window's tile, and programs find it by its properties."""
    paint(Display(cast("_socket.socket", server.ours), COOKIE))
    server.end()
    assert server.hello == HELLO
    words = {kind: struct.unpack(f"<{len(body) // 4}I", body) for kind, _, body in server.asked if kind != 16}
    assert server.asked[0] == (84, 0, struct.pack("<IHHHH", COLOURS, 0x2E2E, 0x4040, 0x5757, 0))
    assert server.asked[1] == (53, DEPTH, struct.pack("<IIHH", OWN, ROOT, 1, 1))
    assert words[55] == (OWN + 1, OWN, 4, PIXEL)
    assert words[70][:2] == (OWN, OWN + 1)
    assert words[2] == (ROOT, 1, OWN)
    assert words[61] == (ROOT, 0, 0)
    assert words[18] == (ROOT, 0x55, 20, 32, 1, OWN)
    names = [body[4 : 4 + body[0]] for kind, _, body in server.asked if kind == 16]
    assert names == [b"_XROOTPMAP_ID", b"ESETROOT_PMAP_ID"]
    assert server.asked[-1] == (43, 0, b"")


def test_request() -> None:
    """A request has its length in units of four bytes."""
    assert request(16, 1, b"abcde") == b"\x10\1\3\0abcde\0\0\0"
    assert request(2, 0, 1, b"\2\0\0\0") == b"\2\0\3\0\1\0\0\0\2\0\0\0"


@pytest.fixture
def cookie(tmp_path: Path) -> str:
    """A file as desktop_run.sh writes it."""
    (tmp_path / "cookie").write_bytes(b"\xff\xff\0\0\0\0\0\x12MIT-MAGIC-COOKIE-1\0\x10" + COOKIE)
    return str(tmp_path / "cookie")


class Socket:
    """A socket of the client's, which reaches a server at the last of some tries.

    Args:
        server: the server.
        tries: how many tries.
    """

    def __init__(self, server: Server, tries: int = 1) -> None:
        self._server = server
        self.tries = tries
        self.is_closed = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._server.ours, name)

    def connect(self, path: str) -> None:
        """As a socket does."""
        assert path == "/tmp/.X11-unix/X7"
        self.tries -= 1
        if self.tries:
            raise FileNotFoundError

    def close(self) -> None:
        """As a socket does."""
        self.is_closed = True


def test_x_that_is_starting(monkeypatch: pytest.MonkeyPatch, server: Server, cookie: str) -> None:
    """Its socket is waited for; the connection is kept."""
    ours = Socket(server, 3)
    monkeypatch.setattr("recipe.desktop_ground._socket.socket", lambda *_: ours)
    assert cast("object", painted("7", cookie)) is ours
    assert ours.tries == 0


@pytest.mark.parametrize("server_of", [{"refuses": True}, {"fails_at": 84}, {"fails_at": 16}])
def test_x_that_refuses(monkeypatch: pytest.MonkeyPatch, server_of: dict[str, int], cookie: str) -> None:
    """A ground that cannot be painted stays as it is."""
    server = Server(refuses=bool(server_of.get("refuses")), fails_at=server_of.get("fails_at", 0))
    ours = Socket(server)
    monkeypatch.setattr("recipe.desktop_ground._socket.socket", lambda *_: ours)
    assert painted("7", cookie) is None
    server.end()
    assert ours.is_closed


def test_no_x(monkeypatch: pytest.MonkeyPatch, server: Server, cookie: str) -> None:
    """A display that does not come is not waited for for ever; without a cookie nobody gets in."""
    monkeypatch.setattr("recipe.desktop_ground._socket.socket", lambda *_: Socket(server, 1000))
    monkeypatch.setattr(desktop_ground, "PATIENCE_S", 0.02)
    assert painted("7", cookie) is None
    monkeypatch.setattr("recipe.desktop_ground._socket.socket", lambda *_: Socket(server))
    assert painted("7", f"{cookie}s") is None


def test_an_old_python() -> None:
    """Python 3.6 reads it."""
    ast.parse(Path(desktop_ground.__file__).read_bytes(), feature_version=(3, 6))
