"""The faults of a proxy in front of a registry.

Each takes `on`, a pattern in "METHOD /path", and `times`, the number of requests that it hits (by default all).
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypedDict, Unpack

from tests.harness.proxy import PIECE, Exchange, Fault
from tests.harness.registries import BASIC, PASSWORD, USER

TOKEN = "SECRET-token-of-the-test-91f2"
IDENTITY = "SECRET-identity-of-the-test-40aa"
BLOB = "GET .*/blobs/"


class Match(TypedDict, total=False):
    """The requests that a fault hits."""

    on: str
    times: int | None


def _fault(act: Callable[[Exchange], bool], match: Match, on: str = "") -> Fault:
    return Fault(act=act, on=match.get("on", on), times=match.get("times"))


def answers(
    status: int,
    body: bytes | str = b"",
    *,
    kind: str = "application/json",
    headers: Mapping[str, str] | None = None,
    **match: Unpack[Match],
) -> Fault:
    """An answer of our own instead of the registry's."""
    content = body.encode() if isinstance(body, str) else body

    def act(exchange: Exchange) -> bool:
        for _ in exchange.body():
            pass
        own = {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}
        exchange.answer(status, own.items(), [content])
        return True

    return _fault(act, match)


def refuses(
    status: int,
    code: str,
    message: str = "refused by the test",
    *,
    headers: Mapping[str, str] | None = None,
    **match: Unpack[Match],
) -> Fault:
    """A refusal in the form of the OCI distribution specification."""
    body = json.dumps({"errors": [{"code": code, "message": message, "detail": None}]})
    return answers(status, body, headers=headers, **match)


def html(status: int = 200, **match: Unpack[Match]) -> Fault:
    """A web page, as from a captive portal or a proxy."""
    page = "<!DOCTYPE html><html><body><h1>Please log in</h1></body></html>"
    return answers(status, page, kind="text/html; charset=utf-8", **match)


def slow(seconds: float, **match: Unpack[Match]) -> Fault:
    """A pause; then the request goes on."""

    def act(exchange: Exchange) -> bool:
        exchange.wait(seconds)
        return False

    return _fault(act, match)


def then(event: Callable[[], None], **match: Unpack[Match]) -> Fault:
    """Something that happens first, such as the registry's end; then the request goes on, as well as it can."""

    def act(exchange: Exchange) -> bool:
        event()
        return False

    return _fault(act, match)


def drips(part: str = "body", pace_s: float = 1, **match: Unpack[Match]) -> Fault:
    """The right answer, but its "headers" or its "body" come one byte at a time."""

    def act(exchange: Exchange) -> bool:
        if part == "headers":
            exchange.pass_on(head_pace_s=pace_s)
        else:
            exchange.pass_on(lambda _, pieces: (byte for piece in pieces for byte in exchange.drip(piece, pace_s)))
        return True

    return _fault(act, match)


def sends(raw: bytes, **match: Unpack[Match]) -> Fault:
    """These bytes in place of an HTTP answer, then the end of the connection; b"" closes it at once."""

    def act(exchange: Exchange) -> bool:
        exchange.wfile.write(raw)
        exchange.drop()
        return True

    return _fault(act, match)


def garbage(**match: Unpack[Match]) -> Fault:
    """An answer that is not HTTP."""
    return sends(b"\x00\xff\x15\x03\x01 what is this?\r\n\r\n" * 8, **match)


def closes(**match: Unpack[Match]) -> Fault:
    """The connection ends without an answer."""
    return sends(b"", **match)


def blackhole(**match: Unpack[Match]) -> Fault:
    """The connection stays open, and no answer ever comes."""
    return slow(86400, **match)


def cuts(after_bytes: int, **match: Unpack[Match]) -> Fault:
    """The connection ends in the middle of the right body, by default of a blob."""

    def act(exchange: Exchange) -> bool:
        def change(_: object, pieces: Iterator[bytes]) -> Iterator[bytes]:
            left = after_bytes
            for piece in pieces:
                yield piece[:left]
                left -= len(piece)
                if left <= 0:
                    return

        exchange.pass_on(change)
        exchange.drop()
        return True

    return _fault(act, match, BLOB)


def flip(content: bytes) -> bytes:
    """The content with one flipped bit in its middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :] if content else content


def tampers(change: Callable[[bytes], bytes] = flip, **match: Unpack[Match]) -> Fault:
    """Another body than the registry's, by default of a blob; the headers stay, except for the length."""

    def act(exchange: Exchange) -> bool:
        def other(headers: list[tuple[str, str]], pieces: Iterator[bytes]) -> Iterable[bytes]:
            content = change(b"".join(pieces))
            headers[:] = [pair for pair in headers if pair[0].lower() != "content-length"]
            headers.append(("Content-Length", str(len(content))))
            return [content]

        exchange.pass_on(other)
        return True

    return _fault(act, match, BLOB)


def endless(
    kind: str = "application/json",
    limit_bytes: int = 2 << 30,
    *,
    status: int = 200,
    piece: bytes = b" " * PIECE,
    headers: Mapping[str, str] | None = None,
    **match: Unpack[Match],
) -> Fault:
    """A body without an end (or with one, so that a faulty client does not fill the machine)."""

    def act(exchange: Exchange) -> bool:
        own = {"Content-Type": kind, **(headers or {})}
        exchange.answer(status, own.items(), (piece for _ in range(limit_bytes // len(piece))))
        return True

    return _fault(act, match, "GET ")


def redirects(host: str | None = None, **match: Unpack[Match]) -> Fault:
    """A redirect to the same path on another HOST:PORT, or for None endlessly to ourselves; by default of a blob."""

    def act(exchange: Exchange) -> bool:
        location = f"http://{host or exchange.host}{exchange.path}"
        return answers(307, headers={"Location": location}).act(exchange)

    return _fault(act, match, "(GET|HEAD) .*/blobs/")


def bearer(*, anonymous: bool = False, key: str = "token") -> Fault:
    """A registry that requires tokens: for USER and PASSWORD, for IDENTITY, for everybody if `anonymous`.

    key: the token's name in the answer to a GET of the token endpoint, "token" or "access_token"
    """

    def credentials_are_right(exchange: Exchange, form: Mapping[str, list[str]]) -> bool:
        if exchange.command == "GET":
            given = exchange.headers.get("Authorization")
            return given == BASIC or (anonymous and given is None)
        if form.get("grant_type") == ["refresh_token"]:
            return form.get("refresh_token") == [IDENTITY]
        return form.get("username") == [USER] and form.get("password") == [PASSWORD]

    def token(exchange: Exchange) -> Fault:
        form = urllib.parse.parse_qs(b"".join(exchange.body()).decode())
        if not credentials_are_right(exchange, form):
            return refuses(401, "UNAUTHORIZED")
        name = key if exchange.command == "GET" else "access_token"  # OAuth 2 allows only this name
        return answers(200, json.dumps({name: TOKEN, "expires_in": 300}))

    def act(exchange: Exchange) -> bool:
        if exchange.path.startswith("/token"):
            return token(exchange).act(exchange)
        if exchange.headers.get("Authorization") == f"Bearer {TOKEN}":
            return False
        challenge = f'Bearer realm="http://{exchange.host}/token",service="test"'
        if found := re.match(r"/v2/(.+)/(manifests|blobs|tags)/", exchange.path):
            actions = "pull" if exchange.command in ("GET", "HEAD") else "pull,push"
            challenge += f',scope="repository:{found[1]}:{actions}"'
        return refuses(401, "UNAUTHORIZED", headers={"WWW-Authenticate": challenge}).act(exchange)

    return _fault(act, {})
