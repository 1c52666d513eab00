"""A file replaced whole: readers see what it was or what it is, never a part."""

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
    """Read a file that is going to be replaced, under a lock that every edit of ours takes.

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
    """Give a file other content: written beside it, made durable, renamed. Mode and owner stay; a link stays a link.

    Args:
        path: the file, or a symbolic link to it.
        before: what it held when it was read.
        after: what it shall hold.

    Raises:
        ConfigurationError: it holds something else by now.
        OSError: it cannot be written.
    """
    target = path.resolve(strict=True)
    had = target.stat()
    with new_file(target) as file:
        file.write(after)
        file.flush()
        with contextlib.suppress(PermissionError):  # only root may give a file away
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
