"""What a build has for itself alone: the lock of its key on this machine, and a folder in the cache folder."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from generator.errors import TimeLimitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bake.resolve import Log
    from generator.layer import Key

_BEGINNING = "bake-"


@contextmanager
def build_lock(folder: Path, key: Key, limit_s: float, log: Log) -> Iterator[None]:
    """One build of a key at a time on this machine; the lock of a killed process is free.

    Args:
        folder: the cache folder.
        key: the key.
        limit_s: how long to wait for another process, in seconds.
        log: is told that we wait.

    Raises:
        TimeLimitError: another process took too long.
    """
    lock = _lock(folder, str(key))
    try:
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            log(f"[desktop-cache] waiting: another process builds {key}")
            lock.acquire(timeout=limit_s)
    except filelock.Timeout as error:
        raise TimeLimitError(
            f"another process was still building {key} after {limit_s:g} s", "try again later"
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def build_folder(folder: Path, key: Key) -> Iterator[Path]:
    """A new folder for the build of this key, whose lock is held; where we are killed, the next build removes it.

    Args:
        folder: the cache folder.
        key: the key.
    """
    clear_build_folders(folder, held=key)
    with tempfile.TemporaryDirectory(prefix=f"{_BEGINNING}{key}.", dir=folder) as name:
        yield Path(name)


def clear_build_folders(folder: Path, held: Key | None = None) -> None:
    """Remove the folders of builds that were killed, not those of builds that go on: these hold their key's lock.

    Args:
        folder: the cache folder.
        held: the key whose lock the caller holds.
    """
    for left in folder.glob(f"{_BEGINNING}*"):
        key = left.name.removeprefix(_BEGINNING).rpartition(".")[0]
        with (
            contextlib.suppress(filelock.Timeout),
            nullcontext() if key == str(held) else _lock(folder, key).acquire(blocking=False),
        ):
            shutil.rmtree(left, ignore_errors=True)


def _lock(folder: Path, key: str) -> filelock.BaseFileLock:
    (folder / "locks").mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(folder / "locks" / f"{key}.lock")
