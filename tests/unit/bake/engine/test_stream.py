"""Answers that do not end."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from desktop_bake import EngineError
from desktop_bake.bake.engine.api import Endpoint
from desktop_bake.bake.engine.connection import Connection
from desktop_bake.bake.engine.stream import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable

ENGINE = "unix:///nowhere"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OLDER = b'{"message":"client version 1.51 is too new. Maximum supported API version is 1.44"}'


def chunk(content: bytes) -> bytes:
    """A piece of an answer."""
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[bytes]]:
    """`serve(*answers)`: an engine that gives each connection one of these; the requests that it read."""
    requests: list[bytes] = []
    answers: list[bytes] = []

    def answer(theirs: socket.socket, said: bytes) -> None:
        requests.append(theirs.recv(1 << 16))
        theirs.sendall(said)
        theirs.close()

    def connect(connection: Connection) -> None:
        connection.sock, theirs = socket.socketpair()
        connection.sock.settimeout(connection.timeout)
        threading.Thread(target=answer, args=(theirs, answers.pop(0)), daemon=True).start()

    def start(*said: bytes) -> list[bytes]:
        answers.extend(said)
        return requests

    monkeypatch.setattr(Connection, "connect", connect)
    return start


def test_as_they_come(serve: Callable[..., list[bytes]]) -> None:
    """Each line is an object, however it is cut into pieces; what is not an object is passed over."""
    requests = serve(CHUNKED + chunk(b'{"a": 1}\n{"b"') + chunk(b": 2}\n[]\n") + b"0\r\n\r\n")
    assert list(lines_of(Endpoint(ENGINE), "/events", {"filters": {"type": ["image"]}})) == [{"a": 1}, {"b": 2}]
    assert requests[0].startswith(b"GET /v1.51/events?filters=")


def test_an_older_engine(serve: Callable[..., list[bytes]]) -> None:
    """It is asked again in the version that it has."""
    refusal = f"HTTP/1.1 400 X\r\nContent-Length: {len(OLDER)}\r\n\r\n".encode() + OLDER
    requests = serve(refusal, CHUNKED + chunk(b'{"a": 1}\n') + b"0\r\n\r\n")
    assert list(lines_of(Endpoint(ENGINE), "/events")) == [{"a": 1}]
    assert requests[1].startswith(b"GET /v1.44/events")


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 403 X\r\nContent-Length: 2\r\n\r\n{}", CHUNKED + chunk(b"nonsense\n"), b"nonsense", b""]
)
def test_refused(serve: Callable[..., list[bytes]], said: bytes) -> None:
    """A refusal, or what is none of an engine's answers, is reported as an error."""
    serve(said)
    with pytest.raises(EngineError):
        list(lines_of(Endpoint(ENGINE), "/events"))
