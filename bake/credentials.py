"""Registry credentials, from where the docker client keeps them (docker login; docker-credential-helpers)."""

from __future__ import annotations

import base64
import binascii
import json
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bake.client_config import client_config
from generator.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Mapping

HELPER_TIMEOUT_S = 5.0
_HUB_SERVER = "https://index.docker.io/v1/"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A user and a password, or an identity token; neither is ever printed.

    Attributes:
        username: the user; `<token>` where the secret is an identity token (docker-credential-helpers, README).
        secret: password or identity token.
    """

    username: str
    secret: str = field(repr=False)

    @property
    def is_identity_token(self) -> bool:
        """Whether the secret is to be exchanged for an access token (distribution, "Token OAuth2")."""
        return self.username == "<token>"

    def basic(self) -> str:
        """The `Authorization` header of HTTP Basic (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.secret}".encode()).decode()


def credentials_for(host: str) -> Credentials | None:
    """The credentials for a registry, or None where the docker client has none.

    Args:
        host: `host[:port]` as in image references; `docker.io` for Docker Hub.

    Raises:
        RegistryError: config.json or the credential helper cannot be read or run.
    """
    config = client_config()
    servers = [_HUB_SERVER] if host == "docker.io" else [host, f"https://{host}", f"http://{host}"]
    helper = _table(config, "credHelpers").get(servers[0]) or config.get("credsStore")
    if isinstance(helper, str) and helper:
        return _ask(helper, servers[0])
    entries = {_bare(server): entry for server, entry in _table(config, "auths").items() if isinstance(entry, dict)}
    entry = entries.get(_bare(servers[0]))
    return _stored(entry, host) if entry else None


def _table(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = config.get(name)
    return table if isinstance(table, dict) else {}


def _bare(server: str) -> str:
    return server.removeprefix("https://").removeprefix("http://").split("/", 1)[0]


def _stored(entry: Mapping[str, Any], host: str) -> Credentials | None:
    if entry.get("identitytoken"):
        return Credentials(username="<token>", secret=str(entry["identitytoken"]))
    if entry.get("auth"):
        try:
            user, colon, secret = base64.b64decode(str(entry["auth"]), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise RegistryError(f"the stored login for {host} cannot be read", f"run: docker login {host}") from error
        return Credentials(username=user, secret=secret.rstrip("\0")) if colon else None
    if entry.get("username"):
        return Credentials(username=str(entry["username"]), secret=str(entry.get("password", "")))
    return None


def _ask(helper: str, server: str) -> Credentials | None:
    """Ask `docker-credential-HELPER get` (docker-credential-helpers, README, "Development")."""
    program = f"docker-credential-{helper}"
    remedy = f"check that 'echo {server} | {program} get' works"
    try:
        done = subprocess.run([program, "get"], input=server.encode(), capture_output=True, timeout=HELPER_TIMEOUT_S,
                              check=False)  # fmt: skip
    except FileNotFoundError as error:
        raise RegistryError(f"the credential helper {program} is not installed", remedy) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RegistryError(f"the credential helper {program} did not answer", remedy) from error
    if done.returncode:
        if b"credentials not found" in done.stdout + done.stderr:
            return None
        raise RegistryError(f"the credential helper {program} failed with status {done.returncode}", remedy)
    try:
        answer = json.loads(done.stdout)
        return Credentials(username=str(answer["Username"]), secret=str(answer["Secret"]))
    except (ValueError, KeyError, TypeError) as error:
        raise RegistryError(f"the answer of the credential helper {program} is not understood", remedy) from error
