"""A connection to an engine: what a request looks like, and that it is closed with all that is behind it."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

import pytest

from desktop_bake.bake.engine.connection import Connection, remedy_of
from desktop_bake.bake.engine.docker_host import DockerHost
from desktop_bake.bake.engine.http_answer import NoAnswerError

UNIX = DockerHost(text="unix:///nowhere", direct=True)
SSH = DockerHost(text="ssh://nowhere", direct=False)


@pytest.mark.parametrize(
    ("method", "content", "wanted"),
    [
        ("GET", None, b"GET /a HTTP/1.1\r\nHost: docker\r\nAccept-Encoding: identity\r\nX: y\r\n\r\n"),
        ("POST", None, b"Content-Length: 0\r\nX: y\r\n\r\n"),
        ("DELETE", None, b"Accept-Encoding: identity\r\nX: y\r\n\r\n"),
        ("PUT", b"abc", b"Content-Length: 3\r\nX: y\r\n\r\nabc"),
    ],
)
def test_a_request(monkeypatch: pytest.MonkeyPatch, method: str, content: bytes | None, wanted: bytes) -> None:
    """A request that may have a body says how long it is, an empty one too."""
    ours, theirs = socket.socketpair()
    connection = Connection(UNIX, 5.0)
    monkeypatch.setattr(connection, "connect", lambda: setattr(connection, "sock", ours))
    connection.send(method, "/a", content, {"X": "y"})
    connection.close()
    with theirs:
        assert theirs.recv(1000).endswith(wanted)


@pytest.mark.parametrize(
    ("why", "error", "remedy"),
    [
        ("Permission denied", PermissionError(13, "Permission denied"), "usermod -aG docker $USER"),
        ("permission denied while trying to connect to the Docker daemon socket", None, "usermod -aG docker $USER"),
        ("git@far: Permission denied (publickey).", None, "DOCKER_HOST or --context"),
        ("Connection refused", ConnectionRefusedError(), "start Docker"),
    ],
)
def test_what_to_do(why: str, error: Exception | None, remedy: str) -> None:
    """A user who may not open the socket is told to join its group; for other faults, to start or name an engine."""
    assert remedy in remedy_of(why, error)


def test_the_client_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine over ssh is reached through the docker client, whose last words are kept, and which ends with us."""
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(words: list[str], **more: Any) -> subprocess.Popen[bytes]:
        assert words == ["docker", "system", "dial-stdio"]
        program = "import sys; print('first\\nno route to host\\n', file=sys.stderr, flush=True); input(); input()"
        started.append(popen([sys.executable, "-c", program], **more))
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", start)
    connection = Connection(SSH, 5.0)
    sent = connection.send("GET", "/a", None, {})
    assert started[0].stderr
    assert started[0].stderr.peek(1)  # type: ignore[attr-defined]  # it has spoken
    connection.close()
    assert sent.fileno() == -1
    assert connection.said == "no route to host"
    assert started[0].returncode is not None


def test_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that hangs up before it says why is waited for."""
    popen = subprocess.Popen
    program = "import os, sys, time; os.close(0); os.close(1); time.sleep(0.2); print('late', file=sys.stderr)"
    monkeypatch.setattr(subprocess, "Popen", lambda _, **more: popen([sys.executable, "-c", program], **more))
    connection = Connection(SSH, 5.0)
    with pytest.raises((NoAnswerError, OSError)):
        connection.ask("GET", "/a", None, {}, 100)
    connection.close(wait_s=10)
    assert connection.said == "late"


def test_a_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    """If nothing is sent, a client that hangs up says why; one that does not has nothing to say."""
    popen = subprocess.Popen
    programs = [
        "import os, sys, time; os.close(1); time.sleep(0.2); print('late', file=sys.stderr)",
        "import time; time.sleep(60)",
    ]
    monkeypatch.setattr(subprocess, "Popen", lambda _, **more: popen([sys.executable, "-c", programs.pop(0)], **more))
    assert Connection(SSH, 20.0).complaint() == "late"
    assert Connection(SSH, 0.1).complaint() == ""
