"""A port of a task on a remote engine: what each connection starts, and what becomes of all of them."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake.bake.task.forward import Forward

if TYPE_CHECKING:
    from collections.abc import Iterator


class Listener:
    """What listens on a port that needs no network: who connects is put into it."""

    def __init__(self) -> None:
        self.waiting: Queue[socket.socket | None] = Queue()
        self.closed = False

    def getsockname(self) -> tuple[str, int]:
        """As of a socket."""
        return "127.0.0.1", 4321

    def accept(self) -> tuple[socket.socket, None]:
        """As of a socket; it ends once nobody listens any more."""
        made = self.waiting.get()
        if made is None:
            raise OSError(22, "Invalid argument")
        return made, None

    def shutdown(self, _how: int) -> None:
        """As of a socket."""
        self.waiting.put(None)

    def close(self) -> None:
        """As of a socket."""
        self.closed = True

    def connect(self) -> socket.socket:
        """Somebody connects."""
        ours, theirs = socket.socketpair()
        ours.settimeout(10)
        self.waiting.put(theirs)
        return ours


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    """What the forward listens on."""
    listener, places = Listener(), list[Any]()

    def create(place: tuple[str, int]) -> Listener:
        places.append(place)
        assert places == [("127.0.0.1", 0)]  # nobody else may reach it
        return listener

    monkeypatch.setattr(socket, "create_server", create)
    return listener


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[list[str], subprocess.Popen[bytes]]]]:
    """What was run; in place of the docker client a program that says again what it is told."""
    made: list[tuple[list[str], subprocess.Popen[bytes]]] = []
    popen = subprocess.Popen

    def start(words: list[str], **more: Any) -> subprocess.Popen[bytes]:
        made.append((words, popen(["cat"], **more)))
        return made[-1][1]

    monkeypatch.setattr(subprocess, "Popen", start)
    yield made
    for _, child in made:
        child.kill()
        child.wait()


def test_each_connection(listener: Listener, children: list[tuple[list[str], subprocess.Popen[bytes]]]) -> None:
    """Each connection has a client of its own, whose streams it is; the container and the port are words, not code."""
    forward = Forward("c0ffee", 6080)
    assert forward.local_port == 4321
    with listener.connect() as one, listener.connect() as two:
        for connection, said in ((one, b"1"), (two, b"2"), (one, b"3")):
            connection.sendall(said)
            assert connection.recv(9) == said
        assert len(children) == 2
        for words, _ in children:
            assert words[:4] == ["docker", "exec", "-i", "c0ffee"]
            assert words[-2:] == ["forward", "6080"]
    forward.close()


def test_the_end_of_one(listener: Listener, children: list[tuple[list[str], subprocess.Popen[bytes]]]) -> None:
    """Who hangs up ends its client, and nobody else's; a client that ends hangs up."""
    forward = Forward("c", 1)
    one, two = listener.connect(), listener.connect()
    with one, two:
        for connection in (one, two):
            connection.sendall(b"x")
            assert connection.recv(1) == b"x"
        one.close()
        assert children[0][1].wait(10) == 0
        assert children[1][1].poll() is None
        children[1][1].kill()
        assert two.recv(1) == b""
    forward.close()


def test_close(listener: Listener, children: list[tuple[list[str], subprocess.Popen[bytes]]]) -> None:
    """In the end nothing listens, and no client is left."""
    forward = Forward("c", 1)
    with listener.connect() as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        forward.close()
        assert children[0][1].poll() is not None
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""
    assert listener.closed
