"""Locks with known content, what environments need of them, and what registries answer."""

from __future__ import annotations

from datetime import date

from desktop_bake import Digest, ImageReference
from desktop_bake.bake.config.lock import Lock, LockedImage
from desktop_bake.bake.config.lock_moves import Found
from desktop_bake.bake.config.lock_uses import Use, Uses
from tests.harness.recipes import KEY

OLD, NEW = Digest("sha256:" + "0a" * 32), Digest("sha256:" + "0b" * 32)
THEN, TODAY = date(2026, 11, 1), date(2026, 11, 27)
BOTH = ("linux/amd64", "linux/arm64")
LOCK = Lock(
    packages=THEN,
    bases={
        "debian:bookworm": LockedImage(digest=OLD, platforms=BOTH, locked=THEN),
        "registry.example.com/base:1": LockedImage(digest=OLD, platforms=("linux/amd64",), locked=THEN),
    },
    tools={"docker/dockerfile:1": LockedImage(digest=OLD, locked=THEN)},
    images={str(KEY): NEW},
)
TEXT = f"""\
# desktop-bake.lock: what desktops are baked from, the same on every machine. Commit it. More: docs/lock.md
#   desktop-bake lock              adds what is missing, and touches nothing else
#   desktop-bake lock --upgrade    moves it to what the registries have now, and says what moved
# If a merge has a conflict, keep one side of each block, and the later date.
schema = 1

# Packages are those of this day. If the day changes, every desktop installs them again.
packages = "2026-11-01"

[base."debian:bookworm"]
digest = "{OLD}"
platforms = ["linux/amd64", "linux/arm64"]
locked = "2026-11-01"

[base."registry.example.com/base:1"]
digest = "{OLD}"
platforms = ["linux/amd64"]
locked = "2026-11-01"

[tool."docker/dockerfile:1"]
digest = "{OLD}"
locked = "2026-11-01"

[image."{KEY}"]
digest = "{NEW}"
"""


# --- questions to a lock, and answers of registries -----------------------------------------------------------------

BASE, TOOL = ("base", "debian:bookworm"), ("tool", "docker/dockerfile:1")
OTHER = ("base", "registry.example.com/base:1")


def use(key: tuple[str, str], *environments: str) -> Use:
    """An image that environments name."""
    return Use(kind=key[0], reference=ImageReference.parse(key[1]), environments=environments)


USES = Uses(
    images=(use(BASE, "a", "b"), use(OTHER, "c"), use(TOOL, "b")),
    dated=("a", "b"),
    undated=("c",),
)


def found(digest: Digest = NEW, platforms: tuple[str, ...] = BOTH, made: str = "2026-11-20") -> Found:
    """A registry's answer."""
    return Found(digest=digest, platforms=platforms, made=made)
