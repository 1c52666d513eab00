"""Each fault on the wire, and the real engine through the proxy."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import faults
from tests.harness.proxy import Fault, faulty
from tests.harness.registries import (
    ACCEPT,
    BASIC,
    MEDIA,
    PASSWORD,
    USER,
    Api,
    RealRegistry,
    closed_port,
    push_image,
    real_registry,
)
from tests.harness.registry_forms import FORMS, LABELS, docker, pulled_labels

pytestmark = pytest.mark.usefixtures("base")  # an engine answers
CONFIG = b'{"config": {"Labels": {"a": "b"}}, "os": "linux", "architecture": "amd64"}'
MANIFEST = "/v2/a/manifests/t"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """A registry with one image."""
    with real_registry(tmp_path_factory.mktemp("registry")) as registry:
        push_image(registry.host, "a", "t", {}, config=CONFIG)
        yield registry


@pytest.fixture(scope="module")
def blob(registry: RealRegistry) -> str:
    """The path of the image's configuration."""
    manifest = json.loads(Api(registry.host).send("GET", MANIFEST, headers=ACCEPT).body)
    return f"/v2/a/blobs/{manifest['config']['digest']}"


def wire(host: str, path: str, seconds: float = 5, most: int = 1 << 20) -> tuple[bytes, bool]:
    """The answer to a GET within some seconds, and whether the connection ended."""
    name, port = host.split(":")
    got = b""
    end = time.monotonic() + seconds
    with socket.create_connection((name, int(port))) as connection:
        accept = f"Accept: {MEDIA['oci']['manifest']}\r\n"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{accept}\r\n".encode())
        while len(got) < most:
            connection.settimeout(max(end - time.monotonic(), 0.001))
            try:
                piece = connection.recv(1 << 16)
            except TimeoutError:
                return got, False
            except ConnectionResetError:
                return got, True
            if not piece:
                return got, True
            got += piece
    return got, False


BASIC_CHALLENGE = {"WWW-Authenticate": 'Basic realm="test"'}
MANY = faults.refuses(429, "TOOMANYREQUESTS", headers={"Retry-After": "3"})
# fault, request, seconds to listen, the answer's beginning, what it contains, whether the connection ends
ON_THE_WIRE: dict[str, tuple[Fault, str, float, bytes, bytes, bool]] = {
    "none": (faults.slow(0), "blob", 5, b"HTTP/1.1 200 OK\r\n", b"\r\n\r\n" + CONFIG, True),
    "401": (faults.answers(401), "manifest", 5, b"HTTP/1.1 401 Unauthorized\r\n", b"Content-Length: 0\r\n", True),
    "401 Basic": (faults.answers(401, headers=BASIC_CHALLENGE), "manifest", 5, b"HTTP/1.1 401 ", b"Basic realm", True),
    "401 Bearer": (faults.bearer(), "manifest", 5, b"HTTP/1.1 401 ", b',scope="repository:a:pull"\r\n', True),
    "403": (faults.refuses(403, "DENIED"), "manifest", 5, b"HTTP/1.1 403 ", b'{"errors": [{"code": "DENIED"', True),
    "404": (faults.refuses(404, "MANIFEST_UNKNOWN"), "manifest", 5, b"HTTP/1.1 404 ", b"MANIFEST_UNKNOWN", True),
    "404 HTML": (faults.html(404), "manifest", 5, b"HTTP/1.1 404 ", b"Content-Type: text/html", True),
    "429": (MANY, "manifest", 5, b"HTTP/1.1 429 ", b"Retry-After: 3\r\n", True),
    "503": (faults.answers(503, "busy", kind="text/plain"), "manifest", 5, b"HTTP/1.1 503 ", b"\r\n\r\nbusy", True),
    "HTML": (faults.html(), "manifest", 5, b"HTTP/1.1 200 ", b"<!DOCTYPE html>", True),
    "elsewhere": (faults.html(on="^PUT "), "manifest", 5, b"HTTP/1.1 200 ", b"schemaVersion", True),
    "slow": (faults.slow(0.5), "manifest", 0.3, b"", b"", False),
    "slow, at last": (faults.slow(0.3), "manifest", 5, b"HTTP/1.1 200 ", b"schemaVersion", True),
    "drips headers": (faults.drips("headers", 0.2), "manifest", 1.3, b"HTTP/", b"", False),
    "drips body": (faults.drips("body", 0.1), "blob", 0.55, b"HTTP/1.1 200 ", b"\r\n\r\n" + CONFIG[:2], False),
    "garbage": (faults.garbage(), "manifest", 5, b"\x00\xff", b"", True),
    "closes": (faults.closes(), "manifest", 5, b"", b"", True),
    "cuts": (faults.cuts(10), "blob", 5, b"HTTP/1.1 200 ", b"\r\n\r\n" + CONFIG[:10], True),
    "tampers": (faults.tampers(), "blob", 5, b"HTTP/1.1 200 ", f"Content-Length: {len(CONFIG)}\r\n".encode(), True),
    "endless": (faults.endless(), "blob", 5, b"HTTP/1.1 200 ", b" " * 1_000_000, False),
    "loop": (faults.redirects(on=""), "manifest", 5, b"HTTP/1.1 307 ", b"/v2/a/manifests/t\r\n", True),
    "blackhole": (faults.blackhole(), "manifest", 0.3, b"", b"", False),
}


@pytest.mark.parametrize("name", ON_THE_WIRE)
def test_on_the_wire(registry: RealRegistry, blob: str, name: str) -> None:
    """Every fault is exactly what it promises, byte for byte, and ends within a second of its test."""
    fault, what, seconds, start, part, ends = ON_THE_WIRE[name]
    before = threading.active_count()
    with faulty(registry.host, fault) as proxy:
        got, ended = wire(proxy.host, blob if what == "blob" else MANIFEST, seconds)
        leaving = time.monotonic()
    while threading.active_count() > before and time.monotonic() < leaving + 1:
        time.sleep(0.01)
    assert time.monotonic() < leaving + 1
    assert got.startswith(start)
    assert start or not got
    assert part in got
    assert ended is ends
    content = got.partition(b"\r\n\r\n")[2]
    if name == "cuts":
        assert content == CONFIG[:10]
    elif name == "tampers":
        assert sum(a != b for a, b in zip(content, CONFIG, strict=True)) == 1
    elif name == "drips headers":
        assert 3 < len(got) < 8


def test_times_and_records(registry: RealRegistry) -> None:
    """A fault that happens twice happens twice; every request is recorded."""
    with faulty(registry.host, faults.answers(500, on="^GET", times=2)) as proxy:
        api = Api(proxy.host)
        asked = ["GET", "HEAD", "GET", "GET"]
        assert [api.send(method, "/v2/", headers={"X-Test": "1"}).status for method in asked] == [500, 200, 500, 200]
    assert [(request.method, request.path, request.headers["x-test"]) for request in proxy.requests] == [
        (method, "/v2/", "1") for method in asked
    ]


def test_nothing_upstream() -> None:
    """A proxy whose registry is gone says so."""
    with faulty(f"127.0.0.1:{closed_port()}") as proxy:
        assert Api(proxy.host).send("GET", "/v2/").status == 502


@pytest.mark.parametrize("form", FORMS[:4], ids=str)
def test_the_engine_pulls_through_the_proxy(registry: RealRegistry, form: dict[str, object]) -> None:
    """Images, OCI and Docker, single and index, are pushed and pulled through a proxy without a fault."""
    with faulty(registry.host) as proxy:
        push_image(proxy.host, "form", "t", LABELS, **form)  # type: ignore[arg-type]
        assert pulled_labels(f"{proxy.host}/form:t") == LABELS


def test_the_engine_pushes_through_the_proxy(registry: RealRegistry, base: str) -> None:
    """The real engine pushes a real image through the proxy, in pieces and with redirected uploads."""
    with faulty(registry.host) as proxy:
        name = f"{proxy.host}/pushed:t"
        docker("tag", base, name)
        try:
            done = docker("push", name)
        finally:
            docker("image", "rm", name)
        assert done.returncode == 0, done.stderr
        assert {"HEAD", "POST", "PUT"} <= {request.method for request in proxy.requests}
    assert Api(registry.host).send("HEAD", "/v2/pushed/manifests/t", headers=ACCEPT).status == 200


@pytest.mark.parametrize("name", ["429", "HTML", "closes", "tampers", "loop", "cuts"])
def test_the_engine_meets_a_fault(registry: RealRegistry, name: str) -> None:
    """The real engine refuses a faulty answer; it requests a cut blob again, from the cut."""
    push_image(registry.host, "met", "t", {"only": uuid.uuid4().hex})
    with faulty(registry.host, ON_THE_WIRE[name][0]) as proxy:
        image = f"{proxy.host}/met:t"
        try:
            assert (docker("pull", "-q", image).returncode == 0) is (name == "cuts")
        finally:
            docker("image", "rm", "-f", image)  # of HTML the engine keeps a name without an image
        assert any("range" in request.headers for request in proxy.requests) is (name == "cuts")


def test_chunked_upload(registry: RealRegistry) -> None:
    """A body of unknown length passes, as older engines send it."""
    with faulty(registry.host) as proxy:
        api = Api(proxy.host)
        location = api.send("POST", "/v2/chunks/blobs/uploads/").headers["location"]
        assert location.startswith(f"http://{proxy.host}/v2/")
        path = location.removeprefix(f"http://{proxy.host}")
        answer = api.send("PATCH", path, iter([b"ab", b"cde"]))  # type: ignore[arg-type]
        assert (answer.status, answer.headers["range"]) == (202, "0-4")


def test_the_engine_logs_in_with_tokens(registry: RealRegistry, tmp_path: Path) -> None:
    """With tokens the real client logs in only with the right password, and pulls with it."""
    with faulty(registry.host, faults.bearer()) as proxy:
        push_image(registry.host, "tokens", "t", LABELS)
        name, config = f"{proxy.host}/tokens:t", tmp_path / "docker"
        login = ("login", "-u", USER, "--password-stdin", proxy.host)
        assert docker("pull", "-q", name, config=config).returncode != 0
        assert docker(*login, config=config, stdin="wrong").returncode != 0
        assert docker(*login, config=config, stdin=PASSWORD).returncode == 0
        assert pulled_labels(name, config) == LABELS
    with faulty(registry.host, faults.bearer(anonymous=True)) as proxy:
        assert pulled_labels(f"{proxy.host}/tokens:t", tmp_path / "nobody") == LABELS


def test_tokens(registry: RealRegistry) -> None:
    """The token endpoint gives its token for the password and for the identity token, and for nothing else."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    with faulty(registry.host, faults.bearer(key="access_token")) as proxy:
        api = Api(proxy.host)
        path = "/token?service=test&scope=repository:a:pull"
        assert api.send("GET", path).status == 401
        assert json.loads(api.send("GET", path, headers={"Authorization": BASIC}).body)["access_token"] == faults.TOKEN
        for secret, status in ((faults.IDENTITY, 200), ("wrong", 401)):
            form = f"grant_type=refresh_token&service=test&refresh_token={secret}".encode()
            assert api.send("POST", "/token", form, kind).status == status
        assert api.send("GET", MANIFEST, headers={**ACCEPT, "Authorization": f"Bearer {faults.TOKEN}"}).status == 200


def test_a_blob_elsewhere(registry: RealRegistry) -> None:
    """The real engine follows a blob to another host, which records what it got, and gets no password."""
    only = {"only": uuid.uuid4().hex}
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(faulty(registry.host))
        elsewhere = other.host.replace("127.0.0.1", "localhost")  # to the engine, another port is the same host
        proxy = stack.enter_context(faulty(registry.host, faults.bearer(anonymous=True), faults.redirects(elsewhere)))
        push_image(registry.host, "elsewhere", "t", only)
        assert pulled_labels(f"{proxy.host}/elsewhere:t") == only
    assert any("authorization" in request.headers for request in proxy.requests)
    assert other.requests
    assert not any("authorization" in request.headers for request in other.requests)
