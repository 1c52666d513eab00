"""What every target of a bake file shares."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop_bake import BakeOptions, ConfigurationError, Digest, ImageReference
from tests.harness.bake_files import TEAM
from tests.harness.every import every


@every(
    ("changed", "says"),
    [
        ({"repository": ImageReference.parse("a:t")}, "carries a tag or digest"),
        ({"repository": ImageReference.parse(f"a@{Digest.of(b'')}")}, "carries a tag or digest"),
        ({"cache_backend": "disk"}, "unknown cache backend"),
        ({"compression": "lz4"}, "unknown compression"),
        ({"attest": ("sbom",)}, "malformed attestation"),
        ({"alias_tags": ("a b",)}, "malformed alias tag"),
        ({"alias_tags": ("latest",), "environments": ("a", "b")}, "would name the image of several environments:"),
        ({"image_labels": {"a b": "c"}}, "image_labels: malformed name"),
        ({"annotations": {"a b": "c"}}, "annotations: malformed name"),
    ],
)
def test_what_is_refused(changed: dict[str, object], says: str) -> None:
    """A value that would not reach BuildKit as it is, or not mean one thing, is refused in one line with a remedy."""
    with pytest.raises(ConfigurationError, match=says) as caught:
        replace(TEAM, **changed)  # type: ignore[arg-type]
    assert caught.value.remedy


def test_defaults() -> None:
    """A repository is enough."""
    options = BakeOptions(repository=ImageReference.parse("a"))
    assert (options.cache_backend, options.alias_tags, dict(options.annotations)) == ("local", (), {})
