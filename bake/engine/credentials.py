"""Registry credentials, read where the docker client keeps them, by its rules.

Source: docker/cli, `cli/config/configfile` and `cli/config/credentials`; docker-credential-helpers, README.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...generator.errors import RegistryError
from .docker_config import client_config, config_folder

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping


HELPER_TIMEOUT_S = 30
ENVIRONMENT_VARIABLE = "DOCKER_AUTH_CONFIG"
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_HUB_SERVER = "https://index.docker.io/v1/"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A user and a password, an identity token, or a registry token; no secret is ever printed.

    Attributes:
        username: the user; empty or `<token>` if the secret is an identity token (docker-credential-helpers, README).
        secret: the password or token.
        is_registry_token: whether the secret is sent to the registry as it is (`registrytoken` of config.json).

    Raises:
        RegistryError: one of them has a character that no header can carry.
    """

    username: str
    secret: str = field(repr=False)
    is_registry_token: bool = False

    def __post_init__(self) -> None:
        try:
            (self.username + self.secret).encode("ascii" if self.is_registry_token else "utf-8")
            is_text = not (self.is_registry_token and re.search(r"[\0-\x20\x7f]", self.secret))
        except UnicodeEncodeError:  # its message may contain the secret
            is_text = False
        if not is_text:
            raise RegistryError("a stored login is not text", "log in again: docker login") from None

    @property
    def is_identity_token(self) -> bool:
        """Whether the secret has to be exchanged for an access token (distribution, "Token OAuth2")."""
        return self.username in ("", "<token>") and not self.is_registry_token

    def basic(self) -> str:
        """The `Authorization` header of HTTP Basic (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.secret}".encode()).decode()


class Logins:
    """The logins for one run of a program: each credential helper is asked once for each registry.

    A failure is remembered, too, so that we wait only once for a helper that hangs.
    """

    def __init__(self) -> None:
        self._answers: dict[Hashable, Credentials | RegistryError | None] = {}
        self._guard = threading.Lock()
        self._turns: dict[Hashable, threading.Lock] = {}

    def find(self, host: str, helper_timeout_s: float = HELPER_TIMEOUT_S) -> Credentials | None:
        """The credentials for a registry, or None if the docker client has none.

        Args:
            host: `host[:port]` as in image references; `docker.io` for Docker Hub.
            helper_timeout_s: time limit of a credential helper, in seconds.

        Raises:
            RegistryError: config.json, DOCKER_AUTH_CONFIG or the credential helper cannot be read or run.
        """
        server = _HUB_SERVER if host in ("docker.io", "index.docker.io") else host
        of_environment, malformed = _of_environment()
        if server in of_environment:
            return of_environment[server] if of_environment[server].secret else None
        found = self._configured(server, host, helper_timeout_s)
        if found is None and malformed:  # the docker client ignores it, too, but says so
            raise malformed
        return found

    def _configured(self, server: str, host: str, helper_timeout_s: float) -> Credentials | None:
        config = client_config()
        entry = _entry(config, server)
        if token := entry.get("registrytoken"):
            return Credentials(username="", secret=str(token), is_registry_token=True)
        helpers = _table(config, "credHelpers")
        helper = helpers[server] if server in helpers else config.get("credsStore")
        if isinstance(helper, str) and helper:
            return self._once(helper, server, helper_timeout_s)
        return _stored(entry, host)

    def _once(self, helper: str, server: str, limit_s: float) -> Credentials | None:
        key = (str(config_folder()), helper, server)
        with self._guard:
            turn = self._turns.setdefault(key, threading.Lock())
        with turn:
            if key not in self._answers:
                try:
                    self._answers[key] = _ask(helper, server, limit_s)
                except RegistryError as error:
                    self._answers[key] = error
            answer = self._answers[key]
        if isinstance(answer, RegistryError):
            raise answer
        return answer


def _table(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = config.get(name)
    return table if isinstance(table, dict) else {}


def _entry(config: Mapping[str, Any], server: str) -> dict[str, Any]:
    """The entry in `auths` for a registry: the one with its exact name, else the first one with its host."""
    auths = {name: entry for name, entry in _table(config, "auths").items() if isinstance(entry, dict)}
    if server in auths:
        return auths[server]
    return next((entry for name, entry in auths.items() if _host_of(name) == server), {})


def _host_of(server: str) -> str:
    """`host[:port]` of a registry's name or URL (docker/cli, `ConvertToHostname`)."""
    if "://" in server:
        try:
            parts = urlsplit(server)
            name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
            if name:
                return name if parts.port is None else f"{name}:{parts.port}"
        except ValueError:
            pass
    return server.rpartition("://")[2].split("/", 1)[0]


def _of_environment() -> tuple[dict[str, Credentials], RegistryError | None]:
    """The logins in `DOCKER_AUTH_CONFIG`, or why there are none; it knows only exact names and `auth`."""
    text = os.environ.get(ENVIRONMENT_VARIABLE)
    if not text:
        return {}, None
    try:
        table = json.loads(text)
        auths = table.get("auths") or {}
        found = {server: _decoded(entry["auth"]) for server, entry in auths.items()}
        is_known = not set(table) - {"auths"} and all(set(entry) == {"auth"} for entry in auths.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, RegistryError):  # it may contain a login
        is_known = False
    if not is_known:
        return {}, RegistryError(
            f"{ENVIRONMENT_VARIABLE} is not as the docker client takes it",
            'write {"auths": {"HOST": {"auth": "…"}}} with base64 of USER:PASSWORD, and nothing else',
        )
    return found, None


def _decoded(auth: str) -> Credentials:
    """Decode user and password from base64.

    Raises:
        ValueError: there are none.
    """
    content = base64.b64decode(auth.replace("\r", "").replace("\n", ""), validate=True).decode()
    user, colon, secret = content.partition(":")
    if not colon or not user:
        raise ValueError
    return Credentials(username=user, secret=secret.strip("\0"))


def _stored(entry: Mapping[str, Any], host: str) -> Credentials | None:
    if entry.get("identitytoken"):
        return Credentials(username="<token>", secret=str(entry["identitytoken"]))
    if entry.get("auth"):
        try:
            found = _decoded(str(entry["auth"]))
        except ValueError:  # its message may contain the login
            raise RegistryError(f"the stored login for {host} cannot be read", f"run: docker login {host}") from None
        return found if found.secret else None
    if entry.get("password"):
        return Credentials(username=str(entry.get("username") or ""), secret=str(entry["password"]))
    return None


def _ask(helper: str, server: str, limit_s: float) -> Credentials | None:
    """Ask `docker-credential-HELPER get` (docker-credential-helpers, README, "Development")."""
    if not _HELPER.fullmatch(helper):
        raise RegistryError(f"config.json names the credential helper {helper[:80]!r}", "name it without its folder")
    program = f"docker-credential-{helper}"
    remedy = f"check that 'echo {server} | {program} get' works"
    try:
        done = subprocess.run(
            [program, "get"], input=server.encode(), capture_output=True, timeout=limit_s, check=False
        )
    except FileNotFoundError as error:
        raise RegistryError(f"the credential helper {program} is not installed", remedy) from error
    except subprocess.TimeoutExpired as error:
        raise RegistryError(
            f"the credential helper {program} did not answer within {limit_s:g} s",
            f"{remedy}, or raise credential_helper_timeout_s",
        ) from error
    except OSError as error:
        raise RegistryError(f"the credential helper {program} cannot be run: {error.strerror}", remedy) from error
    if done.returncode:
        if b"credentials not found" in done.stdout + done.stderr:
            return None
        raise RegistryError(f"the credential helper {program} failed with status {done.returncode}", remedy)
    try:
        return read_answer(done.stdout)
    except ValueError:  # its message may contain the login
        raise RegistryError(f"the answer of the credential helper {program} is not understood", remedy) from None


def read_answer(content: bytes) -> Credentials | None:
    """The credentials in a helper's answer; None without a secret: some helpers answer this way if they have none.

    Raises:
        ValueError: it is not a helper's answer.
    """
    try:
        answer = json.loads(content)
        secret = str(answer.get("Secret") or "")
        return Credentials(username=str(answer.get("Username") or ""), secret=secret) if secret else None
    except (AttributeError, RecursionError, RegistryError) as error:
        raise ValueError from error
