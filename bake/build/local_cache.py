"""The local cache folder: complete after every build, and never larger than what its last builds used.

BuildKit's `type=local` export adds to its folder and removes nothing, and two exports into one folder at once can
lose each other's index (moby/buildkit, "Local cache"). So a build reads a snapshot and writes a new folder, which
replaces the old one in one rename.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

if TYPE_CHECKING:
    from collections.abc import Iterator


KEPT_FAMILIES = 8
LOCK_TIMEOUT_S = 30.0
_ASIDE = ".gone-"


def snapshot(root: Path, family: str, target: Path) -> None:
    """Give a build the cache of its family as it is now: hard links, which no later swap removes.

    Args:
        root: the folder of all families.
        family: whose cache.
        target: a folder that does not exist; it is not made if there is no cache or it cannot be read.
    """
    with contextlib.suppress(OSError, filelock.Timeout, shutil.Error), _lock(root):
        if (root / family / "index.json").is_file():
            try:
                shutil.copytree(root / family, target, copy_function=os.link)
            except (OSError, shutil.Error):  # a file system without hard links
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(root / family, target)


def keep(root: Path, family: str, exported: Path) -> None:
    """Replace a family's cache by what a build exported, and drop the families longest unused.

    Args:
        root: the folder of all families, on the same file system.
        family: whose cache.
        exported: what BuildKit wrote; nothing happens if it wrote no complete cache.
    """
    if not (exported / "index.json").is_file():
        return
    with contextlib.suppress(OSError, filelock.Timeout), _lock(root):
        _set_aside(root / family)
        exported.rename(root / family)
        os.utime(root / family)
        for unused in sorted(folders(root), key=lambda p: p.stat().st_mtime, reverse=True)[KEPT_FAMILIES:]:
            _set_aside(unused)
        _clear(root)


def folders(root: Path) -> list[Path]:
    """The existing caches, one per family."""
    return [p for p in root.iterdir() if p.is_dir() and not p.name.startswith(_ASIDE)] if root.is_dir() else []


def discard(root: Path, family: str) -> None:
    """Remove the cache of a family.

    Raises:
        OSError: it cannot be removed, or another process did not release the caches' lock.
    """
    with _lock(root):
        shutil.rmtree(_set_aside(root / family))
        _clear(root)


def clear(root: Path) -> None:
    """Remove what killed processes had set aside; a process that has the caches' lock does this anyway.

    Args:
        root: the folder of all families.
    """
    if any(root.glob(f"{_ASIDE}*")):
        with contextlib.suppress(OSError, filelock.Timeout), _lock(root):
            _clear(root)


def _set_aside(cache: Path) -> Path:
    """Move a cache away in one step: if we are killed while it is removed, nobody finds half of it."""
    aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=cache.parent))
    with contextlib.suppress(FileNotFoundError):
        cache.rename(aside / cache.name)
    return aside


def _clear(root: Path) -> None:
    """Remove what was set aside, also by killed processes: only one process has the lock."""
    for aside in root.glob(f"{_ASIDE}*"):
        shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def _lock(root: Path) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(root.with_name(root.name + ".lock"), timeout=LOCK_TIMEOUT_S):
        yield
