"""Which engine the docker client would take; tests/engine has the client itself as the oracle."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from desktop_bake.bake.engine.docker_host import DockerHost, chosen_host, parse_host
from desktop_bake.generator.errors import EngineError
from tests.harness.every import every

SOCKET = "unix:///var/run/docker.sock"


@every(
    ("text", "wanted"),
    [
        ("", SOCKET),
        ("  ", SOCKET),
        ("unix://", SOCKET),
        ("unix:///x", "unix:///x"),
        ("unix://unix:///x", "unix:///x"),
        ("ssh://u@h:22", "ssh://u@h:22"),
        ("h", "tcp://h:2375"),
        ("h:5", "tcp://h:5"),
        ("tcp://", "tcp://localhost:2375"),
        ("tcp://:5", "tcp://localhost:5"),
        ("tcp://h:", "tcp://h:2375"),
        ("tcp://h:5/path", "tcp://h:5/path"),
        ("tcp://h:5/%41", "tcp://h:5/A"),
        ("tcp://h:5?x=1", "tcp://h:5"),
        ("tcp://u:p@h", "tcp://h:2375"),
        ("tcp://[::1]:5", "tcp://[::1]:5"),
        ("::1:5", "tcp://[::1:5]:2375"),
        (" tcp://h:5 ", "tcp://h:5"),
    ],
)
def test_hosts(text: str, wanted: str) -> None:
    """Complete forms of what people write."""
    assert parse_host(text, tls=False) == wanted


@every(
    ("text", "says"),
    [
        ("tcp://h:abc", "which is malformed"),
        ("tcp://a b", "which is malformed"),
        ("tcp://h\t:5", "which is malformed"),
        ("tcp://h:5/%zz", "which is malformed"),
        ("[g]:5", "which is malformed"),
        ("[::1", "which is malformed"),
        ("http://h:5", "which no docker client here can use"),
        ("TCP://h:5", "which no docker client here can use"),
        ("://h", "which no docker client here can use"),
        *((text, "which no docker client here can use") for text in ("fd://", "fd://3", "npipe://", "ssh://")),
        ("npipe:////./pipe/docker_engine", "which no docker client here can use"),
    ],
)
def test_hosts_refused(text: str, says: str) -> None:
    """What the docker client refuses, cannot use, or crashes on, is one line with a remedy."""
    with pytest.raises(EngineError) as caught:
        chosen_host({"DOCKER_HOST": text})
    assert str(caught.value) == f"DOCKER_HOST is {text!r}, {says}"
    assert caught.value.remedy.startswith("write DOCKER_HOST=unix:///")


@every(
    ("variables", "wanted"),
    [
        ({}, DockerHost(text=SOCKET, direct=True)),
        ({"DOCKER_CONTEXT": "default"}, DockerHost(text=SOCKET, direct=True)),
        ({"DOCKER_HOST": "h", "DOCKER_CONTEXT": "far"}, DockerHost(text="tcp://h:2375", direct=True)),
        ({"DOCKER_TLS": "1"}, DockerHost(text="tcp://localhost:2376", direct=False)),
        ({"DOCKER_TLS_VERIFY": "0", "DOCKER_HOST": "h"}, DockerHost(text="tcp://h:2375", direct=False)),
        ({"DOCKER_TLS": "1", "DOCKER_HOST": "unix:///x"}, DockerHost(text="unix:///x", direct=True)),
        ({"DOCKER_TLS": "", "DOCKER_HOST": "h"}, DockerHost(text="tcp://h:2375", direct=True)),
        ({"DOCKER_HOST": "ssh://h"}, DockerHost(text="ssh://h", direct=False)),
    ],
)
def test_variables(variables: dict[str, str], wanted: DockerHost) -> None:
    """A host precedes a context; only a socket without TLS is spoken to directly."""
    assert chosen_host(variables) == wanted


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What `docker context inspect` knows."""
    known: dict[str, str] = {}

    def run(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert words[-2] == "--"  # a context's name is no flag
        host = known.get(words[-1])
        return subprocess.CompletedProcess(words, 0 if host else 1, f"{host}\n", "")

    monkeypatch.setattr(subprocess, "run", run)
    return known


@pytest.mark.parametrize(
    ("host", "direct"), [("unix:///far.sock", True), ("tcp://10.9.8.7:2376", False), ("ssh://h", False)]
)
def test_a_context(contexts: dict[str, str], host: str, direct: bool) -> None:
    """A context's socket is spoken to directly; its TCP may have TLS of its own, which the client knows."""
    contexts["far"] = host
    assert chosen_host({"DOCKER_CONTEXT": "far"}) == DockerHost(text=host, direct=direct)


def test_the_current_context(contexts: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without variables the current context counts; a configuration that cannot be read has none."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    contexts["near"] = "unix:///near.sock"
    for content, wanted in (
        (json.dumps({"currentContext": "near"}), "unix:///near.sock"),
        (json.dumps({"currentContext": "default"}), SOCKET),
        (json.dumps({"currentContext": None}), SOCKET),
        ("{", SOCKET),
    ):
        (tmp_path / "config.json").write_text(content)
        assert chosen_host({}).text == wanted
        assert chosen_host({"DOCKER_HOST": "h"}).text == "tcp://h:2375"


def test_an_unknown_context(contexts: dict[str, str]) -> None:
    """A context that is not there is reported by its name."""
    with pytest.raises(EngineError, match=r"^docker context 'gone' is unknown$") as caught:
        chosen_host({"DOCKER_CONTEXT": "gone"})
    assert caught.value.remedy == "see: docker context ls"


@pytest.mark.parametrize("fault", [FileNotFoundError(), subprocess.TimeoutExpired("docker", 1)])
def test_no_client(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    """A client that is missing, or hangs, is told so."""

    def run(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(EngineError, match=r"^the docker client does not run$"):
        chosen_host({"DOCKER_CONTEXT": "far"})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("tcp://h:5", ""),
        ("tcp://h:5/", ""),
        ("tcp://h:5/a/b/", "/a/b"),
        ("unix:///a/b", ""),
        ("ssh://h/a/b", ""),
    ],
)
def test_base_path(text: str, wanted: str) -> None:
    """An engine behind a proxy has its own path; a socket's path does not count."""
    assert DockerHost(text=text, direct=True).base_path == wanted
