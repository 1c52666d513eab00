"""`docker buildx bake` in its own process: what python-on-whales is asked for, and how it ends."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import Any

import pytest
from python_on_whales.client_config import ClientNotFoundError
from python_on_whales.exceptions import DockerException

from desktop_bake.bake.build.bake_process import main

REQUEST: dict[str, Any] = {
    "targets": ["desktop-a"],
    "file": "/folder/docker-bake.hcl",
    "builder": "b",
    "set": {"*.output": "type=docker"},
    "variables": {"A": "1"},
    "progress": "plain",
}


class Client:
    """The docker client of python-on-whales.

    Attributes:
        made: with which words each was made.
        asked: what each bake was.
        lines: what it prints.
        error: what it ends with, or None.
    """

    made: list[list[str]]
    asked: list[dict[str, Any]]
    lines: list[str]
    error: Exception | None

    def __init__(self, client_call: list[str]) -> None:
        self.made.append(client_call)
        self.buildx = self

    def bake(self, **asked: Any) -> Any:
        """As `docker.buildx.bake`."""
        self.asked.append(asked)
        yield from self.lines
        if self.error:
            raise self.error


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    """Stands in for it."""
    monkeypatch.setattr("desktop_bake.bake.build.bake_process.DockerClient", Client)
    Client.made, Client.asked, Client.lines, Client.error = [], [], ["#1 one\n", "#2 two\n"], None
    return Client


def ask(monkeypatch: pytest.MonkeyPatch, **changed: object) -> int:
    """Its status, after this request."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({**REQUEST, **changed})))
    return main()


def test_a_bake(client: type[Client], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The request reaches the bake as it is, and what that prints goes to standard error as it comes."""
    assert ask(monkeypatch) == 0
    (asked,) = client.asked
    wanted = {name: REQUEST[name] for name in ("targets", "builder", "set", "variables", "progress")}
    assert asked == {**wanted, "files": [REQUEST["file"]], "stream_logs": True}
    assert client.made == [["docker"]]
    assert capsys.readouterr() == ("", "#1 one\n#2 two\n")


def test_a_bake_that_fails(
    client: type[Client], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failed bake is a status; the library's own text, which holds whole command lines, is not shown."""
    client.error = DockerException(["docker", "--secret=hunter2"], 1, b"", b"")
    assert ask(monkeypatch) == 1
    assert capsys.readouterr().err == "#1 one\n#2 two\n"


def test_a_client_that_does_not_start(
    client: type[Client], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a docker client, or with one that cannot be executed, it is a status and a line, and no traceback."""
    for error, says in (
        (ClientNotFoundError("not on your PATH"), "it is not in PATH"),
        (OSError(8, "Exec format error"), "Exec format error"),
    ):
        client.lines, client.error = [], error
        assert ask(monkeypatch) == 1
        assert capsys.readouterr().err == f"cannot run docker: {says}\n"


def test_a_bake_that_draws(client: type[Client], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal BuildKit draws by itself, on what is our standard error."""
    moved: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "dup2", lambda source, target: moved.append((source, target)))
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({**REQUEST, "progress": "auto"})))
    monkeypatch.setattr(sys.stdin, "fileno", lambda: 0)
    monkeypatch.setattr(sys.stderr, "fileno", lambda: 2, raising=False)
    assert main() == 0
    assert moved == [(2, 0)]
    ((shell, flag, script, name),) = client.made
    assert (shell, flag, name) == ("sh", "-c", "docker")
    assert "2>&0" in script
