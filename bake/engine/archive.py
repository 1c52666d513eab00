"""Files as the archive that the engine takes for a container (Docker Engine API, "Extract an archive")."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def archive_of(folder: str, files: Mapping[str, bytes], executables: Collection[str] = ()) -> bytes:
    """A tar archive of files in a folder, all of them root's and readable by everyone.

    Args:
        folder: absolute path.
        files: content by path below the folder.
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
