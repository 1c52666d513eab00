"""Digests and references."""

import pytest

from desktop_bake import ConfigurationError, Digest, ImageReference
from tests.harness.every import every

D = "sha256:" + "a" * 64


@every(
    ("text", "shown", "domain", "path"),
    [
        ("debian", "debian", "docker.io", "library/debian"),
        ("debian:bookworm", "debian:bookworm", "docker.io", "library/debian"),
        ("docker.io/library/debian:1", "debian:1", "docker.io", "library/debian"),
        (
            "lunamidori5/pixelarch:emerald",
            "lunamidori5/pixelarch:emerald",
            "docker.io",
            "lunamidori5/pixelarch",
        ),
        ("localhost/x", "localhost/x", "localhost", "x"),
        ("127.0.0.1:5000/a/b:t", "127.0.0.1:5000/a/b:t", "127.0.0.1:5000", "a/b"),
        ("[::1]:5000/a", "[::1]:5000/a", "[::1]:5000", "a"),
        (f"r.example.com/a@{D}", f"r.example.com/a@{D}", "r.example.com", "a"),
        (f"r.example.com/a:t@{D}", f"r.example.com/a:t@{D}", "r.example.com", "a"),
    ],
)
def test_parse(text: str, shown: str, domain: str, path: str) -> None:
    """A reference is read as docker reads it and printed in docker's short form."""
    reference = ImageReference.parse(text)
    assert (str(reference), reference.domain, reference.path) == (shown, domain, path)
    assert ImageReference.parse(str(reference)) == reference


@every(
    ("text", "says"),
    [
        ("", "malformed image reference"),
        ("Upper/case", "malformed"),
        ("UPPER", "malformed image reference"),
        ("a b", "malformed image reference"),
        ("a:" + "t" * 129, "malformed tag"),
        ("a:-x", "malformed tag"),
        ("a:", "malformed tag"),
        ("a@sha256:abc", "malformed digest"),
        ("a@", "malformed digest"),
        ("-x/y", "malformed"),
        ("a\nb", "malformed image reference"),
        ("a//b", "malformed image reference"),
        ("--flag", "malformed image reference"),
    ],
)
def test_refused(text: str, says: str) -> None:
    """Anything that is no reference is refused in one line with a remedy."""
    with pytest.raises(ConfigurationError, match=says) as caught:
        ImageReference.parse(text)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_long_tag_says_how_long() -> None:
    """A tag over 128 characters is refused with its length."""
    with pytest.raises(ConfigurationError) as caught:
        ImageReference.parse("a:" + "t" * 129)
    assert "129" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "A" * 64, "sha512:" + "a" * 64, D + "\n", "a" * 64])
def test_digest_refused(text: str) -> None:
    """A digest that exists is right."""
    with pytest.raises(ConfigurationError, match="malformed digest"):
        Digest(text)
