"""A command that runs in a task while its program does other things."""

from __future__ import annotations

import contextlib
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from ...generator.errors import DesktopBakeError
from ..system.lazy import lazy
from .container import KILLED
from .ending import FOREVER_S, await_event
from .program import with_logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..system import events
    from ..system.events import Stream
    from ..system.reporter import Reporter
    from .console import Console
    from .container import Container
    from .ending import Ending
else:
    events = lazy("..system.events", __package__)


class Command:
    """A command in a container; a thread reports what it prints, and the container's own log gets it, too.

    Args:
        container: the container.
        words: program and arguments.
        reporter: gets one line at a time, in that thread, and the command's events.

    Raises:
        TaskError: the engine refused.
    """

    def __init__(self, container: Container, words: Sequence[str], reporter: Reporter) -> None:
        self._container = container
        self._name, self._console = container.execute(with_logs(words))
        self._reporter = reporter
        self._ended = threading.Event()
        self._status = KILLED
        self._why: DesktopBakeError | None = None
        threading.Thread(target=self._follow, name="command", daemon=True).start()

    def _follow(self) -> None:
        try:
            _hand_on(self._console, self._reporter)
        finally:
            try:
                self._status = self._container.exit_status(self._name)
            except DesktopBakeError as error:  # `wait` raises it
                self._why = error
            self._console.close()
            try:
                self._reporter.tell(lambda: events.Exited(self._status))
            finally:
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
            TaskGoneError: its container has ended, and the command with it.
            EngineError: the engine is gone, and the command's status with it.
        """
        await_event(self._ended, timeout_s, cancel, "the command")
        if self._why:
            raise self._why
        return self._status


class MainCommand:
    """A detached task's command, which is its container's main process; a thread reports what it prints.

    Args:
        console: the container's streams.
        ending: the container's end.
        reporter: gets one line at a time, in that thread, and the command's events.
    """

    def __init__(self, console: Console, ending: Ending, reporter: Reporter) -> None:
        self._console = console
        self._reporter = reporter
        self._followed = threading.Event()
        self._ending = ending
        threading.Thread(target=self._follow, name="command", daemon=True).start()

    def _follow(self) -> None:
        try:
            _hand_on(self._console, self._reporter)
            with contextlib.suppress(DesktopBakeError):  # an engine that is gone gives no status
                self._reporter.tell(lambda: events.Exited(self._ending.wait(FOREVER_S)))
        finally:
            self._followed.set()

    def wait(self, timeout_s: float, cancel: threading.Event | None = None) -> int:
        """As `Command.wait`, once everything that it printed is reported."""
        end = time.monotonic() + timeout_s
        status = self._ending.wait(timeout_s, cancel)
        await_event(self._followed, max(0.0, end - time.monotonic()), cancel, "the command")
        return status


def _hand_on(console: Console, reporter: Reporter) -> None:
    """Report each line of a console until it ends."""
    while said := console.said(time.monotonic() + FOREVER_S):
        reporter.tell(partial(_output, *said))
        reporter.say(said[1])


def _output(stream: Stream, line: str) -> events.Output:
    """The event; its module is loaded only if somebody listens."""
    return events.Output(stream, line)
