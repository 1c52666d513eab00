"""Files that are written as a whole or not at all, and what killed processes left of them; reading files that others
name, with a limit.

The lock tells an abandoned file from one in use: the kernel releases a lock when its process ends.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ...generator.errors import ConfigurationError
from .lazy import lazy

if TYPE_CHECKING:
    import glob
    import tempfile
    from collections.abc import Iterable, Iterator
else:
    glob = lazy("glob")
    tempfile = lazy("tempfile")


NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_SUFFIX = ".desktop-bake"  # a dot and the name alone are used by others too, such as editors for swap files


def hold(descriptor: int) -> None:
    """Make `abandoned` skip an open file until it is closed or its process is killed (flock(2))."""
    with contextlib.suppress(OSError):  # a file system without locks, where no file is found abandoned either
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def abandoned(files: Iterable[Path]) -> Iterator[Path]:
    """Those of these files that no process locks; each stays locked until the next one is asked for."""
    for file in files:
        with contextlib.suppress(OSError), open(file, "r+b", opener=_open_no_link) as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(opened.fileno()), file.lstat()):  # otherwise its previous owner has removed it
                yield file


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


@contextlib.contextmanager
def new_file(path: Path, *, instead: bool = True) -> Iterator[IO[bytes]]:
    """A new file, readable only by this user, that replaces what is at a path once it is written.

    Until then its name cannot be guessed. After an error it is removed, and the old file stays. If this process is
    killed, the next writer to that path removes it.

    Args:
        path: the final path.
        instead: whether it may replace another file.

    Raises:
        FileExistsError: there is another file, and it may not be replaced.
        OSError: the file cannot be created, written or moved there.
    """
    for left in abandoned(path.parent.glob(f".{glob.escape(path.name)}.*{_SUFFIX}")):
        left.unlink(missing_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_SUFFIX, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            hold(descriptor)
            yield file
            file.flush()
            if instead:
                Path(name).replace(path)
            else:
                path.hardlink_to(name)  # the only call that never replaces a file (link(2))
    except OSError as error:
        error.filename = error.filename or str(path)  # on a full disk, only the descriptor is known
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


def cannot_write(path: object, error: OSError, flag: str = "") -> ConfigurationError:
    """The error if a file that the user named cannot be written.

    Args:
        path: the file.
        error: why not.
        flag: the flag that named it, such as `-o`; empty if none did.
    """
    another = f"name another file: {flag} FILE" if flag else "name another file"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        remedy = f"make its folder, or {another}"
    elif error.errno == errno.EISDIR:
        remedy = f"it is a folder: {another}"
    elif error.errno in NO_ROOM:
        remedy = f"make room there, or {another}"
    else:
        remedy = f"make its folder writable, or {another}"
    return ConfigurationError(f"cannot write {path}: {error.strerror}", remedy)


LIMIT_BYTES = 16 << 20


def read_regular_file(path: Path) -> bytes:
    """The bytes of a regular file, or of one behind a symbolic link.

    Raises:
        OSError: it cannot be read, or is a folder.
        ValueError: it is not a regular file, it is larger than 16 MiB, or its name is invalid.
    """
    with open(path, "rb", opener=_open_no_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("no regular file")
        content = file.read(LIMIT_BYTES + 1)
    if len(content) > LIMIT_BYTES:
        raise ValueError(f"more than {LIMIT_BYTES >> 20} MiB")
    return content


def _open_no_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a pipe may never get a writer


def write_note(file: Path, content: bytes, kept: int) -> None:
    """Write a small file as a whole, and remove the oldest files of its folder.

    Args:
        file: the file; its folder is created if it is missing.
        content: the content of the file.
        kept: how many files the folder keeps.

    Raises:
        OSError: the disk is full or read-only.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with new_file(file) as opened:
        opened.write(content)
    for old in sorted(file.parent.iterdir(), key=lambda f: f.stat().st_mtime, reverse=True)[kept:]:
        old.unlink(missing_ok=True)
