"""A port of a task on a remote engine: what each connection starts, and what becomes of all of them."""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import subprocess
import threading
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import TaskError
from desktop_bake.bake.task.forward import Forward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Listener:
    """A listener without a network: the test puts connections into it."""

    def __init__(self) -> None:
        self.waiting: Queue[socket.socket | None] = Queue()
        self.closed = threading.Event()

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
        self.closed.set()

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


class Children:
    """What was run; in place of the docker client a program that says again what it is told.

    Attributes:
        words: what each was called with.
        before: called before one is started.
    """

    def __init__(self, popen: Callable[..., subprocess.Popen[bytes]]) -> None:
        self.words: list[list[str]] = []
        self.before: Callable[[], object] = lambda: None
        self.started: list[subprocess.Popen[bytes]] = []
        self._popen = popen
        self._untold: Queue[subprocess.Popen[bytes]] = Queue()

    def __call__(self, words: list[str], **more: Any) -> subprocess.Popen[bytes]:
        """As `subprocess.Popen`."""
        self.before()
        self.words.append(words)
        self.started.append(self._popen(["cat"], **more))
        self._untold.put(self.started[-1])
        return self.started[-1]

    def next(self) -> subprocess.Popen[bytes]:
        """The next that is started: it may answer before whoever starts it knows of it."""
        return self._untold.get(timeout=10)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[Children]:
    """What each connection starts."""
    children = Children(subprocess.Popen)
    monkeypatch.setattr(subprocess, "Popen", children)
    yield children
    for child in children.started:
        child.kill()
        child.wait()


def test_each_connection(listener: Listener, children: Children) -> None:
    """Each connection has its own client, whose streams it is; the container and the port are words, not code."""
    forward = Forward("c0ffee", 6080)
    assert forward.local_port == 4321
    with listener.connect() as one, listener.connect() as two:
        for connection, said in ((one, b"1"), (two, b"2"), (one, b"3")):
            connection.sendall(said)
            assert connection.recv(9) == said
    forward.close()
    assert len(children.words) == 2
    for words in children.words:
        assert words[:4] == ["docker", "exec", "-i", "c0ffee"]
        assert words[-2:] == ["forward", "6080"]


def test_a_fixed_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that is asked for is listened on; one that another program has is reported in a line."""

    def create(place: tuple[str, int]) -> object:
        raise OSError(errno.EADDRINUSE, f"{place}")

    monkeypatch.setattr(socket, "create_server", create)
    with pytest.raises(TaskError, match=r"^port 127\.0\.0\.1:6081 is in use$"):
        Forward("c", 1, 6081)


def test_the_end_of_one(listener: Listener, children: Children) -> None:
    """A client that hangs up ends its docker client, and no other; a docker client that ends hangs up."""
    forward = Forward("c", 1)
    one, two = listener.connect(), listener.connect()
    with one, two:
        first, second = children.next(), children.next()
        one.close()
        assert first.wait(10) == 0
        assert second.poll() is None
        second.kill()
        assert two.recv(1) == b""
    forward.close()


def test_close(listener: Listener, children: Children) -> None:
    """In the end nothing listens, and no client is left."""
    forward = Forward("c", 1)
    with listener.connect() as connection:
        child = children.next()
        forward.close()
        assert child.poll() is not None
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""
    assert listener.closed.is_set()


def test_close_after_an_interrupt(listener: Listener, children: Children) -> None:
    """A client that was started while we ignored signals, as we do once we are interrupted, is ended, too."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    forward = Forward("c", 1)
    with listener.connect():
        child = children.next()
        forward.close()
        assert child.poll() is not None


def test_close_while_one_starts(listener: Listener, children: Children) -> None:
    """A client that is being started when all ends is ended with the others."""
    starting = threading.Event()

    def wait() -> None:
        starting.set()
        assert listener.closed.wait(10)

    children.before = wait
    forward = Forward("c", 1)
    with listener.connect():
        assert starting.wait(10)
        forward.close()
        assert children.next().poll() is not None


def test_a_connection_at_the_end(listener: Listener, children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection made just before the end, without a client yet, gets none."""
    ended, accept = threading.Event(), listener.accept

    def accept_late() -> tuple[socket.socket, None]:
        made = accept()
        assert ended.wait(10)
        return made

    monkeypatch.setattr(listener, "accept", accept_late)
    forward = Forward("c", 1)
    with listener.connect() as connection:
        forward.close()
        ended.set()
        assert connection.recv(1) == b""
    assert children.words == []
