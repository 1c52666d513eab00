"""The reason of a miss, in one line, against the nearest of our images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from desktop_bake import Digest, Settings
from desktop_bake.bake.images.history import write_record
from desktop_bake.bake.images.reason import candidate_of, reason_of
from tests.harness.recipes import KEY, OFFICE
from tests.harness.work import order

NAME = OFFICE.base_image.named
OTHER = Digest.of(b"other")
SETTINGS = Settings(root=Path("/project"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ([{"setup": OTHER}], "setup script"),
        ([{"install": OTHER}], "install script"),
        ([{"base": OTHER}], "base"),
        ([{"setup": OTHER, "install": OTHER}], "install script"),
        ([{"setup": OTHER, "install": OTHER}, {"setup": OTHER}], "setup script"),
    ],
)
def test_what_changed(changes: list[dict[str, Digest]], says: str) -> None:
    """The line names what changed against the image that shares the most."""
    ours = [replace(KEY, **change).labels(NAME) for change in changes]  # type: ignore[arg-type]
    reason = reason_of(order(SETTINGS), SETTINGS, ours)
    assert says in reason
    assert "\n" not in reason
    if says == "setup script":
        assert "install" not in reason


def test_nothing_to_compare_with() -> None:
    """Without an image that proves a key there is nothing that changed."""
    first = reason_of(order(SETTINGS), SETTINGS, [])
    assert first
    none_of_ours: list[dict[str, str]] = [{}, {"a": "b"}, {**KEY.labels(NAME), "desktop-bake.schema": "2"}]
    assert reason_of(order(SETTINGS), SETTINGS, none_of_ours) == first


def test_ones_own_is_nearer() -> None:
    """Among equally near images, the one that this environment had before is compared."""
    mine, theirs = replace(KEY, setup=OTHER), replace(KEY, install=OTHER)
    write_record(order(SETTINGS, mine), SETTINGS)
    for ours in ([mine, theirs], [theirs, mine]):
        reason = reason_of(order(SETTINGS), SETTINGS, [key.labels(NAME) for key in ours])
        assert "setup" in reason
        assert "install" not in reason


@pytest.mark.parametrize("change", ["gone", "no reference"])
def test_no_candidate(change: str) -> None:
    """An image whose labels prove no key, or name no base, is none to compare with."""
    labels = KEY.labels(NAME)
    name = "org.opencontainers.image.base.name"
    labels = {n: v for n, v in labels.items() if n != name} if change == "gone" else {**labels, name: "A B"}
    assert candidate_of(labels) is None


def test_a_candidate() -> None:
    """A candidate has its key, its base's name, and what the caller knows."""
    found = candidate_of(KEY.labels(NAME), "a:1", "in the registry", 7.0)
    assert found
    assert (found.key, found.base_name, found.name, found.where, found.created_s) == (
        KEY,
        str(OFFICE.base_image),
        "a:1",
        "in the registry",
        7.0,
    )
