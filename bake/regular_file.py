"""Files that others name: read without waiting for a pipe's other end, and never without end."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_BYTES = 16 << 20


def read_regular_file(path: Path) -> bytes:
    """The bytes of a regular file, or of one that a symbolic link names.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no regular file, or larger than 16 MiB, or its name is none.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("no regular file")
        content = file.read(LIMIT_BYTES + 1)
    if len(content) > LIMIT_BYTES:
        raise ValueError(f"more than {LIMIT_BYTES >> 20} MiB")
    return content
