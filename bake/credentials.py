"""Registry credentials, from where the docker client keeps them (docker login; docker-credential-helpers)."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bake.client_config import client_config
from generator.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Mapping

HELPER_TIMEOUT_S = 5.0
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_HUB_SERVER = "https://index.docker.io/v1/"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A user and a password, or an identity token; neither is ever printed.

    Attributes:
        username: the user; `<token>` where the secret is an identity token (docker-credential-helpers, README).
        secret: password or identity token.

    Raises:
        RegistryError: one of them holds what no header can carry.
    """

    username: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        try:
            (self.username + self.secret).encode()
        except UnicodeEncodeError:  # its text may hold the secret
            raise RegistryError("a stored login holds what is no text", "log in again: docker login") from None

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
        except ValueError:  # its text may hold the login
            raise RegistryError(f"the stored login for {host} cannot be read", f"run: docker login {host}") from None
        return Credentials(username=user, secret=secret.rstrip("\0")) if colon else None
    if entry.get("username"):
        return Credentials(username=str(entry["username"]), secret=str(entry.get("password", "")))
    return None


def _ask(helper: str, server: str) -> Credentials | None:
    """Ask `docker-credential-HELPER get` (docker-credential-helpers, README, "Development")."""
    if not _HELPER.fullmatch(helper):
        raise RegistryError(f"config.json names the credential helper {helper[:80]!r}", "name it without its folder")
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
    found = read_answer(done.stdout)
    if found is None:
        raise RegistryError(f"the answer of the credential helper {program} is not understood", remedy)
    return found


def read_answer(content: bytes) -> Credentials | None:
    """The credentials in a helper's answer, or None where it is none."""
    try:
        answer = json.loads(content)
        return Credentials(username=str(answer["Username"]), secret=str(answer["Secret"]))
    except (ValueError, KeyError, TypeError, RecursionError, RegistryError):
        return None
