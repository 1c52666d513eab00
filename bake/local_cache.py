"""The local cache folder: whole after every build, and never larger than what its last builds used.

BuildKit's `type=local` export adds to its folder and removes nothing, and two exports into one folder at once can
lose each other's index (moby/buildkit, "Local cache"). So a build reads a snapshot and writes a folder of its own,
which takes the old one's place in one rename.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

import filelock

if TYPE_CHECKING:
    from pathlib import Path

KEPT_FAMILIES = 8
LOCK_TIMEOUT_S = 30.0


def snapshot(root: Path, family: str, target: Path) -> None:
    """Give a build the cache of its family as it is now: hard links, which no later swap takes away.

    Args:
        root: the folder of all families.
        family: whose cache.
        target: a folder that does not exist; left so where there is no cache or it cannot be read.
    """
    with contextlib.suppress(OSError, filelock.Timeout, shutil.Error), _lock(root):
        if (root / family / "index.json").is_file():
            try:
                shutil.copytree(root / family, target, copy_function=os.link)
            except (OSError, shutil.Error):  # a file system without hard links
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(root / family, target)


def keep(root: Path, family: str, exported: Path) -> None:
    """Put what a build exported in the place of its family's cache, and drop the families longest unused.

    Args:
        root: the folder of all families, on the same file system.
        family: whose cache.
        exported: what BuildKit wrote; nothing happens where it wrote no whole cache.
    """
    if not (exported / "index.json").is_file():
        return
    with contextlib.suppress(OSError, filelock.Timeout), _lock(root):
        old = exported.with_name(exported.name + ".old")
        with contextlib.suppress(FileNotFoundError):
            (root / family).rename(old)
        exported.rename(root / family)
        os.utime(root / family)
        shutil.rmtree(old, ignore_errors=True)
        families = [p for p in root.iterdir() if p.is_dir()]
        for unused in sorted(families, key=lambda p: p.stat().st_mtime, reverse=True)[KEPT_FAMILIES:]:
            shutil.rmtree(unused, ignore_errors=True)


def _lock(root: Path) -> filelock.BaseFileLock:
    root.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(root.with_name(root.name + ".lock"), timeout=LOCK_TIMEOUT_S)
