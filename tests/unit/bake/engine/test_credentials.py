"""Which login a registry gets: the one that the docker client would send; a credential helper is asked once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop_bake import RegistryError
from desktop_bake.bake.engine.credentials import Credentials, Logins
from tests.harness.logins import A, B, C
from tests.harness.registries import PASSWORD

HUB = "https://index.docker.io/v1/"


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker client configuration of this test alone."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


@pytest.mark.parametrize(
    ("auths", "host", "user"),
    [
        ({HUB: A, "docker.io": B}, "docker.io", "a"),
        ({HUB: A}, "index.docker.io", "a"),
        ({"docker.io": B, "index.docker.io": B, "https://index.docker.io": B}, "docker.io", None),
        ({"https://[::1]:5000/v2/": A}, "[::1]:5000", "a"),
        ({"https://r.example.com:443/": A}, "r.example.com", None),
    ],
)
def test_names_of_registries(own_config: Path, auths: dict[str, Any], host: str, user: str | None) -> None:
    """Docker Hub has the one name of its index, and other hosts' names are read as the docker client reads them."""
    own_config.write_text(json.dumps({"auths": auths}))
    found = Logins().find(host)
    assert (found and found.username) == user


def test_a_variable_that_is_malformed_is_told(own_config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_AUTH_CONFIG that the docker client passes over is named, unless there is another login; no secret is."""
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {"r.example.com": {**A, "x": PASSWORD}}}))
    with pytest.raises(RegistryError, match="DOCKER_AUTH_CONFIG is not as the docker client takes it") as caught:
        Logins().find("r.example.com")
    assert PASSWORD not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.remedy}"
    own_config.write_text(json.dumps({"auths": {"r.example.com": C}}))
    assert Logins().find("r.example.com") == Credentials(username="c", secret="SECRET-c")


def test_a_slow_helper_names_its_setting(own_config: Path, helper: Callable[[str, str], Path]) -> None:
    """A helper that does not answer in time is told with the setting that waits longer."""
    helper("slow", "exec sleep 20")
    own_config.write_text(json.dumps({"credsStore": "slow"}))
    with pytest.raises(RegistryError, match=r"docker-credential-slow did not answer within 0\.2 s") as caught:
        Logins().find("r.example.com", 0.2)
    assert "credential_helper_timeout_s" in caught.value.remedy
