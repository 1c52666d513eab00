"""What a registry's refusals mean, and what to do about each."""

from __future__ import annotations

import pytest

from desktop_bake.bake.registry.refusal import Refusal, error_codes
from tests.harness.every import every

HOST = "r.example.com"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b'{"errors": [{"code": "DENIED"}, {"code": "x y"}]}', ("DENIED", "XY")),
        (b'{"errors": []}', ()),
        (b'{"errors": [1]}', ()),
        (b'{"errors": null}', ()),
        (b"<html>", ()),
        (b"[" * 100_000, ()),
        (b'{"errors": [{"code": "%s"}]}' % (b"A" * 50), ("A" * 40,)),
    ],
)
def test_error_codes(content: bytes, wanted: tuple[str, ...]) -> None:
    """A registry's own codes; nothing for any other page."""
    assert error_codes(content) == wanted


@every(
    ("status", "more", "says", "remedy"),
    [
        (401, {}, "requires a login", "run: docker login r.example.com"),
        (401, {"login": True}, "refuses the stored login", "log in again: docker login r.example.com"),
        (403, {"action": "delete"}, "denies access to a/b", "ask for permission to delete there"),
        (404, {}, "answers with 404, but not like a registry", "check the host and the port"),
        (429, {"retry_after": "30"}, "limits the rate of requests", "wait 30 s, or log in for a higher limit"),
        (429, {"retry_after": "soon"}, "limits the rate of requests", "wait a while, or log in for a higher limit"),
        (429, {"retry_after": "9" * 7}, "limits the rate of requests", "wait a while, or log in for a higher limit"),
        (500, {}, "failed with status 500", "try again later, or ask its operator"),
        (418, {}, "answers with status 418", "check the host and the port"),
        (403, {"codes": ("DENIED", "X")}, "denies access to a/b (DENIED)", "ask for permission to pull there"),
    ],
)
def test_refusal(status: int, more: dict[str, object], says: str, remedy: str) -> None:
    """Each status has its meaning and a remedy that helps."""
    error = Refusal(host=HOST, repository="a/b", status=status, **more).error()  # type: ignore[arg-type]
    assert (str(error), error.remedy) == (f"registry r.example.com {says}", remedy)


@every("status", [301, 400, 401, 403, 404, 405, 418, 429, 500, 503])
def test_every_refusal_has_a_remedy(status: int) -> None:
    """Each status is one line with the host, and a remedy."""
    for login in (False, True):
        error = Refusal(host="h:1", repository="a/b", status=status, codes=("CODE",), login=login).error()
        assert "registry h:1" in str(error)
        assert "(CODE)" in str(error)
        assert error.remedy


def test_a_hostile_retry_after_is_not_repeated() -> None:
    """What a header contains is repeated only if it is a number of seconds."""
    assert "wait 7 s" in Refusal(host="h", repository="a", status=429, retry_after="7").error().remedy
    assert "wait a while" in Refusal(host="h", repository="a", status=429, retry_after="\x1b[31m7").error().remedy
