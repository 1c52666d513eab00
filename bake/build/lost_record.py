"""A record in BuildKit's cache whose snapshot is lost: until it is removed, every build that needs it fails.

It stays if a build is killed at the moment in which BuildKit commits a step's snapshot: the snapshot has its new name
by then, and the record the old one (moby/buildkit#2557, #6808).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...generator.errors import DesktopBakeError

if TYPE_CHECKING:
    from ..context import Context


_LOST = re.compile(r"failed to commit (\w+) to \w+ during finalize: .*snapshot \1 does not exist")


def remove_lost(said: str, context: Context) -> bool:
    """Remove the record that failed a build; its step runs again in the next one.

    Args:
        said: the build's error.
        context: the engine and the builder's name.

    Returns:
        Whether there was such a record, and it is gone.
    """
    found = _LOST.search(said)
    if not found:
        return False
    name = context.settings.builder
    words = ["--force", "--all", "--filter", f"id={found[1]}", *(["--builder", name] if name else [])]
    try:
        return context.engine.docker("buildx", "prune", *words).returncode == 0
    except DesktopBakeError:  # the build's own error says more
        return False
