"""The proxies that the docker client sets in containers (docker/cli, `ConfigFile.ParseProxyConfig`)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ...generator.errors import RegistryError
from .docker_config import client_config

if TYPE_CHECKING:
    from collections.abc import Mapping


_VARIABLES = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "ftpProxy": "FTP_PROXY",
    "noProxy": "NO_PROXY",
    "allProxy": "ALL_PROXY",
}


def client_proxies(host: str) -> Mapping[str, str]:
    """Proxy variables for a container, each in upper and lower case; builds get theirs from buildx.

    Args:
        host: the engine's host, for which `proxies` in `config.json` may have an entry; else its `default` is used.
    """
    proxies: object = None
    with contextlib.suppress(RegistryError):  # docker, too, ignores a configuration that it cannot read
        proxies = client_config().get("proxies")
    if not isinstance(proxies, dict):
        return {}
    entry = proxies.get(host, proxies.get("default"))
    entry = entry if isinstance(entry, dict) else {}
    found = {name: entry[key] for key, name in _VARIABLES.items() if entry.get(key) and isinstance(entry[key], str)}
    return {spelt: value for name, value in found.items() for spelt in (name, name.lower())}
