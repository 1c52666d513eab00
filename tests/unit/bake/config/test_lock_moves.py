"""What moved from one lock to another, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop_bake.bake.config.lock import Lock, LockedImage
from desktop_bake.bake.config.lock_moves import moves_of
from tests.harness.locks import BASE, LOCK, NEW, OLD, OTHER, TODAY, TOOL, USES, found
from tests.harness.recipes import KEY


def test_what_moved() -> None:
    """Each entry in words, with the day its image was made; the date; and which desktops install again."""
    after = Lock(
        packages=TODAY,
        bases={BASE[1]: LockedImage(digest=NEW), OTHER[1]: LOCK.bases[OTHER[1]]},
        tools={**LOCK.tools, "golang:1": LockedImage(digest=NEW)},
    )
    moved = moves_of(LOCK, after, USES, {BASE: found(), TOOL: found(), ("tool", "golang:1"): found(made="")})
    assert moved.lines == (
        "base debian:bookworm moved from sha256:0a0a0a0a0a0a to sha256:0b0b0b0b0b0b, made 2026-11-20",
        "tool golang:1 locked at sha256:0b0b0b0b0b0b",
        f"image {KEY} removed: no environment has this key",
        "packages 2026-11-01 → 2026-11-27",
        "reinstalls a, b",
    )
    assert moved.as_json()["packages"] == {"from": "2026-11-01", "to": "2026-11-27"}
    assert moved.as_json()["reinstalls"] == ["a", "b"]
    assert moved.as_json()["moved"][0] == {  # type: ignore[index]
        "kind": "base",
        "name": "debian:bookworm",
        "from": str(OLD),
        "to": str(NEW),
        "made": "2026-11-20",
        "environments": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (LOCK, LOCK, ()),
        (Lock(), Lock(packages=TODAY), ("packages 2026-11-27", "reinstalls a, b")),
        (
            LOCK,
            replace(LOCK, bases={**LOCK.bases, OTHER[1]: LockedImage(digest=NEW)}),
            (f"base {OTHER[1]} moved from sha256:0a0a0a0a0a0a to sha256:0b0b0b0b0b0b", "reinstalls c"),
        ),
        (
            LOCK,
            replace(LOCK, bases={BASE[1]: LOCK.bases[BASE[1]]}),
            (f"base {OTHER[1]} removed: no environment uses it",),
        ),
        (
            LOCK,
            replace(LOCK, bases={**LOCK.bases, OTHER[1]: LockedImage(digest=OLD, locked=TODAY)}),
            (),
        ),
    ],
)
def test_lines(before: Lock, after: Lock, lines: tuple[str, ...]) -> None:
    """Only what changes a key is told to reinstall; a day alone is nothing."""
    assert moves_of(before, after, USES, {}).lines == lines
