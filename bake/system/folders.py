"""Where this user's cache is: in a folder that no other user can enter, whatever the modes below it are.

Anybody who can enter it could read what is built, take its locks, and put other layers into the next build.
"""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from .found_file import name_of
from .lazy import lazy

if TYPE_CHECKING:
    import tempfile

    import platformdirs
else:
    platformdirs = lazy("platformdirs")
    tempfile = lazy("tempfile")

_NAME = "desktop-bake"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the cache is.

    Attributes:
        folder: the folder, which only this user can enter.
        why: why it is not the usual one; empty if it is.
        remedy: what to do then.
    """

    folder: Path
    why: str = ""
    remedy: str = ""


def cache_folder() -> Path:
    """This user's folder for things that can be made again: BuildKit's cache, locks, what was built or pulled here.

    Raises:
        ConfigurationError: as `cache_place`.
    """
    return cache_place().folder


def cache_place() -> Place:
    """The usual cache folder, created if it is missing and closed if it is open to others; otherwise a substitute in
    the folder for temporary files, until somebody follows the remedy.

    Raises:
        ConfigurationError: neither is available.
    """
    usual = _usual()
    why = _why_not(usual)
    if not why:
        return Place(folder=usual)
    remedy = "set XDG_CACHE_HOME to a folder of your own"
    remedy += f", or remove {usual}" if usual.is_absolute() else ", or HOME"
    try:
        other = Path(tempfile.gettempdir(), f"desktop-bake-{os.geteuid()}")
    except FileNotFoundError as error:  # its text lists every folder that was tried
        raise ConfigurationError(f"no folder for the cache: {why}", remedy) from error
    if why_not_it := _why_not(other):
        raise ConfigurationError(f"no folder for the cache: {why}, and {why_not_it}", remedy)
    return Place(folder=other, why=f"{why}, so the cache is in {other}", remedy=remedy)


def _usual() -> Path:
    """The cache folder of the XDG Base Directory Specification; not an absolute path if there is no home."""
    if sys.platform == "linux":  # these rules are short, and importing the library takes a twentieth of a hit
        own = os.environ.get("XDG_CACHE_HOME", "").strip()
        return Path(own if own.startswith("/") else os.path.expanduser("~/.cache"), _NAME)  # noqa: PTH111 (no error)
    try:
        return Path(platformdirs.user_cache_dir(_NAME))
    except RuntimeError:  # from newer versions; older ones leave the tilde
        return Path("~/.cache/desktop-bake")


def _why_not(folder: Path) -> str:
    """Why a folder, created or closed if necessary, is not only this user's; empty if it is."""
    user = os.geteuid()
    if not folder.is_absolute():  # there is no home
        return f"{folder} is no absolute path"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        link, it = folder.lstat(), folder.stat()
        if it.st_uid == user and it.st_mode & _OTHERS and not it.st_mode & stat.S_IWOTH:
            folder.chmod(0o700)
            it = folder.stat()
    except OSError as error:
        return f"{folder} cannot be used: {error.strerror}"
    strangers = {it.st_uid, link.st_uid} - {user} - ({0} if stat.S_ISLNK(link.st_mode) else set())
    if strangers:
        return f"{folder} belongs to {name_of(strangers.pop())}"
    if it.st_mode & stat.S_IWOTH:
        return f"everybody could write {folder}"
    if it.st_mode & _OTHERS:
        return f"{folder} is open to others"
    return "" if os.access(folder, os.W_OK | os.X_OK, effective_ids=True) else f"{folder} is read-only"
