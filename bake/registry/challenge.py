"""How a registry asks for a login, and what its token service answers (RFC 9110, 11.6.1; distribution, "Auth")."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...generator.errors import RegistryError

_LONGEST_HEADER = 8192  # the usual limit of web servers; matching a pattern on megabytes may block for hours
_PARAMETER = re.compile(r'(?<![a-z])([a-z]+)="([^"]*)"')
_TOKEN = re.compile(r"[\x21-\x7e]+")


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL (RFC 6454, 4), which say who answers.

    Raises:
        ValueError: the text is not a URL.
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """What a `WWW-Authenticate` header asks for.

    Attributes:
        kind: the scheme in lower case, such as `bearer` or `basic`; empty if no login is asked for.
        realm: for `bearer`, the token service's URL.
        service, scope: what to send to that service.
    """

    kind: str = ""
    realm: str = ""
    service: str = ""
    scope: str = ""

    @classmethod
    def read(cls, header: str) -> Challenge:
        """Read the first challenge of a header; a malformed or too long header gives no known kind."""
        kind, _, rest = header[:_LONGEST_HEADER].partition(" ")
        parameters = dict(reversed(_PARAMETER.findall(rest)))
        return cls(kind=kind.lower(), **{n: parameters.get(n, "") for n in ("realm", "service", "scope")})

    def scope_for(self, repository: str, *, writes: bool) -> str:
        """The access to ask a token for: the scope of the challenge, or pulling and pushing at once for a write.

        Args:
            repository: the path within the registry.
            writes: whether the request writes.
        """
        if writes:  # some registries ask for pushing only, or for nothing, and then refuse such a token
            others = [scope for scope in self.scope.split() if not scope.startswith(f"repository:{repository}:")]
            return " ".join([*others, f"repository:{repository}:pull,push"])
        return self.scope or f"repository:{repository}:pull"

    def token_service(self, host: str, *, encrypted: bool) -> str:
        """The URL that a login may be sent to.

        Args:
            host: the registry, for messages.
            encrypted: whether the registry speaks TLS; its token service must then speak TLS too.

        Raises:
            RegistryError: the challenge names no such URL.
        """
        try:
            parts = urlsplit(self.realm)
            known = parts.scheme == "https" or (parts.scheme == "http" and not encrypted)
        except ValueError:
            known = False
        if not known or not parts.hostname or parts.username is not None:
            raise RegistryError(
                f"registry {host} names no token service that a login may be sent to", "check the host and the port"
            )
        return self.realm


def read_token(content: bytes, host: str) -> str:
    """The token in a token service's answer; `host` is the registry, for messages.

    Raises:
        RegistryError: there is no token, or a header cannot carry it.
    """
    try:
        answer = json.loads(content)
        token = answer.get("token") or answer["access_token"]
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):  # its text may contain the token
        token = None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise RegistryError(f"registry {host} gives a token that is not understood", "check the host and the port")
    return token
