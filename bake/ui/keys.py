"""Who may open the page: decided from a request's head alone.

The cookie is bound to a path that is random for each server. A browser sends a cookie to every port of a host, so
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
    """The decision on a request."""

    ADMITTED = 200
    EXCHANGED = 303
    FORBIDDEN = 403
    UNKNOWN = 404
    NO_METHOD = 405


@dataclass(frozen=True, kw_only=True)
class Head:
    """A request's head.

    Attributes:
        method, path, query: as received.
        headers: the name in lower case, and the value.
    """

    method: str
    path: str
    query: str = ""
    headers: Sequence[tuple[str, str]] = ()

    def one(self, name: str) -> str | None:
        """The value of a header that occurs once; None if it does not occur; empty if it occurs more than once."""
        found = [value for key, value in self.headers if key == name]
        return found[0] if len(found) == 1 else ("" if found else None)


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The random values that a server chooses when it starts.

    Attributes:
        token: 256 bits, in the address that is printed once.
        cookie: what a browser gets for the token.
        place: the path below which everything is.
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
        """The header that sets the cookie: only for this path, not for scripts, not for requests from other sites."""
        return f"{self.cookie_name}={self.cookie}; Path={self.place}; HttpOnly; SameSite=Strict"

    def one_more(self) -> str:
        """A token that opens the page once."""
        token = secrets.token_urlsafe(32)
        self.once.add(token)
        return token

    def decide(self, head: Head) -> Verdict:
        """Decide on a request.

        Its host must be a name of the loopback, with any port: `ssh -L` changes the port. It must come from our own
        page, by Origin and Sec-Fetch-Site, or be typed by a person; only the printed address may be followed from
        elsewhere. A request that changes something also needs a header that no form can send.
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
        """Whether one of its cookies is ours; other ports may set others of its name, or malformed ones."""
        pairs = (cookie.strip().partition("=") for cookie in (head.one("cookie") or "").split(";"))
        given = [value.encode(errors="replace") for name, _, value in pairs if name == self.cookie_name]
        return any(secrets.compare_digest(value, self.cookie.encode()) for value in given)
