"""The end of any task's container, and its status."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

from ...generator.errors import CancelledError, DesktopBakeError, TaskGoneError, TimeLimitError
from ..engine.api import Answer

if TYPE_CHECKING:
    from ..engine.api import Endpoint
    from ..engine.connection import Connection


_CANCEL_EVERY_S = 0.05
FOREVER_S = 365 * 86400.0
_STATUS = re.compile(rb'"StatusCode": ?([0-9]+)[^0-9]')
_GONE = re.compile(r"no such container|container \S+ is not running", re.IGNORECASE)
_PIECE_BYTES = 1 << 12


class Ending:
    """A container's end, for which the engine waits from now on: the status is known even if the container is removed.

    Args:
        endpoint: the engine.
        container_id: the container, which runs or has run.

    Raises:
        TaskGoneError: there is no such container.
    """

    def __init__(self, endpoint: Endpoint, container_id: str) -> None:
        self._name = container_id[:12]
        answer = endpoint.hijack(f"/containers/{container_id}/wait", {"condition": "not-running"})
        if isinstance(answer, Answer):
            raise gone(self._name)
        self._ended = threading.Event()
        self._status: int | None = None
        # Once the head of the answer is here, the engine waits: no later end is missed.
        threading.Thread(target=self._follow, args=(answer,), name="ending", daemon=True).start()

    def _follow(self, connection: Connection) -> None:
        said = b""
        try:
            assert connection.sock
            connection.sock.settimeout(None)
            while (piece := connection.sock.recv(_PIECE_BYTES)) and not _STATUS.search(said := said + piece):
                pass
        except OSError:  # the engine went away
            pass
        finally:
            found = _STATUS.search(said)
            self._status = int(found[1]) if found else None
            connection.close()
            self._ended.set()

    def wait(self, timeout_s: float, cancel: threading.Event | None = None) -> int:
        """Wait for it.

        Args:
            timeout_s: limit in seconds.
            cancel: set by another thread to stop waiting.

        Returns:
            The container's exit status.

        Raises:
            TimeLimitError: it still runs.
            CancelledError: `cancel` was set.
            TaskGoneError: the engine did not give its status.
        """
        await_event(self._ended, timeout_s, cancel, "the task")
        if self._status is None:
            raise gone(self._name)
        return self._status


class LaterEnding:
    """A container's end, for which the engine is asked to wait only once somebody waits.

    Args:
        endpoint, container_id: as in `Ending`.
    """

    def __init__(self, endpoint: Endpoint, container_id: str) -> None:
        self._endpoint = endpoint
        self._container_id = container_id

    def wait(self, timeout_s: float, cancel: threading.Event | None = None) -> int:
        """As `Ending.wait`."""
        return Ending(self._endpoint, self._container_id).wait(timeout_s, cancel)


def await_event(event: threading.Event, timeout_s: float, cancel: threading.Event | None, what: str) -> None:
    """Wait for an event.

    Args:
        event: the event.
        timeout_s: limit in seconds.
        cancel: set by another thread to stop waiting.
        what: what still runs if the limit comes first.

    Raises:
        TimeLimitError: the limit came first.
        CancelledError: `cancel` was set.
    """
    end = time.monotonic() + timeout_s
    while not event.wait(max(0.0, min(end - time.monotonic(), _CANCEL_EVERY_S if cancel else FOREVER_S))):
        if cancel and cancel.is_set():
            raise CancelledError("cancelled")
        if time.monotonic() >= end:
            raise TimeLimitError(f"{what} still runs after {timeout_s:g} s", "raise the limit, or stop the task")


def is_gone(said: str) -> bool:
    """Whether the engine's message says that it refuses something because a container has ended or was removed."""
    return bool(_GONE.search(said))


def gone(name: str) -> DesktopBakeError:
    """What to raise if a task's container is no longer there."""
    return TaskGoneError(
        f"the task {name} is gone: it ended and was removed", "start another; --keep leaves what has ended"
    )
