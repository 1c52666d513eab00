"""Notes of containers that are being started, so that a container whose program is killed meanwhile does not stay.

A running container ends with its program's connection. A created container that is not started yet has no connection,
and a detached one without its command would stay without a use.
"""

from __future__ import annotations

import contextlib
import re
import time
from typing import TYPE_CHECKING, TextIO

from ...generator.errors import DesktopBakeError
from ..system.files import abandoned, hold
from ..system.folders import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ..engine.api import Endpoint


_IN_FLIGHT_S = 600.0
# The engine accepts a part of an ID as its container, and on a full disk only a part of a line may be written.
_WHOLE = re.compile(r"desktop-bake-.+|[0-9a-f]{64}")


class StartNote:
    """A note in the cache folder, held from before a container's creation until its start is complete.

    If no note can be written, the start goes on without one.

    Args:
        endpoint: the engine.
        name: the container's name, which nobody else has.
    """

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        self._path = _folder() / name
        self._file: TextIO | None = None
        with contextlib.suppress(OSError):
            _folder().mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("w", encoding="utf-8")
            hold(self._file.fileno())
            self.add(endpoint.host)
            self.add(name)

    def add(self, line: str) -> None:
        """Write down the container's ID, which stays the same if the name changes."""
        if self._file:
            with contextlib.suppress(OSError):
                self._file.write(f"{line}\n")
                self._file.flush()

    def close(self) -> None:
        """Remove the note: the container's start is complete, or the container is gone."""
        if self._file:
            with contextlib.suppress(OSError), self._file:
                self._path.unlink(missing_ok=True)


def remove_abandoned(endpoint: Endpoint) -> None:
    """Remove the containers of this engine whose program was killed while it started them."""
    for note in abandoned(_folder().glob("*")):
        with contextlib.suppress(DesktopBakeError, OSError):
            host, *written = note.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
            names = [name for name in written if _WHOLE.fullmatch(name)]
            if names and host != endpoint.host:
                continue
            gone = bool(names) and _remove(endpoint, names[-1], created=len(names) > 1)
            if gone or time.time() - note.stat().st_mtime > _IN_FLIGHT_S:
                note.unlink(missing_ok=True)


def _remove(endpoint: Endpoint, container: str, *, created: bool) -> bool:
    """Remove it, and return whether it is gone; if its creation was not answered, the engine may still create it."""
    status = endpoint.ask("DELETE", f"/containers/{container}", {"force": "1", "v": "1"}).status
    return status in (204, 409) or (status == 404 and created)  # 409: it is being removed, as it ended by itself


def _folder() -> Path:
    return cache_folder() / "starting"
