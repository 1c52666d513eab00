"""The choice of the engine, and how it is addressed: the docker client is the oracle, the engine is real."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from desktop_bake.bake.engine.api import Endpoint
from desktop_bake.bake.engine.connection import Connection
from desktop_bake.bake.engine.docker_host import chosen_host
from desktop_bake.generator.errors import EngineError

CLIENTS = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION")
# What people write, and what the docker client accepts or refuses.
HOSTS = (
    "tcp://localhost",
    "tcp://h:abc",
    "h:2375",
    "h",
    "tcp://",
    "tcp://:2375",
    "tcp://h:",
    ":5",
    "tcp://h:0",
    "1.2.3.4",
    "tcp://h:99999",
    "tcp://h:2375/",
    "tcp://h/path",
    "h:5/x",
    "tcp://[::1]",
    "tcp://[::1]:5",
    "[::1]:5",
    "::1",
    "tcp://[::1%25eth0]:5",
    "[g]:5",
    "[::1",
    "tcp://u:p@h",
    "tcp://a@b@c:5",
    "  tcp://h:5  ",
    "unix://",
    "unix:///x",
    "unix://unix:///x",
    "/var/run/docker.sock",
    "ssh://u@h:22",
    "http://h:5",
    "TCP://h:5",
    "tcp://a b",
    "tcp://h:5?x=1",
    "tcp://h:5#f",
    "tcp://%zz",
    "tcp://h:5/%zz",
    "tcp://h:5/%41",
    "h:+5",
    "tcp:h:5",
    "tcp://h:2375:5",
    "tcp:///h",
    "x://",
    "://h",
    "a..b:5",
    "tcp://é:5",
    "tcp://h:٣",
    "tcp://h\t:5",
)
CHOICES: list[dict[str, str]] = [
    {"DOCKER_CONTEXT": context} | more
    for context in ("", "far", "default")
    for more in ({}, {"DOCKER_HOST": ""}, {"DOCKER_HOST": "h"}, {"DOCKER_HOST": " "})
]
TLS = [
    {name: value} | more
    for name in ("DOCKER_TLS", "DOCKER_TLS_VERIFY")
    for value in ("", "0")
    for more in ({}, {"DOCKER_HOST": "h"}, {"DOCKER_HOST": "unix:///x"})
]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a docker client's configuration without any variable set, with certificates and a context."""
    for name in CLIENTS:
        monkeypatch.delenv(name, raising=False)
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    folder = tmp_path / "docker"
    folder.mkdir()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    for name, host in (("far", "tcp://10.9.8.7:2376"), ("near", "unix:///near.sock")):
        words = ["docker", "context", "create", name, "--docker", f"host={host}"]
        subprocess.run(words, check=True, capture_output=True)
    return folder


def taken(variables: dict[str, str]) -> str | None:
    """The engine that the docker client uses with these variables, or None if it refuses."""
    words = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **variables})
    return None if done.returncode else done.stdout.strip()


def ours(variables: dict[str, str]) -> str | None:
    """The engine that we use with these variables, or None if we refuse."""
    try:
        return chosen_host(variables).text
    except EngineError as error:
        assert error.remedy
        return None


@pytest.mark.parametrize("current", ["", "near"])
def test_as_the_client(client: Path, current: str) -> None:
    """Every form of the client's variables means the docker client's engine, or is one error."""
    if current:
        subprocess.run(["docker", "context", "use", current], check=True, capture_output=True)
    rows = CHOICES if current else [*({"DOCKER_HOST": host} for host in HOSTS), *CHOICES, *TLS]
    with ThreadPoolExecutor(4) as pool:
        theirs = list(pool.map(taken, rows))
    assert [(row, ours(row)) for row in rows] == list(zip(rows, theirs, strict=True))


@pytest.mark.parametrize(
    "host",
    [
        "tcp://localhost:1",
        "tcp://127.0.0.1:99999",
        "tcp://a..b:5",
        "unix:///nowhere",
        f"unix:///{'x' * 200}",
        "tcp://::1",
        "ssh://nobody@127.0.0.1:1",
    ],
)
def test_nobody_answers(host: str, client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A valid host without an engine is one line that says why."""
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineError, match=r"no Docker Engine answers at .*: .{8}") as caught:
        Endpoint.current().ask("GET", "/version")
    assert caught.value.remedy


# --- engines behind TLS and ssh ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def before(
    engine: str,
    wrap: Callable[[socket.socket], socket.socket] | None = None,
    asked: list[bytes] | None = None,
    pace_s: float = 0,
) -> Iterator[str]:
    """The address of a TCP port that leads to an engine's socket.

    Args:
        engine: the engine's own, `unix://…`.
        wrap: gives a client's connection TLS.
        asked: gets "METHOD /path" of each request.
        pace_s: seconds between two bytes of an answer; 0 for all at once.
    """
    ends: list[socket.socket] = []

    def ask(client: socket.socket, upstream: socket.socket) -> None:
        with suppress(OSError):
            while piece := client.recv(1 << 16):
                if asked is not None:
                    asked.extend(re.findall(rb"^([A-Z]+ /[^ ]*) HTTP/1", piece, re.MULTILINE))
                upstream.sendall(piece)

    def answer(client: socket.socket, upstream: socket.socket) -> None:
        with suppress(OSError):
            while piece := upstream.recv(1 if pace_s else 1 << 16):
                client.sendall(piece)
                time.sleep(pace_s)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with suppress(ssl.SSLError):
                    client = wrap(client) if wrap else client
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    upstream = socket.socket(socket.AF_UNIX)
                    ends.extend((client, upstream))
                    upstream.connect(engine.removeprefix("unix://"))
                    for carry in (ask, answer):
                        threading.Thread(target=carry, args=(client, upstream), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"localhost:{listener.getsockname()[1]}"
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            for end in ends:
                end.close()


@pytest.mark.parametrize("variable", ["DOCKER_TLS_VERIFY", "DOCKER_TLS"])
def test_tls(variable: str, base: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine behind TLS is reached with the docker client's certificates; without a port it is not."""
    engine = os.environ["DOCKER_HOST"]
    folder: Path = request.getfixturevalue("client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with before(engine, lambda plain: context.wrap_socket(plain, server_side=True)) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(EngineError, match="no Docker Engine answers"):
            Endpoint.current().ask("GET", "/version")
        monkeypatch.setenv(variable, "1")
        assert Endpoint.current().ask("GET", "/version").content["Os"] == "linux"
        shutil.move(folder / "cert.pem", folder / "gone.pem")
        with pytest.raises(EngineError, match="no Docker Engine answers"):
            Endpoint.current().ask("GET", "/version")


def test_ssh(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine behind ssh is reached through the docker client, which logs in; ssh's messages are reported, also if it
    ends before the request is sent, about which the client says only that it could not copy it."""
    program = tmp_path / "ssh"
    program.write_text(
        "#!/bin/sh\n"
        "case $* in *wrong*) exec <&-; sleep 0.2; echo 'Permission denied (publickey).' >&2; exit 255;; esac\n"
        f"DOCKER_HOST={os.environ['DOCKER_HOST']} exec docker system dial-stdio\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("DOCKER_HOST", "ssh://somebody@there")
    assert Endpoint.current().is_remote
    assert Endpoint.current().ask("GET", "/version").content["Os"] == "linux"
    monkeypatch.setenv("DOCKER_HOST", "ssh://wrong@there")
    with pytest.raises(EngineError, match="Permission denied"):
        Endpoint.current().ask("GET", "/version")


def test_a_path(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine below a path is reached there, as by the docker client."""
    asked: list[bytes] = []
    with before(os.environ["DOCKER_HOST"], asked=asked) as address:
        for path in ("/a%20b/", "/"):
            monkeypatch.setenv("DOCKER_HOST", f"tcp://{address}{path}")
            subprocess.run(["docker", "version"], check=False, capture_output=True)
            theirs = asked.copy()
            asked.clear()
            Endpoint.current().ask("GET", "/version")
            assert asked[-1] in theirs
            asked.clear()


# --- the API's version ------------------------------------------------------------------------------------------------


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> str:
    """The tests' engine, without a requested version."""
    monkeypatch.delenv("DOCKER_API_VERSION", raising=False)
    return os.environ["DOCKER_HOST"]


@pytest.mark.parametrize(("mine", "theirs"), [("1.99", "1.51"), ("1.20", "1.24")])
def test_the_engines_version(mine: str, theirs: str, plain: str, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine without our API version is asked in the nearest one that it has, with one extra request in all; so is a
    stream."""
    monkeypatch.setattr("desktop_bake.bake.engine.api._VERSION", mine)
    asked: list[bytes] = []
    with before(plain, asked=asked) as address:
        endpoint = Endpoint(f"tcp://{address}")
        for _ in range(2):
            assert endpoint.ask("GET", "/info").status == 200
        assert asked == [f"GET /v{version}/info".encode() for version in (mine, theirs, theirs)]
        answer = Endpoint(f"tcp://{address}").hijack("/containers/none/attach", {})
        assert not isinstance(answer, Connection)
        assert (answer.status, answer.message) == (404, "No such container: none")
        assert [line.split(b"?")[0] for line in asked[3:]] == [
            f"POST /v{version}/containers/none/attach".encode() for version in (mine, theirs)
        ]


def test_a_hit_asks_no_more(plain: str, cli: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Every request names a version, and no request is made only for the version."""
    asked: list[bytes] = []
    assert cli("build", "--cache", "none").returncode == 0
    with before(plain, asked=asked) as address:
        done = cli("resolve", DOCKER_HOST=f"tcp://{address}")
    assert done.returncode == 0, done.stderr
    assert asked
    assert all(re.match(rb"GET /v1\.51/(images|info|version)", line) for line in asked), asked


def test_a_version_by_name(plain: str, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests use `DOCKER_API_VERSION`; one that the engine does not have, or that is no version, is an error."""
    asked: list[bytes] = []
    with before(plain, asked=asked) as address:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{address}")
        for name in ("1.45", "v1.45"):
            monkeypatch.setenv("DOCKER_API_VERSION", name)
            assert Endpoint.current().ask("GET", "/info").status == 200
        assert asked == [b"GET /v1.45/info"] * 2
        for name in ("1.99", "1.2"):
            monkeypatch.setenv("DOCKER_API_VERSION", name)
            with pytest.raises(EngineError, match=r"does not have version 1\.\d+ of its API"):
                Endpoint.current().ask("GET", "/info")
        for name in ("abc", "1", "1.4/../x"):
            monkeypatch.setenv("DOCKER_API_VERSION", name)
            with pytest.raises(EngineError, match="DOCKER_API_VERSION is"):
                Endpoint.current()


def test_a_refusal_in_pieces(plain: str, base: str) -> None:
    """A refusal that arrives byte by byte is reported whole, for a stream and for a request."""
    with before(plain, pace_s=0.0002) as address:
        endpoint = Endpoint(f"tcp://{address}")
        refused = endpoint.hijack("/containers/none/attach", {})
        assert not isinstance(refused, Connection)
        assert refused.message == "No such container: none"
        assert endpoint.ask("GET", "/containers/none/json").message == "No such container: none"
