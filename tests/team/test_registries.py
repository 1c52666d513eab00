"""The registries of the tests, and their faults, against the real engine."""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.registries import (
    ACCEPT,
    BASIC,
    PASSWORD,
    USER,
    Api,
    RealRegistry,
    closed_port,
    digest_of,
    push_image,
    real_registry,
    silent_port,
)
from tests.harness.registry_forms import FORMS, LABELS, docker, pulled_labels

pytestmark = pytest.mark.usefixtures("base")  # an engine answers


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """A registry for this module."""
    with real_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_engine_pulls_what_we_push(registry: RealRegistry, form: dict[str, Any]) -> None:
    """The real engine pulls every form of image that push_image makes, with its labels."""
    digest = push_image(registry.host, "form", "tag", LABELS, **form)
    assert pulled_labels(f"{registry.host}/form:tag") == LABELS
    assert pulled_labels(f"{registry.host}/form@{digest}") == LABELS


def test_broken_images(registry: RealRegistry) -> None:
    """What push_image makes wrong on request is wrong in the registry, and the engine refuses it."""
    api = Api(registry.host)

    def configuration(repository: str) -> tuple[dict[str, Any], Any]:
        manifest = json.loads(api.send("GET", f"/v2/{repository}/manifests/t", headers=ACCEPT).body)
        return manifest["config"], api.send("GET", f"/v2/{repository}/blobs/{manifest['config']['digest']}")

    push_image(registry.host, "list", "t", ["no", "labels"])
    assert json.loads(configuration("list")[1].body)["config"]["Labels"] == ["no", "labels"]
    push_image(registry.host, "size", "t", {"only": uuid.uuid4().hex}, size_error=7)
    descriptor, answer = configuration("size")
    assert descriptor["size"] == len(answer.body) + 7
    push_image(registry.host, "bytes", "t", {"only": uuid.uuid4().hex}, config=b"no JSON")
    assert configuration("bytes")[1].body == b"no JSON"
    push_image(registry.host, "gone", "t", {"only": uuid.uuid4().hex}, missing="config")
    assert configuration("gone")[1].status == 404
    push_image(registry.host, "spoilt", "t", {"only": uuid.uuid4().hex, "spoilt": "yes"})
    registry.spoil(configuration("spoilt")[0]["digest"], lambda content: content.replace(b"yes", b"no!"))
    descriptor, answer = configuration("spoilt")
    assert b"no!" in answer.body
    assert digest_of(answer.body) != descriptor["digest"]
    index = push_image(registry.host, "child", "t", {"only": uuid.uuid4().hex}, index=True, missing="manifest")
    children = json.loads(api.send("GET", f"/v2/child/manifests/{index}", headers=ACCEPT).body)["manifests"]
    assert api.send("GET", f"/v2/child/manifests/{children[0]['digest']}", headers=ACCEPT).status == 404
    for repository in ("size", "bytes", "gone", "spoilt", "child"):
        done = docker("pull", "-q", f"{registry.host}/{repository}:t")
        docker("image", "rm", "-f", f"{registry.host}/{repository}:t")
        assert done.returncode != 0, repository


def test_stop_and_start(tmp_path: Path) -> None:
    """A registry that was stopped refuses connections, and is itself again once started."""
    with real_registry(tmp_path) as registry:
        digest = push_image(registry.host, "a/b", "t", LABELS)
        registry.stop()
        with pytest.raises(ConnectionRefusedError):
            Api(registry.host).send("GET", "/v2/")
        registry.start()
        answer = Api(registry.host).send("HEAD", "/v2/a/b/manifests/t", headers=ACCEPT)
        assert (answer.status, answer.headers["docker-content-digest"]) == (200, digest)
    with pytest.raises(ConnectionRefusedError):
        Api(registry.host).send("GET", "/v2/")


def test_htpasswd(tmp_path: Path) -> None:
    """A protected registry admits only a client with a login."""
    with real_registry(tmp_path / "registry", htpasswd=True) as registry:
        name = f"{registry.host}/private:t"
        assert Api(registry.host).send("GET", "/v2/").headers["www-authenticate"] == 'Basic realm="test"'
        push_image(registry.host, "private", "t", LABELS, authorization=BASIC)
        config = tmp_path / "docker"
        assert docker("pull", "-q", name, config=config).returncode != 0
        login = ("login", "-u", USER, "--password-stdin", registry.host)
        assert docker(*login, config=config, stdin="wrong").returncode != 0
        assert docker(*login, config=config, stdin=PASSWORD).returncode == 0
        assert pulled_labels(name, config) == LABELS


def test_tls(tmp_path: Path) -> None:
    """A TLS registry is trusted only through its own authority."""
    with real_registry(tmp_path, tls=True) as registry:
        push_image(registry.host, "a", "t", LABELS, ca=registry.ca)
        localhost = registry.host.replace("127.0.0.1", "localhost")
        assert Api(localhost, ca=registry.ca).send("HEAD", "/v2/a/manifests/t", headers=ACCEPT).status == 200
        assert Api(registry.host).send("GET", "/v2/").status == 400  # Go's answer to plain HTTP on a TLS port


def test_closed_port() -> None:
    """Nothing listens on a closed port, and the client learns it at once."""
    begin = time.monotonic()
    with pytest.raises(ConnectionRefusedError):
        Api(f"127.0.0.1:{closed_port()}").send("GET", "/v2/")
    assert time.monotonic() - begin < 1


def test_silent_port() -> None:
    """A silent port accepts a connection and a request, and never answers."""
    with silent_port() as port, socket.create_connection(("127.0.0.1", port), timeout=0.3) as connection:
        connection.sendall(b"GET /v2/ HTTP/1.1\r\n\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(1)
