"""Which files of a file system are opened, by fanotify(7): for root only."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_CLOEXEC = 1  # FAN_CLOEXEC
_UNLIMITED = 0x10 | 0x20  # FAN_UNLIMITED_QUEUE, FAN_UNLIMITED_MARKS
_MARK = 0x1 | 0x100  # FAN_MARK_ADD, FAN_MARK_FILESYSTEM
_OPEN = 0x20  # FAN_OPEN
_HERE = -100  # AT_FDCWD
_EVENT = struct.Struct("=IBBHQii")  # struct fanotify_event_metadata


def events(data: bytes) -> list[int]:
    """The file descriptors of the events that the kernel wrote."""
    found, at = [], 0
    while at < len(data):
        length, _, _, _, _, descriptor, _ = _EVENT.unpack_from(data, at)
        if descriptor >= 0:
            found.append(descriptor)
        at += length
    return found


class Opened:
    """The paths that anybody opens on the file system of a path, while this context lasts.

    Args:
        path: of the file system, such as a container's root.
    """

    def __init__(self, path: str) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._group = libc.fanotify_init(_CLOEXEC | _UNLIMITED, os.O_RDONLY | os.O_LARGEFILE | os.O_CLOEXEC)
        mark = (ctypes.c_int(_HERE), ctypes.c_char_p(os.fsencode(path)))
        if self._group < 0 or libc.fanotify_mark(self._group, _MARK, ctypes.c_uint64(_OPEN), *mark) < 0:
            number = ctypes.get_errno()
            if self._group >= 0:
                os.close(self._group)
            raise OSError(number, os.strerror(number), path)
        self._paths: set[str] = set()
        self._end, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def _listen(self) -> None:
        while True:
            ready, _, _ = select.select([self._group, self._end], [], [])
            if self._group in ready:
                for descriptor in events(os.read(self._group, 1 << 16)):
                    self._paths.add(str(Path(f"/proc/self/fd/{descriptor}").readlink()).lstrip("/"))
                    os.close(descriptor)
            elif self._end in ready:
                return

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        os.close(self._stop)
        self._thread.join()
        os.close(self._end)
        os.close(self._group)

    def paths(self) -> set[str]:
        """The paths so far, without the leading slash."""
        return set(self._paths)
