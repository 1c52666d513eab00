"""What the engine ran out of, read from the last lines of a build, a pull or a start."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """Something that the machine has too little of; trying again would fail the same way.

    Args:
        said: what has run out, in a few words.
        remedy: what to do about it.
    """

    said: str
    remedy: str


DISK = Shortage(said="no space left on the disk", remedy="free some: desktop-bake prune, docker system prune")
MEMORY = Shortage(
    said="a step was killed, as the kernel does when memory is short",
    remedy="give the engine more memory, or let less run at once",
)
# From strerror(ENOSPC), which every program prints, and from BuildKit and shells for a process ended by SIGKILL.
_SIGNS = (
    (re.compile("no space left on device", re.IGNORECASE), DISK),
    (re.compile(r"did not complete successfully: exit code: 137\b|cannot allocate memory", re.IGNORECASE), MEMORY),
)


def shortage(lines: Iterable[str]) -> Shortage | None:
    """The shortage that these lines report, or None.

    Args:
        lines: what was printed, in any order.
    """
    text = "\n".join(lines)
    return next((short for sign, short in _SIGNS if sign.search(text)), None)
