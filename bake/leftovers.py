"""What killed processes left, told from what living ones hold: the kernel lets go of a lock with its process."""

from __future__ import annotations

import contextlib
import fcntl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def hold(descriptor: int) -> None:
    """Have `abandoned` pass over an open file until it is closed, or its process killed (flock(2))."""
    with contextlib.suppress(OSError):  # a file system without locks: there nothing is found abandoned either
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def abandoned(files: Iterable[Path]) -> Iterator[Path]:
    """Those of these files that nobody holds; each is held until the next one is asked for."""
    for file in files:
        with contextlib.suppress(OSError), file.open("r+b") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
