"""A command that runs in a task while its program does other things."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from ...generator.errors import DesktopBakeError
from .ending import FOREVER_S, await_event
from .program import with_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .console import Console
    from .container import Container
    from .ending import Ending


class Command:
    """A command in a container; a thread hands what it prints to a log, and the container's own log has it, too.

    Args:
        container: the container.
        words: program and arguments.
        log: gets one line at a time, in that thread.

    Raises:
        TaskError: the engine refused.
    """

    def __init__(self, container: Container, words: Sequence[str], log: Callable[[str], None]) -> None:
        self._container = container
        self._name, self._console = container.execute(with_logs(words))
        self._log = log
        self._ended = threading.Event()
        self._status = 137
        threading.Thread(target=self._follow, name="command", daemon=True).start()

    def _follow(self) -> None:
        try:
            _hand_on(self._console, self._log)
        finally:
            with contextlib.suppress(DesktopBakeError):  # an engine that is gone: as killed
                self._status = self._container.exit_status(self._name)
            self._console.close()
            self._ended.set()

    def wait(self, timeout_s: float, cancel: threading.Event | None = None) -> int:
        """Wait for its end.

        Args:
            timeout_s: limit in seconds.
            cancel: set by another thread to stop waiting.

        Returns:
            Its exit status.

        Raises:
            TimeLimitError: it still runs.
            CancelledError: `cancel` was set.
        """
        await_event(self._ended, timeout_s, cancel, "the command")
        return self._status


class MainCommand:
    """A detached task's command, which is its container's own; a thread hands what is printed to a log.

    Args:
        console: the container's streams.
        ending: the container's end.
        log: gets one line at a time, in that thread.
    """

    def __init__(self, console: Console, ending: Ending, log: Callable[[str], None]) -> None:
        self._console = console
        self._log = log
        self._followed = threading.Event()
        self._ending = ending
        threading.Thread(target=self._follow, name="command", daemon=True).start()

    def _follow(self) -> None:
        try:
            _hand_on(self._console, self._log)
        finally:
            self._followed.set()

    def wait(self, timeout_s: float, cancel: threading.Event | None = None) -> int:
        """As `Command.wait`, when all that it printed is in the log."""
        end = time.monotonic() + timeout_s
        status = self._ending.wait(timeout_s, cancel)
        await_event(self._followed, max(0.0, end - time.monotonic()), cancel, "the command")
        return status


def _hand_on(console: Console, log: Callable[[str], None]) -> None:
    """Hand each line of a console to a log until there are no more."""
    while (line := console.line(time.monotonic() + FOREVER_S)) is not None:
        log(line)
