"""Who gets to the page: decided from a request's head alone.

The cookie lies on a path that is drawn anew for each server. A browser sends a cookie to every port of a host, so that
another user's server on this machine would get ours, too; but not on a path that it does not know.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Sequence


HEADER = "x-desktop-bake"
_HOST = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?")
_OWN_SITES = ("same-origin", "none")
_READ = ("GET", "HEAD")


class Verdict(Enum):
    """What becomes of a request."""

    ADMITTED = 200
    EXCHANGED = 303
    FORBIDDEN = 403
    UNKNOWN = 404
    NO_METHOD = 405


@dataclass(frozen=True, kw_only=True)
class Head:
    """A request's head.

    Attributes:
        method, path, query: as they came.
        headers: name in lower case, and value.
    """

    method: str
    path: str
    query: str = ""
    headers: Sequence[tuple[str, str]] = ()

    def one(self, name: str) -> str | None:
        """The value of a header that is there once; None if it is not there; empty if it is there more than once."""
        found = [value for key, value in self.headers if key == name]
        return found[0] if len(found) == 1 else ("" if found else None)


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What a server draws when it starts.

    Attributes:
        token: of 256 bits, in the address that is printed once.
        cookie: what a browser gets for it.
        place: the path below which everything lies.
    """

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    place: str = field(default_factory=lambda: f"/{secrets.token_urlsafe(12)}/")
    once: set[str] = field(default_factory=set, repr=False)

    @property
    def cookie_name(self) -> str:
        """The cookie's name."""
        return "desktop-bake"

    def set_cookie(self) -> str:
        """The header that gives a browser the cookie: for this path, no script, and no request of another site."""
        return f"{self.cookie_name}={self.cookie}; Path={self.place}; HttpOnly; SameSite=Strict"

    def one_more(self) -> str:
        """A token that opens the page once."""
        token = secrets.token_urlsafe(32)
        self.once.add(token)
        return token

    def decide(self, head: Head) -> Verdict:
        """What becomes of a request.

        Its host is a name of the loopback, whatever the port: behind `ssh -L` it is another. It is of our own page, by
        Origin and Sec-Fetch-Site, or typed by a person; only the address that was printed may be followed from
        elsewhere. What changes something has a header, too, that no form can send.
        """
        host, origin = head.one("host") or "", head.one("origin")
        if not _HOST.fullmatch(host) or (origin is not None and origin != f"http://{host}"):
            return Verdict.FORBIDDEN
        if not secrets.compare_digest(head.path[: len(self.place)].encode(), self.place.encode()):
            return Verdict.UNKNOWN
        if head.method not in (*_READ, "POST"):
            return Verdict.NO_METHOD
        if head.method == "GET" and head.path == self.place and (tokens := parse_qs(head.query).get("token")):
            return Verdict.EXCHANGED if self._opens(tokens[0]) else Verdict.FORBIDDEN
        if (head.one("sec-fetch-site") or "none") not in _OWN_SITES or not self._has_cookie(head):
            return Verdict.FORBIDDEN
        if head.method == "POST" and (origin is None or head.one(HEADER) != "1"):
            return Verdict.FORBIDDEN
        return Verdict.ADMITTED

    def _opens(self, token: str) -> bool:
        given = token.encode(errors="replace")
        for once in tuple(self.once):
            if secrets.compare_digest(given, once.encode()):
                self.once.discard(once)
                return True
        return secrets.compare_digest(given, self.token.encode())

    def _has_cookie(self, head: Head) -> bool:
        """Whether one of its cookies is ours, whatever others set at other ports: of the same name, or malformed."""
        pairs = (cookie.strip().partition("=") for cookie in (head.one("cookie") or "").split(";"))
        given = [value.encode(errors="replace") for name, _, value in pairs if name == self.cookie_name]
        return any(secrets.compare_digest(value, self.cookie.encode()) for value in given)
