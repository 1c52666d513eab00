"""Which platform runs an image of which."""

from __future__ import annotations

import pytest

from desktop_bake.bake.registry.platforms import same_platform


@pytest.mark.parametrize(
    ("image", "wanted", "runs"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm64", "linux/amd64", False),
        ("windows/amd64", "linux/amd64", False),
        ("linux", "linux/amd64", False),
    ],
)
def test_same(image: str, wanted: str, runs: bool) -> None:
    """System and architecture count, a variant does not."""
    assert same_platform(image, wanted) is runs
