"""One thing that changed."""

from __future__ import annotations

import pytest

from desktop_bake.bake.images.change import Change, platform_changes, verb_of
from desktop_bake.bake.images.inputs import Inputs


@pytest.mark.parametrize(
    ("before", "after", "verb"), [("a", "a", None), (None, "a", "added"), ("a", None, "removed"), ("a", "b", "changed")]
)
def test_what_became_of_it(before: str | None, after: str | None, verb: str | None) -> None:
    """Something came, went, became another, or is the same."""
    assert verb_of(before, after) == verb


def test_platforms() -> None:
    """Platforms that changed are both reported, sorted; none are the builder's own."""
    none, both = Inputs(), Inputs(platforms=frozenset({"linux/arm64", "linux/amd64"}))
    assert list(platform_changes("preflight", none, none)) == []
    said = "platforms changed from the builder's own to linux/amd64, linux/arm64"
    (change,) = platform_changes("preflight", none, both)
    assert change == Change(part="preflight", said=said, before="the builder's own", after="linux/amd64, linux/arm64")
