"""Files as the archive that the engine takes for a container."""

from __future__ import annotations

import io
import tarfile

import pytest

from desktop_bake.bake.engine.archive import archive_of


@pytest.mark.parametrize("folder", ["/opt/a", "/opt/a/"])
def test_archive(folder: str) -> None:
    """Each file is in its folder, root's, whole, and readable by everyone but writable by root alone."""
    files = {"one": b"1\n", "two.sh": b"", "ü": b"\0" * 1000}
    with tarfile.open(fileobj=io.BytesIO(archive_of(folder, files))) as archive:
        entries = archive.getmembers()
        found = {entry.name: archive.extractfile(entry).read() for entry in entries}  # type: ignore[union-attr]
    assert found == {f"opt/a/{name}": content for name, content in files.items()}
    assert {(entry.uid, entry.gid, entry.mode, entry.isreg()) for entry in entries} == {(0, 0, 0o644, True)}


def test_executables() -> None:
    """Those that are executable are so for everyone, in folders below, too."""
    content = archive_of("/opt", {"a": b"", "b/c": b""}, ["b/c"])
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert {entry.name: entry.mode for entry in archive.getmembers()} == {"opt/a": 0o644, "opt/b/c": 0o755}


def test_the_root_folder() -> None:
    """No entry has an absolute name, in the root folder either, nor one that leads out."""
    with tarfile.open(fileobj=io.BytesIO(archive_of("/opt", {"a": b""}))) as archive:
        assert archive.getnames() == ["opt/a"]
