"""Requests to a registry: how it is spoken to, and which logins go where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import Digest, ImageReference, RegistryError
from desktop_bake.bake.registry import exchange
from desktop_bake.bake.registry.access import Access
from desktop_bake.bake.registry.client import look_up, within
from tests.harness.memory_registry import MemoryTransport

if TYPE_CHECKING:
    from desktop_bake.bake.registry.session import Session
    from tests.harness.memory_registry import MemoryRegistry

NAME = "registry.example.com/team/desktop:1"
REFERENCE = ImageReference.parse(NAME)
PLACE = "registry.example.com/team/desktop"
LABELS = {"a": "b"}


def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: dict[str, str]) -> None:
    """A login as the docker client keeps it."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.example.com": entry}}))


# --- logins ----------------------------------------------------------------------------------------------------------


def test_basic_login(registry: MemoryRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login is sent where it is requested, once it is requested, and from then on."""
    registry.login = "u:p"
    registry.put(NAME, LABELS)
    login(tmp_path, monkeypatch, {"auth": "dTpw"})
    assert look_up(REFERENCE, "linux/amd64")
    assert registry.asked.count(f"GET {PLACE}/manifests/1") == 2
    assert len(registry.asked) == 3


@pytest.mark.parametrize(
    ("entry", "says", "remedy"),
    [
        ({}, "requires a login", "run: docker login registry.example.com"),
        ({"auth": "dTp4"}, "refuses the stored login", "log in again: docker login registry.example.com"),
        ({"identitytoken": "i"}, "refuses the stored login", "log in again: docker login registry.example.com"),
    ],
)
def test_refused_login(
    registry: MemoryRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    entry: dict[str, str],
    says: str,
    remedy: str,
) -> None:
    """Without a login one is demanded; a wrong one is refused after one try."""
    registry.login = "u:p"
    registry.put(NAME, LABELS)
    login(tmp_path, monkeypatch, entry)
    with pytest.raises(RegistryError, match=says) as caught:
        look_up(REFERENCE, "linux/amd64")
    assert caught.value.remedy == remedy
    assert len(registry.asked) <= 2


# --- how a registry is spoken to -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "insecure", "tried"),
    [
        ("registry.example.com", {}, ["https"]),
        (
            "registry.example.com",
            {"IndexConfigs": {"registry.example.com": {"Secure": False}}},
            ["https", "https", "http"],
        ),
        ("10.1.2.3:5000", {"InsecureRegistryCIDRs": ["10.0.0.0/8"]}, ["https", "https", "http"]),
        ("10.1.2.3:5000", {"InsecureRegistryCIDRs": ["192.168.0.0/16"]}, ["https"]),
        ("localhost:5000", {}, ["https", "http"]),
    ],
)
def test_without_tls(
    registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch, host: str, insecure: Any, tried: list[str]
) -> None:
    """TLS that is not trusted, and none at all, are tried if the engine speaks so to a registry, and only there."""
    schemes: list[str] = []

    def transport(there: str, base: str, deadline: Any, *, verify: bool) -> Any:
        schemes.append(base.partition(":")[0])
        return registry.transport(there, base, deadline, verify=verify)

    monkeypatch.setattr(exchange, "Transport", transport)
    registry.broken[host] = RegistryError("cannot be reached")
    with pytest.raises(RegistryError, match="cannot be reached"):
        look_up(ImageReference.parse(f"{host}/a:1"), "linux/amd64", Access(insecure=lambda: insecure))
    assert schemes == tried


def test_docker_hub(registry: MemoryRegistry) -> None:
    """Docker Hub's API has its own host."""
    registry.put("debian:12", LABELS)
    assert look_up(ImageReference.parse("debian:12"), "linux/amd64")
    assert registry.asked[0] == "GET docker.io/library/debian/manifests/12"


# --- tokens ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", [{}, {"auth": "dTpw"}, {"identitytoken": "i"}])
def test_token(
    registry: MemoryRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: dict[str, str]
) -> None:
    """A token is asked for once to read, with the login that there is, and once more to write."""
    registry.realm, registry.login = "https://auth.example.com/token", "u:p" if entry else ""
    registry.put(NAME, LABELS)
    login(tmp_path, monkeypatch, entry)

    def ask(asked: Session) -> None:
        assert asked.manifest("1")
        asked.put_blob(b"content")

    within(None, REFERENCE, ask)
    method = "POST" if "identitytoken" in entry else "GET"
    assert [a for a in registry.asked if "auth" in a] == [f"{method} auth.example.com//token"] * 2
    assert str(Digest.of(b"content")) in registry.blobs


def test_token_refused(registry: MemoryRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token service that refuses the login is no registry that has nothing."""
    registry.realm, registry.login = "https://auth.example.com/token", "u:other"
    login(tmp_path, monkeypatch, {"auth": "dTpw"})
    with pytest.raises(RegistryError, match="refuses the stored login"):
        look_up(REFERENCE, "linux/amd64")


def test_registry_token(registry: MemoryRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry's own token is sent as it is; no token service is asked."""
    registry.realm = "https://auth.example.com/token"
    registry.put(NAME, LABELS)
    login(tmp_path, monkeypatch, {"registrytoken": "t"})
    assert look_up(REFERENCE, "linux/amd64")
    assert not [a for a in registry.asked if "auth" in a]


def test_no_repository(registry: MemoryRegistry) -> None:
    """A 404 without the specification's JSON is an empty list only from what is a registry."""
    registry.statuses[f"GET {PLACE}/tags/list"] = 404
    assert within(None, REFERENCE, lambda asked: asked.page("tags/list", 100, absent=True)) is None
    registry.statuses["GET registry.example.com/"] = 404
    with pytest.raises(RegistryError, match="answers with 404, but not like a registry"):
        within(None, REFERENCE, lambda asked: asked.page("tags/list", 100, absent=True))


def test_a_login_is_demanded_elsewhere(registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect's target gets no login, whatever it demands."""
    registry.login = "u:p"
    monkeypatch.setattr(MemoryTransport, "is_own", lambda *_: False)
    with pytest.raises(RegistryError, match="redirects to another place, which requires a login"):
        look_up(REFERENCE, "linux/amd64")
