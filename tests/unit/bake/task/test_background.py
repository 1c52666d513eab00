"""A command that runs in a task while its program does other things: its lines, its end, and who waits for it."""

from __future__ import annotations

import threading
from queue import Queue
from typing import TYPE_CHECKING, cast

import pytest

from desktop_bake import CancelledError, DesktopBakeError, EngineError, Exited, Output, TaskGoneError, TimeLimitError
from desktop_bake.bake.system.reporter import Reporter
from desktop_bake.bake.task.background import Command, MainCommand
from desktop_bake.bake.task.program import with_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from desktop_bake import TaskEvent
    from desktop_bake.bake.system.events import Stream
    from desktop_bake.bake.task.console import Console
    from desktop_bake.bake.task.container import Container
    from desktop_bake.bake.task.ending import Ending


class Running:
    """A container whose command prints what a test says, and its console.

    Attributes:
        prints: lines, those of standard error with a `!`, and None for the end.
        status: with which it ends; an error if the engine or the container is gone.
        words: what was run.
        closed: set when the console is closed.
    """

    def __init__(self, status: int | DesktopBakeError = 0) -> None:
        self.prints: Queue[str | None] = Queue()
        self.status = status
        self.words: list[str] = []
        self.closed = threading.Event()

    def execute(self, words: Sequence[str]) -> tuple[str, Running]:
        """As `Container.execute`."""
        self.words = list(words)
        return "name", self

    def said(self, _end: float) -> tuple[Stream, str] | None:
        """As `Console.said`."""
        line = self.prints.get()
        return None if line is None else ("stderr" if line.startswith("!") else "stdout", line)

    def exit_status(self, name: str) -> int:
        """As `Container.exit_status`."""
        assert name == "name"
        if isinstance(self.status, DesktopBakeError):
            raise self.status
        return self.status

    def close(self) -> None:
        """As `Console.close`."""
        self.closed.set()


def started(running: Running, log: Callable[[str], None], told: Callable[[TaskEvent], None] | None = None) -> Command:
    """The command in it."""
    return Command(cast("Container", running), ["make", "all"], Reporter(log, told=told))


@pytest.mark.parametrize("status", [0, 3])
def test_its_end(status: int) -> None:
    """Every line goes to the log, in order; then its status is known, and its console closed."""
    running, lines = Running(status), list[str]()
    command = started(running, lines.append)
    for line in ("one", "", "two", None):
        running.prints.put(line)
    assert command.wait(10) == status
    assert command.wait(0) == status
    assert (running.words, lines, running.closed.is_set()) == (with_logs(["make", "all"]), ["one", "", "two"], True)


@pytest.mark.parametrize("error", [EngineError("no Docker Engine answers", "start it"), TaskGoneError("gone")])
def test_an_end_without_a_status(error: DesktopBakeError) -> None:
    """If the engine or the container is gone, every waiting caller is told, each time; events tell a killed command."""
    running, events = Running(error), list["TaskEvent"]()
    command = started(running, print, events.append)
    running.prints.put(None)
    for _ in range(2):
        with pytest.raises(type(error)):
            command.wait(10)
    assert events == [Exited(137)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_log_that_fails() -> None:
    """A log that raises ends the lines, and nobody waits for ever."""
    running = Running(5)

    def fail(_line: str) -> None:
        raise ZeroDivisionError

    command = started(running, fail)
    running.prints.put("a line")
    assert command.wait(10) == 5
    assert running.closed.is_set()
    for thread in threading.enumerate():
        if thread.name == "command":
            thread.join(10)  # its exception is this test's


def test_the_limit() -> None:
    """Whoever waits goes on at the limit; the command does so, too, and can be waited for again."""
    running = Running()
    command = started(running, print)
    with pytest.raises(TimeLimitError, match=r"^the command still runs after 0\.01 s$"):
        command.wait(0.01)
    running.prints.put(None)
    assert command.wait(10) == 0


def test_cancelled() -> None:
    """Whoever waits is set free; the command goes on."""
    running, cancel = Running(), threading.Event()
    command = started(running, print)
    cancel.set()
    with pytest.raises(CancelledError, match=r"^cancelled$"):
        command.wait(10, cancel)
    running.prints.put(None)
    assert command.wait(10) == 0
    assert command.wait(10, cancel) == 0  # it has ended


def test_events() -> None:
    """Each line is reported with its stream; the end is reported last, and before whoever waits goes on."""
    running, events = Running(3), list["TaskEvent"]()
    command = started(running, print, events.append)
    for line in ("one", "!two", None):
        running.prints.put(line)
    assert command.wait(10) == 3
    assert events == [Output("stdout", "one"), Output("stderr", "!two"), Exited(3)]


class End:
    """The end of a container; None if nobody knows its status."""

    def __init__(self, status: int | None) -> None:
        self.status = status

    def wait(self, _limit_s: float, _cancel: object = None) -> int:
        """As `Ending.wait`."""
        if self.status is None:
            raise TaskGoneError("the task is gone")
        return self.status


@pytest.mark.parametrize(("status", "ends"), [(4, [Exited(4)]), (None, [])])
def test_events_of_a_detached_command(status: int | None, ends: list[TaskEvent]) -> None:
    """A detached task's command is reported in the same way; only `wait` reports an end without a status."""
    running, events = Running(), list["TaskEvent"]()
    command = MainCommand(cast("Console", running), cast("Ending", End(status)), Reporter(told=events.append))
    running.prints.put("one")
    running.prints.put(None)
    if status is None:
        with pytest.raises(TaskGoneError):
            command.wait(10)
        for thread in threading.enumerate():
            if thread.name == "command":
                thread.join(10)
    else:
        assert command.wait(10) == status
    assert events == [Output("stdout", "one"), *ends]
