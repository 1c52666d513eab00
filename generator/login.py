"""How a registry asks for a login, and what its token service answers (RFC 9110, 11.6.1; distribution, "Auth")."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from generator.errors import RegistryError

_LONGEST_HEADER = 8192  # what web servers take; a pattern over megabytes may hold the interpreter for hours
_PARAMETER = re.compile(r'(?<![a-z])([a-z]+)="([^"]*)"')
_TOKEN = re.compile(r"[\x21-\x7e]+")
_NEXT = re.compile(r'<([^<>]*)>;\s*rel="?next"?')


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """What a `WWW-Authenticate` header asks for.

    Attributes:
        kind: the scheme in lower case, such as `bearer` or `basic`; empty where nothing is asked.
        realm: of `bearer`, the token service's URL.
        service, scope: what that is to be told.
    """

    kind: str = ""
    realm: str = ""
    service: str = ""
    scope: str = ""

    @classmethod
    def read(cls, header: str) -> Challenge:
        """Read a header; one that is malformed or too long asks for nothing that is understood."""
        kind, _, rest = header[:_LONGEST_HEADER].partition(" ")
        parameters = dict(_PARAMETER.findall(rest))
        return cls(kind=kind.lower(), **{n: parameters.get(n, "") for n in ("realm", "service", "scope")})

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


def read_tags(content: bytes, host: str) -> tuple[str, ...]:
    """The tags in a page of a repository's list (OCI distribution spec 1.1, "Listing Tags"); `host` as `read_token`.

    Raises:
        RegistryError: it is no such page.
    """
    try:
        tags = json.loads(content)["tags"] or ()
        return tuple(tag for tag in tags if isinstance(tag, str))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RegistryError(
            f"registry {host} gives a list of tags that is not understood", "check the host and the port"
        ) from error


def next_page(link: str) -> str | None:
    """The tag after which the next page of a list begins, by a `Link` header (RFC 8288), or None."""
    found = _NEXT.search(link[:_LONGEST_HEADER])
    try:
        last = parse_qs(urlsplit(found[1]).query).get("last") if found else None
    except ValueError:
        return None
    return last[0] if last else None
