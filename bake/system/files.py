"""Files that come whole or not at all, and what killed processes left of them; files that others name, read with
a limit.

An abandoned file is told from one in use by its lock: the kernel releases a lock with its process.
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


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_SUFFIX = ".desktop-bake"  # other programs, too, have files of a dot and the name: editors their swap files


def hold(descriptor: int) -> None:
    """Have `abandoned` pass over an open file until it is closed, or its process killed (flock(2))."""
    with contextlib.suppress(OSError):  # a file system without locks: there nothing is found abandoned either
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def abandoned(files: Iterable[Path]) -> Iterator[Path]:
    """Those of these files that nobody holds; each is held until the next one is asked for."""
    for file in files:
        with contextlib.suppress(OSError), open(file, "r+b", opener=_open_no_link) as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(opened.fileno()), file.lstat()):  # else whoever held it before has removed it
                yield file


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


@contextlib.contextmanager
def new_file(path: Path, *, instead: bool = True) -> Iterator[IO[bytes]]:
    """A new file, readable by this user alone, that takes the place of whatever is at a path once it is written.

    Its own name is one that nobody can know before. After an error it is gone, and what was at the path stays; where we
    are killed, whoever writes there next removes it.

    Args:
        path: what it becomes.
        instead: whether it may take the place of another file.

    Raises:
        FileExistsError: there is one, and it may not.
        OSError: it cannot be made, written or put there.
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
                path.hardlink_to(name)  # the one way that never replaces a file (link(2))
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


def cannot_write(path: object, error: OSError, flag: str = "") -> ConfigurationError:
    """What to raise if a file that somebody named cannot be written.

    Args:
        path: the file.
        error: why not.
        flag: what it was named by, such as `-o`; empty if by none.
    """
    another = f"name another file: {flag} FILE" if flag else "name another file"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        remedy = f"make its folder, or {another}"
    elif error.errno == errno.EISDIR:
        remedy = f"it is a folder: {another}"
    elif error.errno in _NO_ROOM:
        remedy = f"make room there, or {another}"
    else:
        remedy = f"make its folder writable, or {another}"
    return ConfigurationError(f"cannot write {path}: {error.strerror}", remedy)


LIMIT_BYTES = 16 << 20


def read_regular_file(path: Path) -> bytes:
    """The bytes of a regular file, or of one that a symbolic link names.

    Raises:
        OSError: it cannot be read, or is a folder.
        ValueError: it is no regular file, or larger than 16 MiB, or its name is none.
    """
    with open(path, "rb", opener=_open_no_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("no regular file")
        content = file.read(LIMIT_BYTES + 1)
    if len(content) > LIMIT_BYTES:
        raise ValueError(f"more than {LIMIT_BYTES >> 20} MiB")
    return content


def _open_no_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # nobody may ever write to a pipe


def write_note(file: Path, content: bytes, kept: int) -> None:
    """Write a small file whole, and remove the oldest of its folder.

    Args:
        file: its folder is made if it is missing.
        content: of the file.
        kept: how many files the folder keeps.

    Raises:
        OSError: the disk is full or read-only.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with new_file(file) as opened:
        opened.write(content)
    for old in sorted(file.parent.iterdir(), key=lambda f: f.stat().st_mtime, reverse=True)[kept:]:
        old.unlink(missing_ok=True)
