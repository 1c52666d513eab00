"""The engine's API over a socket: what is sent, how answers and refusals are read, and its streams."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from desktop_bake import EngineError, TimeLimitError
from desktop_bake.bake.engine import api
from desktop_bake.bake.engine.api import Answer, Endpoint
from desktop_bake.bake.engine.connection import Connection
from tests.harness.every import every

TOO_NEW = b'{"message":"client version 1.51 is too new. Maximum supported API version is 1.44"}'


def answer(status: int, body: bytes = b"{}", more: str = "") -> bytes:
    """An HTTP answer."""
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[bytes]]:
    """`serve(*answers)`: an engine that gives each connection one of these answers; the requests that it read."""
    requests: list[bytes] = []
    answers: list[bytes | None] = []

    def connect(connection: Connection) -> None:
        connection.sock, theirs = socket.socketpair()
        connection.sock.settimeout(connection.timeout)
        threading.Thread(target=_serve, args=(theirs, answers.pop(0)), daemon=True).start()

    def _serve(theirs: socket.socket, said: bytes | None) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += theirs.recv(1 << 16)
        head, _, body = request.partition(b"\r\n\r\n")
        length = next((int(n.split(b":")[1]) for n in head.split(b"\r\n") if n.startswith(b"Content-Length")), 0)
        while len(body) < length:
            body += theirs.recv(1 << 16)
        requests.append(head + b"\r\n\r\n" + body)
        if said is None:  # it says nothing, for as long as somebody waits
            theirs.recv(1)
        else:
            theirs.sendall(said)
        theirs.close()

    def start(*said: bytes | None) -> list[bytes]:
        answers.extend(said)
        return requests

    monkeypatch.setattr(Connection, "connect", connect)
    return start


ENGINE = "unix:///nowhere"


@pytest.mark.parametrize(
    ("query", "body", "first", "sent", "kind"),
    [
        (None, None, "/v1.51/images/a/json", b"", None),
        ({"all": True}, None, "/v1.51/images/a/json?all=true", b"", None),
        (
            {"filters": {"label": ["a=b"]}, "t": "2"},
            None,
            "filters=%7B%22label%22%3A+%5B%22a%3Db%22%5D%7D&t=2",
            b"",
            None,
        ),
        (None, {"Image": "a"}, "/images/a/json HTTP", b'{"Image": "a"}', "application/json"),
        (None, b"tar", "/images/a/json HTTP", b"tar", "application/x-tar"),
    ],
)
def test_what_is_sent(
    serve: Callable[..., list[bytes]], query: Any, body: Any, first: str, sent: bytes, kind: str | None
) -> None:
    """Paths begin with the API's version; anything that is no text in a query is JSON, and bytes are an archive."""
    requests = serve(answer(200))
    assert Endpoint(ENGINE).ask("POST", "/images/a/json", query, body).status == 200
    head, _, content = requests[0].partition(b"\r\n\r\n")
    assert first in head.decode().splitlines()[0]
    assert content == sent
    assert (f"Content-Type: {kind}" in head.decode()) if kind else (b"Content-Type" not in head)


def test_names_in_paths_are_quoted(serve: Callable[..., list[bytes]]) -> None:
    """A name with a digest stays as it is, and a space or a question mark ends no path."""
    requests = serve(answer(200), answer(200))
    Endpoint(ENGINE).ask("GET", "/images/r.example.com:5000/a@sha256:ab/json")
    Endpoint(ENGINE).ask("GET", "/images/a ?x/json")
    assert requests[0].startswith(b"GET /v1.51/images/r.example.com:5000/a@sha256:ab/json HTTP")
    assert requests[1].startswith(b"GET /v1.51/images/a%20%3Fx/json HTTP")


def test_an_engine_behind_a_path(serve: Callable[..., list[bytes]]) -> None:
    """The path of a TCP host stands before every path of the API."""
    requests = serve(answer(200))
    Endpoint("tcp://proxy:2375/engines/1/").ask("GET", "/_ping")
    assert requests[0].startswith(b"GET /engines/1/v1.51/_ping HTTP")


@every(
    ("status", "body", "content", "message"),
    [
        (404, b'{"message": "no such\\n image"}', {"message": "no such\n image"}, "no such image"),
        (500, b"oh  no\n", None, "oh no"),
        (500, b"", None, "status 500"),
        (409, b"{}", {}, "status 409"),
        (200, b"null", [], "status 200"),
        (200, b"[1]", [1], "status 200"),
        (200, b"[" * 100_000, None, "[" * 300),
        (500, b"\xff" * 400, None, "\ufffd" * 300),
    ],
)
def test_answers(status: int, body: bytes, content: object, message: str) -> None:
    """A body is JSON or nothing, `null` an empty list, and the engine's words one line of a bounded length."""
    found = Answer.of(status, body)
    assert (found.status, found.content, found.message) == (status, content, message)


# --- versions --------------------------------------------------------------------------------------------------------


def test_an_older_engine(serve: Callable[..., list[bytes]]) -> None:
    """An engine that names another version is asked again in that, and from then on at once."""
    requests = serve(answer(400, TOO_NEW), answer(200), answer(200))
    endpoint = Endpoint(ENGINE)
    assert endpoint.ask("GET", "/a").status == 200
    assert endpoint.ask("GET", "/b").status == 200
    assert [r.split()[1] for r in requests] == [b"/v1.51/a", b"/v1.44/a", b"/v1.44/b"]


def test_an_engine_that_changes_its_mind(serve: Callable[..., list[bytes]]) -> None:
    """A second refusal of the version is an answer, not a loop."""
    serve(answer(400, TOO_NEW), answer(400, TOO_NEW))
    assert Endpoint(ENGINE).ask("GET", "/a").status == 400


def test_a_version_asked_for(serve: Callable[..., list[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of DOCKER_API_VERSION is asked for as it is; an engine that has another is reported by name."""
    monkeypatch.setenv("DOCKER_API_VERSION", "v1.47")
    requests = serve(answer(400, TOO_NEW))
    with pytest.raises(EngineError, match=r"does not have version 1\.47 of its API") as caught:
        Endpoint.current().ask("GET", "/a")
    assert caught.value.remedy == "unset DOCKER_API_VERSION, or write 1.44"
    assert requests[0].split()[1] == b"/v1.47/a"


def test_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A DOCKER_API_VERSION that is none is refused before anybody is asked."""
    monkeypatch.setenv("DOCKER_API_VERSION", "latest")
    with pytest.raises(EngineError, match="DOCKER_API_VERSION is 'latest'"):
        Endpoint.current()


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\n{}"])
def test_what_is_no_engine(serve: Callable[..., list[bytes]], said: bytes) -> None:
    """Whatever hangs up, breaks off or speaks no HTTP is no engine, and its address is named."""
    serve(said)
    with pytest.raises(EngineError, match=r"no Docker Engine answers at unix:///nowhere: .") as caught:
        Endpoint(ENGINE).ask("GET", "/a")
    assert caught.value.remedy == "start Docker, or set DOCKER_HOST or --context"


def test_silence(serve: Callable[..., list[bytes]]) -> None:
    """An engine that does not answer is left after the limit."""
    serve(None)
    with pytest.raises(TimeLimitError, match=r"the engine did not answer within 0\.1 s"):
        Endpoint(ENGINE).ask("GET", "/a", timeout_s=0.1)


def test_a_socket_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own reason stands in the message, without its number."""

    def refuse(_: Connection) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Connection, "connect", refuse)
    with pytest.raises(EngineError, match=r"answers at unix:///nowhere: No such file or directory$"):
        Endpoint(ENGINE).ask("GET", "/a")


@every(
    ("host", "remote"),
    [
        ("unix:///var/run/docker.sock", False),
        ("tcp://localhost:2375", False),
        ("tcp://127.0.0.9:2375", False),
        ("tcp://[::1]:2375", False),
        ("tcp://10.0.0.1:2375", True),
        ("ssh://user@host", True),
        ("ssh://user@localhost:22", False),
        ("ssh://localhost@host", True),
    ],
)
def test_is_remote(host: str, remote: bool) -> None:
    """An engine is remote if its host is another machine's by its name."""
    assert Endpoint(host).is_remote is remote


# --- streams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [101, 200])
def test_hijack(serve: Callable[..., list[bytes]], status: int) -> None:
    """The connection stays open after the header, and not a byte of the stream after it is lost."""
    requests = serve(f"HTTP/1.1 {status} UPGRADED\r\nUpgrade: tcp\r\n\r\nstream".encode())
    connection = Endpoint(ENGINE).hijack("/containers/a/attach", {"stdin": "1"})
    assert isinstance(connection, Connection)
    assert connection.sock
    with connection.sock as stream:
        assert stream.recv(100) == b"stream"
    assert requests[0].startswith(b"POST /v1.51/containers/a/attach?stdin=1 HTTP")
    assert b"Upgrade: tcp" in requests[0]


def test_a_stream_refused(serve: Callable[..., list[bytes]]) -> None:
    """A refusal is an answer, in whatever pieces it comes, and of a bounded length."""
    chunked = b"HTTP/1.1 409 X\r\nTransfer-Encoding: chunked\r\n\r\n" + b'5\r\n{"mes\r\nc\r\nsage": "no"}\r\n0\r\n\r\n'
    serve(answer(404, b"no such container\n"), chunked)
    refused = Endpoint(ENGINE).hijack("/a", {}, {"Tty": False})
    assert isinstance(refused, Answer)
    assert (refused.status, refused.message) == (404, "no such container")
    refused = Endpoint(ENGINE).hijack("/a", {})
    assert isinstance(refused, Answer)
    assert refused.message == "no"


def test_a_stream_of_an_older_engine(serve: Callable[..., list[bytes]]) -> None:
    """A stream is asked for again in the version that the engine has."""
    requests = serve(answer(400, TOO_NEW), b"HTTP/1.1 101 UPGRADED\r\n\r\n")
    connection = Endpoint(ENGINE).hijack("/a", {})
    assert isinstance(connection, Connection)
    connection.close()
    assert [r.split()[1] for r in requests] == [b"/v1.51/a", b"/v1.44/a"]


def test_the_answer_has_an_end(serve: Callable[..., list[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless body is read up to a limit."""
    monkeypatch.setattr(api, "ANSWER_LIMIT_BYTES", 10)
    serve(b"HTTP/1.1 500 X\r\n\r\n" + b"x" * 1000)
    assert Endpoint(ENGINE).ask("GET", "/a").text == "x" * 10


def test_json_is_sent_as_it_is(serve: Callable[..., list[bytes]]) -> None:
    """Characters beyond ASCII reach the engine."""
    requests = serve(answer(200))
    Endpoint(ENGINE).ask("POST", "/a", {}, {"name": "ä\u2028"})
    assert json.loads(requests[0].partition(b"\r\n\r\n")[2]) == {"name": "ä\u2028"}
