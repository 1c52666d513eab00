"""The digests that registries last told: recorded, found again, bounded, and never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_bake import Digest, ImageReference
from desktop_bake.bake.images import known_digests
from desktop_bake.bake.images.known_digests import known_digest, note_digest
from desktop_bake.bake.system.folders import cache_folder

ONE, OTHER = ImageReference.parse("docker/dockerfile:1"), ImageReference.parse("docker/dockerfile:2")
DIGEST, NEXT = Digest.of(b"1"), Digest.of(b"2")


def notes() -> list[Path]:
    """The notes that there are."""
    folder = cache_folder() / "digests"
    return list(folder.iterdir()) if folder.is_dir() else []


def test_there_and_back() -> None:
    """The last note on an image is known, and belongs to no other."""
    assert known_digest(ONE) is None
    for digest in (DIGEST, NEXT):
        note_digest(ONE, digest)
        assert known_digest(ONE) == digest
    assert known_digest(OTHER) is None
    assert len(notes()) == 1


def test_what_is_known_is_not_written_again() -> None:
    """The same digest costs no writing."""
    note_digest(ONE, DIGEST)
    (note,) = notes()
    before = note.stat()
    note_digest(ONE, DIGEST)
    assert note.stat() == before


@pytest.mark.parametrize("content", [b"", b"sha256:12", b"\xff", DIGEST.hex.encode(), b"sha512:" + b"a" * 64])
def test_a_note_that_is_none(content: bytes) -> None:
    """A note of another form is none, and is written again."""
    note_digest(ONE, DIGEST)
    (note,) = notes()
    note.write_bytes(content)
    assert known_digest(ONE) is None
    note_digest(ONE, DIGEST)
    assert known_digest(ONE) == DIGEST


def test_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many are kept, the latest."""
    monkeypatch.setattr(known_digests, "_KEPT", 2)
    for number in range(4):
        note_digest(ImageReference.parse(f"a:{number}"), DIGEST)
    assert len(notes()) == 2


def test_no_place() -> None:
    """Without a place to write nothing is noted, and nobody is troubled."""
    (cache_folder() / "digests").write_text("a file in its place")
    note_digest(ONE, DIGEST)
    assert known_digest(ONE) is None
