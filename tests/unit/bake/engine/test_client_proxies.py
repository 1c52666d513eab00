"""The proxies that the docker client gives to containers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from desktop_bake.bake.engine.client_proxies import client_proxies

HOST = "unix:///var/run/docker.sock"
ALL = {
    "httpProxy": "http://user:secret@proxy.test:1",
    "httpsProxy": "http://proxy.test:2",
    "ftpProxy": "ftp://proxy.test:3",
    "noProxy": "localhost,.test",
    "allProxy": "socks5://proxy.test:4",
}


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The client's configuration."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


def test_all(client: Path) -> None:
    """Each proxy is a variable, in capitals and in small letters, as it stands."""
    client.write_text(json.dumps({"proxies": {"default": ALL}}))
    names = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    capitals = dict(zip(names, ALL.values(), strict=True))
    assert client_proxies(HOST) == capitals | {name.lower(): value for name, value in capitals.items()}


@pytest.mark.parametrize(
    ("proxies", "wanted"),
    [
        ({"default": {"httpProxy": "d"}}, "d"),
        ({"default": {"httpProxy": "d"}, HOST: {"httpProxy": "own"}}, "own"),
        ({"default": {"httpProxy": "d"}, HOST: {"httpProxy": ""}}, None),
        ({"default": {"httpProxy": "d"}, HOST: {}}, None),
        ({"default": {"httpProxy": "d"}, HOST: None}, None),
        ({"tcp://other:1": {"httpProxy": "other"}}, None),
        ({"default": {"httpProxy": 1}}, None),
        ({"default": []}, None),
        ([], None),
        ("text", None),
        (None, None),
    ],
)
def test_whose(client: Path, proxies: Any, wanted: str | None) -> None:
    """An engine's own entry precedes the default's, even if it is empty; anything that is no proxy is none."""
    client.write_text(json.dumps({"proxies": proxies}))
    assert client_proxies(HOST).get("HTTP_PROXY") == wanted
    assert client_proxies(HOST).get("http_proxy") == wanted


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}"])
def test_no_configuration(client: Path, content: str | None) -> None:
    """A configuration that is missing, or cannot be read, has no proxies."""
    if content is not None:
        client.write_text(content)
    assert client_proxies(HOST) == {}
