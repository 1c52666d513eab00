"""What a lock is called, and its kinds of entries."""

from __future__ import annotations

from desktop_bake import Digest
from desktop_bake.bake.config import lock_names
from desktop_bake.bake.config.lock import Lock, LockedImage


def test_the_order() -> None:
    """A lock's entries come in the order of the kinds, whatever their names."""
    digest = Digest.of(b"")
    one = {"a": LockedImage(digest=digest)}
    lock = Lock(bases=one, tools=one, images={"a": digest})
    assert tuple(kind for kind, _ in lock.entries()) == lock_names.KINDS == ("base", "tool", "image")
