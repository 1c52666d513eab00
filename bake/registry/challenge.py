"""How a registry asks for a login, and what its token service answers (RFC 9110, 11.6.1; distribution, "Auth")."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...generator.errors import RegistryError

_LONGEST_HEADER = 8192  # what web servers take; a pattern over megabytes may hold the interpreter for hours
_PARAMETER = re.compile(r'(?<![a-z])([a-z]+)="([^"]*)"')
_TOKEN = re.compile(r"[\x21-\x7e]+")


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL (RFC 6454, 4): who answers there.

    Raises:
        ValueError: it is no URL.
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """What a `WWW-Authenticate` header asks for.

    Attributes:
        kind: the scheme in lower case, such as `bearer` or `basic`; empty if nothing is asked.
        realm: of `bearer`, the token service's URL.
        service, scope: what that is to be told.
    """

    kind: str = ""
    realm: str = ""
    service: str = ""
    scope: str = ""

    @classmethod
    def read(cls, header: str) -> Challenge:
        """Read a header, of several challenges the first; what is malformed or too long asks for nothing known."""
        kind, _, rest = header[:_LONGEST_HEADER].partition(" ")
        parameters = dict(reversed(_PARAMETER.findall(rest)))
        return cls(kind=kind.lower(), **{n: parameters.get(n, "") for n in ("realm", "service", "scope")})

    def scope_for(self, repository: str, *, writes: bool) -> str:
        """The access that a token is asked for: what the challenge names; to write, pulling and pushing at once.

        Args:
            repository: the path within the registry.
            writes: whether the request writes.
        """
        if writes:  # some registries name pushing alone, or nothing, and then find the token to allow too little
            others = [scope for scope in self.scope.split() if not scope.startswith(f"repository:{repository}:")]
            return " ".join([*others, f"repository:{repository}:pull,push"])
        return self.scope or f"repository:{repository}:pull"

    def token_service(self, host: str, *, encrypted: bool) -> str:
        """The URL that a login may be sent to.

        Args:
            host: the registry, for messages.
            encrypted: whether the registry speaks TLS, so that its token service has to.

        Raises:
            RegistryError: there is none.
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
        RegistryError: there is none, or none that a header can hold.
    """
    try:
        answer = json.loads(content)
        token = answer.get("token") or answer["access_token"]
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):  # the token may be in its text
        token = None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise RegistryError(f"registry {host} gives a token that is not understood", "check the host and the port")
    return token
