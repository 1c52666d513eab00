"""The platform of an engine on this machine, which stays the same as long as its socket does.

To answer that one question, the engine runs two programs for their versions.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..system.files import write_note
from ..system.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable


_KEPT = 50
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+")


def own_platform(host: str, ask: Callable[[], str]) -> str:
    """The engine's platform, as it is written down for this socket; otherwise it is asked for, and written down.

    Args:
        host: the engine's address.
        ask: asks the engine.
    """
    socket = _socket(host)
    if socket is None:  # another engine may answer at an address
        return ask()
    known, _, platform = _read(host).partition(" ")
    if known == socket and _PLATFORM.fullmatch(platform):
        return platform
    platform = ask()
    with contextlib.suppress(OSError, ConfigurationError):
        write_note(cache_folder() / "engines" / _name(host), f"{socket} {platform}".encode(), _KEPT)
    return platform


def _socket(host: str) -> str | None:
    """What tells the socket of an engine from the one that another engine makes in its place; None without one."""
    scheme, _, path = host.partition("://")
    if scheme != "unix":
        return None
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return f"{found.st_dev}:{found.st_ino}:{found.st_ctime_ns}"


def _read(host: str) -> str:
    try:
        return (cache_folder() / "engines" / _name(host)).read_text(encoding="ascii")
    except (OSError, ValueError, ConfigurationError):
        return ""


def _name(host: str) -> str:
    return hashlib.sha256(host.encode(errors="surrogateescape")).hexdigest()
