"""Replacing a file as a whole: readers see the old or the new content, never a part."""

from __future__ import annotations

import contextlib
import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from .files import new_file
from .lazy import lazy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import filelock

    from . import folders
else:
    filelock = lazy("filelock")
    folders = lazy(".folders", __package__)


_LOCK_LIMIT_S = 30


@contextmanager
def editing(path: Path) -> Iterator[bytes]:
    """Read a file that is about to be replaced, under the lock that all our edits take.

    Args:
        path: the file.

    Raises:
        ConfigurationError: it cannot be read, or another program is editing it and does not finish.
    """
    locks = folders.cache_folder() / "locks"
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    try:
        locks.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(locks / f"edit-{name}.lock", timeout=_LOCK_LIMIT_S):
            yield path.read_bytes()
    except filelock.Timeout as error:
        raise ConfigurationError(
            f"another program is editing {path}", "wait for its end, and repeat the command"
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"cannot edit {error.filename or path}: {error.strerror}", "make the file and its folder writable"
        ) from error


def replace_file(path: Path, before: bytes, after: bytes) -> None:
    """Replace a file's content: write beside it, sync, rename. Mode and owner stay; a link stays a link.

    Args:
        path: the file, or a symbolic link to it.
        before: its content when it was read.
        after: its new content.

    Raises:
        ConfigurationError: its content has changed since.
        OSError: it cannot be written.
    """
    target = path.resolve(strict=True)
    had = target.stat()
    with new_file(target) as file:
        file.write(after)
        file.flush()
        with contextlib.suppress(PermissionError):  # only root may change a file's owner
            os.fchown(file.fileno(), had.st_uid, had.st_gid)
        os.fchmod(file.fileno(), had.st_mode & 0o7777)
        os.fsync(file.fileno())
        if target.read_bytes() != before:
            raise ConfigurationError(f"{path} was changed meanwhile", "nothing was written: try again")
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
