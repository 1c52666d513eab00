"""What other programs print, without what is secret in it."""

from __future__ import annotations

import pytest

from desktop_bake.bake.system.redaction import without_secrets


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("nothing", "nothing"),
        ("https://u:p@h.example.com/a", "https://***@h.example.com/a"),
        ("https://token@h/a and http://b:c@d/", "https://***@h/a and http://***@d/"),
        ("GET https://h/a?X-Signature=s&b=c: 403", "GET https://h/a?*** 403"),
        ('"https://h/a?s=1"', '"https://h/a?***"'),
        ("mail user@example.com?subject=a", "mail user@example.com?subject=a"),
    ],
)
def test_urls(line: str, wanted: str) -> None:
    """Logins and signatures in URLs are hidden, and nothing else of a line."""
    assert without_secrets()(line) == wanted


@pytest.mark.parametrize(
    ("value", "line", "wanted"),
    [
        ("SECRET", "a SECRET b SECRET", "a *** b ***"),
        ("one-line\nother-line", "x other-line one-line", "x *** ***"),
        ("abc", "abc", "abc"),
        ("", "a", "a"),
        ("long\nlonger", "longer", "***"),
    ],
)
def test_values(monkeypatch: pytest.MonkeyPatch, value: str, line: str, wanted: str) -> None:
    """Each line of a secret is hidden, the longest first; what is too short would blank out everything."""
    monkeypatch.setenv("MINE", value)
    assert without_secrets(["MINE", "NOT_SET_ANYWHERE"])(line) == wanted
