"""How a registry asks for a login, and what it is answered."""

from __future__ import annotations

import time

import pytest

from desktop_bake import RegistryError
from desktop_bake.bake.registry.challenge import Challenge, origin, read_token
from tests.harness.every import every

HOST = "r.example.com"
BEARER = 'Bearer realm="https://t.example.com/token",service="s",scope="repository:a:pull"'


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", Challenge()),
        ("Basic realm=registry", Challenge(kind="basic")),
        (BEARER, Challenge(kind="bearer", realm="https://t.example.com/token", service="s", scope="repository:a:pull")),
        (BEARER.replace("Bearer", "BEARER"), Challenge.read(BEARER)),
        ('Bearer xrealm="a", realm="b"', Challenge(kind="bearer", realm="b")),
        ('Bearer realm="' + "x" * 9000 + '"', Challenge(kind="bearer")),
    ],
)
def test_read(header: str, wanted: Challenge) -> None:
    """A header's scheme and parameters; one that is malformed or too long names nothing."""
    assert Challenge.read(header) == wanted


def test_a_long_header_takes_no_time() -> None:
    """Megabytes of a header cost no more than its beginning."""
    began = time.monotonic()
    Challenge.read('Bearer realm="a' + 'b="' * 3_000_000)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("scope", "writes", "wanted"),
    [
        ("", False, "repository:a/b:pull"),
        ("repository:a/b:pull", False, "repository:a/b:pull"),
        ("registry:catalog:*", False, "registry:catalog:*"),
        ("", True, "repository:a/b:pull,push"),
        ("repository:a/b:push", True, "repository:a/b:pull,push"),
        ("aws repository:a/b:push repository:c:pull", True, "aws repository:c:pull repository:a/b:pull,push"),
    ],
)
def test_scope(scope: str, writes: bool, wanted: str) -> None:
    """To read, what the challenge names; to write, pulling and pushing at once."""
    assert Challenge(scope=scope).scope_for("a/b", writes=writes) == wanted


@every(
    ("realm", "encrypted", "fits"),
    [
        ("https://t.example.com/token", True, True),
        ("https://t.example.com/token", False, True),
        ("http://t.example.com/token", False, True),
        ("http://t.example.com/token", True, False),
        ("https://u:p@t.example.com/", True, False),
        ("https://[::1", True, False),
        ("https:///token", True, False),
        ("file:///etc/passwd", False, False),
        ("", True, False),
    ],
)
def test_token_service(realm: str, encrypted: bool, fits: bool) -> None:
    """A login goes to a token service with TLS, unless the registry itself has none, and to no odd address."""
    if fits:
        assert Challenge(realm=realm).token_service(HOST, encrypted=encrypted) == realm
    else:
        with pytest.raises(RegistryError, match="names no token service that a login may be sent to"):
            Challenge(realm=realm).token_service(HOST, encrypted=encrypted)


@every(
    ("content", "wanted"),
    [
        (b'{"token": "a.b-c"}', "a.b-c"),
        (b'{"access_token": "a"}', "a"),
        (b'{"token": "", "access_token": "a"}', "a"),
        (b'{"token": "a b"}', None),
        (b'{"token": "a\\r\\nX: y"}', None),
        (b'{"token": 1}', None),
        (b"{}", None),
        (b"[]", None),
        (b"<html>", None),
        (b"[" * 100_000, None),
    ],
)
def test_token(content: bytes, wanted: str | None) -> None:
    """A token that a header can hold, or an error without its text."""
    if wanted:
        assert read_token(content, HOST) == wanted
    else:
        with pytest.raises(RegistryError, match=r"registry r\.example\.com gives a token that is not understood"):
            read_token(content, HOST)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a", "https://a:443/x", True),
        ("http://a", "http://A:80", True),
        ("https://a", "http://a", False),
        ("https://a", "https://a:444", False),
        ("https://a", "https://a.b", False),
    ],
)
def test_origin(one: str, other: str, same: bool) -> None:
    """Scheme, host and port say who answers."""
    assert (origin(one) == origin(other)) is same
