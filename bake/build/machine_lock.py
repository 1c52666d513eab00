"""One build of a key at a time on this machine, and who builds: a lock, and a note beside it for those who wait.

The lock is the truth; if its holder is killed, it is free. The note is only text: it may be missing, stale or wrong.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import filelock

from ...generator.errors import TimeLimitError
from ..system.folders import cache_folder

if TYPE_CHECKING:
    from types import TracebackType

    from ...generator.layer_key import Key
    from ..context import Context


_POLL_S = 0.1  # also how soon a cancellation is noticed
_NAMELESS_S = 1.0  # a holder looks again before it builds, and then most have nothing to build


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The process that builds, according to its note.

    Attributes:
        pid: its process.
        environment: the environment that it builds for.
        since: when it began, in seconds since 1970.
    """

    pid: int
    environment: str
    since: float

    def __str__(self) -> str:
        at = datetime.fromtimestamp(self.since, UTC)
        return f"process {self.pid} of this user, environment {self.environment!r}, since {at:%H:%M:%S} UTC"


def lock_of(key: Key | str) -> filelock.BaseFileLock:
    """The lock of a key on this machine."""
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return filelock.FileLock(folder / f"{key}.lock", thread_local=False)  # another thread may release it


class Turn:
    """The turn to build a key, taken on enter and given back on exit.

    Args:
        key: the key.
        environment: the environment that it builds for, named to those who wait.
        context: how long to wait for it: as long as a build may take.

    Raises:
        TimeLimitError: on enter: others were still building at the limit.
        CancelledError: on enter: another thread gave up.
    """

    def __init__(self, key: Key, environment: str, context: Context) -> None:
        self._key, self._environment, self._context = key, environment, context
        self._lock = lock_of(key)
        self._note = Path(self._lock.lock_file).with_suffix(".owner")

    def at_once(self) -> bool:
        """Take it if nobody has it; the caller gives it back."""
        try:
            self._lock.acquire(blocking=False)
        except filelock.Timeout:
            return False
        return True

    def __enter__(self) -> Self:
        began, told, waits_for = time.monotonic(), False, None
        while True:
            try:
                self._lock.acquire(timeout=_POLL_S)
                return self
            except filelock.Timeout as error:
                waited_s = time.monotonic() - began
                self._context.check_cancelled()
                limit_s = self._context.settings.build_timeout_s
                if waited_s > limit_s:
                    raise TimeLimitError(
                        f"another process was still building {self._key} after {limit_s:g} s",
                        "wait for its end, or raise build_timeout_s",
                    ) from error
            owner = self._owner()
            if (owner and owner != waits_for) or (not told and waited_s > _NAMELESS_S):
                whose = f": {owner}" if owner else ""
                self._context.reporter.phase("wait")
                self._context.reporter.say(f"[desktop-cache] waiting: another process builds {self._key}{whose}")
                told, waits_for = True, owner

    def announce(self) -> None:
        """Tell those who wait that there is something to build; on a full or read-only disk they learn no name."""
        owner = Owner(pid=os.getpid(), environment=self._environment, since=time.time())
        with contextlib.suppress(OSError):
            new = self._note.with_suffix(".new")  # only the holder of the lock writes it
            new.write_text(json.dumps(asdict(owner)), encoding="utf-8")
            new.replace(self._note)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._note.unlink(missing_ok=True)
        self._lock.release()

    def _owner(self) -> Owner | None:
        """The owner that the note names, if that process is alive."""
        try:
            said = json.loads(self._note.read_text(encoding="utf-8"))
            owner = Owner(pid=int(said["pid"]), environment=str(said["environment"]), since=float(said["since"]))
            str(owner)  # fails if the time is invalid
            os.kill(max(1, owner.pid), 0)
        except PermissionError:  # it is alive, as another user's
            return owner
        except (OSError, OverflowError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return owner
