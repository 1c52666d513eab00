"""Files as tar archives, as the engine reads and writes them for a container (API, "Extract an archive")."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def archive_of(folder: str, files: Mapping[str, bytes], executables: Collection[str] = ()) -> bytes:
    """A tar archive of files in a folder, all owned by root and readable by everyone.

    Args:
        folder: absolute path.
        files: content by path in the folder.
        executables: which of them are executable.
    """
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{folder.strip('/')}/{name}")
            entry.size = len(content)
            entry.mode = 0o755 if name in executables else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def home_of(folder: str, uid: int, gid: int) -> bytes:
    """A tar archive of a folder that only one user can access.

    Args:
        folder: absolute path.
        uid, gid: its owner.
    """
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        entry = tarfile.TarInfo(folder.strip("/"))
        entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, 0o700, uid, gid
        archive.addfile(entry)
    return written.getvalue()


def content_of(archive: bytes) -> bytes:
    """The content of the only file in a tar archive; empty if it is not a file."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
            file = opened.extractfile(next(iter(opened)))
            return file.read() if file else b""
    except (tarfile.TarError, StopIteration, KeyError):
        return b""
