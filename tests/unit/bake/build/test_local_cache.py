"""The local cache folder: swapped whole, and bounded."""

import os
from pathlib import Path

import pytest

from desktop_bake.bake.build import local_cache


def exported(folder: Path, text: str) -> Path:
    """A build's export."""
    folder.mkdir()
    (folder / "index.json").write_text(text)
    return folder


def test_swapped_whole(tmp_path: Path) -> None:
    """A new export takes the old one's place; a snapshot taken before keeps its content."""
    root = tmp_path / "caches"
    local_cache.keep(root, "f", exported(tmp_path / "one", "1"))
    local_cache.snapshot(root, "f", tmp_path / "snapshot")
    local_cache.keep(root, "f", exported(tmp_path / "two", "2"))
    assert (root / "f" / "index.json").read_text() == "2"
    assert (tmp_path / "snapshot" / "index.json").read_text() == "1"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["caches", "caches.lock", "snapshot"]


def test_half_an_export_is_not_kept(tmp_path: Path) -> None:
    """An export without its index changes nothing; no cache gives no snapshot."""
    root = tmp_path / "caches"
    local_cache.keep(root, "f", exported(tmp_path / "one", "1"))
    (tmp_path / "half").mkdir()
    local_cache.keep(root, "f", tmp_path / "half")
    assert (root / "f" / "index.json").read_text() == "1"
    local_cache.snapshot(root, "other", tmp_path / "snapshot")
    assert not (tmp_path / "snapshot").exists()


def test_families_are_bounded(tmp_path: Path) -> None:
    """The families longest unused go."""
    root = tmp_path / "caches"
    for number in range(local_cache.KEPT_FAMILIES + 3):
        local_cache.keep(root, f"f{number}", exported(tmp_path / "new", str(number)))
        os.utime(root / f"f{number}", (number, number))
    kept = {p.name for p in root.iterdir()}
    assert len(kept) == local_cache.KEPT_FAMILIES
    assert "f0" not in kept
    assert f"f{local_cache.KEPT_FAMILIES + 2}" in kept


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If links are refused, the snapshot is a copy."""
    root = tmp_path / "caches"
    local_cache.keep(root, "f", exported(tmp_path / "one", "1"))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.link", refuse)
    local_cache.snapshot(root, "f", tmp_path / "snapshot")
    assert (tmp_path / "snapshot" / "index.json").read_text() == "1"


def test_what_a_killed_process_set_aside(tmp_path: Path) -> None:
    """A cache that a killed process had set aside is removed, and no family with it."""
    (tmp_path / "root" / ".gone-abc" / "bookworm-0").mkdir(parents=True)
    (tmp_path / "root" / "bookworm-1").mkdir()
    local_cache.clear(tmp_path / "root")
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["bookworm-1"]
    local_cache.clear(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_what_was_set_aside(tmp_path: Path) -> None:
    """A cache that was set aside by a killed process is none, and goes with the next change."""
    for name in ("f", ".gone-x"):
        (tmp_path / "caches" / name).mkdir(parents=True)
    assert [folder.name for folder in local_cache.folders(tmp_path / "caches")] == ["f"]
    local_cache.discard(tmp_path / "caches", "f")
    assert list((tmp_path / "caches").iterdir()) == []
