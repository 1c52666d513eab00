"""A command that runs in a task while its program does other things: its lines, its end, and who waits for it."""

from __future__ import annotations

import threading
from queue import Queue
from typing import TYPE_CHECKING, cast

import pytest

from desktop_bake import CancelledError, EngineError, TimeLimitError
from desktop_bake.bake.task.background import Command
from desktop_bake.bake.task.program import with_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from desktop_bake.bake.task.container import Container


class Running:
    """A container whose command prints what a test says, and its console.

    Attributes:
        said: lines, and None for the end.
        status: with which it ends; an error if the engine is gone.
        words: what was run.
        closed: set when the console is closed.
    """

    def __init__(self, status: int | EngineError = 0) -> None:
        self.said: Queue[str | None] = Queue()
        self.status = status
        self.words: list[str] = []
        self.closed = threading.Event()

    def execute(self, words: Sequence[str]) -> tuple[str, Running]:
        """As `Container.execute`."""
        self.words = list(words)
        return "name", self

    def line(self, _end: float) -> str | None:
        """As `Console.line`."""
        return self.said.get()

    def exit_status(self, name: str) -> int:
        """As `Container.exit_status`."""
        assert name == "name"
        if isinstance(self.status, EngineError):
            raise self.status
        return self.status

    def close(self) -> None:
        """As `Console.close`."""
        self.closed.set()


def started(running: Running, log: Callable[[str], None]) -> Command:
    """The command in it."""
    return Command(cast("Container", running), ["make", "all"], log)


@pytest.mark.parametrize(
    ("status", "wanted"), [(0, 0), (3, 3), (EngineError("no Docker Engine answers", "start it"), 137)]
)
def test_its_end(status: int | EngineError, wanted: int) -> None:
    """Every line goes to the log, in order; then its status is known, and its console closed."""
    running, lines = Running(status), list[str]()
    command = started(running, lines.append)
    for line in ("one", "", "two", None):
        running.said.put(line)
    assert command.wait(10) == wanted
    assert command.wait(0) == wanted
    assert (running.words, lines, running.closed.is_set()) == (with_logs(["make", "all"]), ["one", "", "two"], True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_log_that_fails() -> None:
    """A log that raises ends the lines, and nobody waits for ever."""
    running = Running(5)

    def fail(_line: str) -> None:
        raise ZeroDivisionError

    command = started(running, fail)
    running.said.put("a line")
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
    running.said.put(None)
    assert command.wait(10) == 0


def test_cancelled() -> None:
    """Whoever waits is set free; the command goes on."""
    running, cancel = Running(), threading.Event()
    command = started(running, print)
    cancel.set()
    with pytest.raises(CancelledError, match=r"^cancelled$"):
        command.wait(10, cancel)
    running.said.put(None)
    assert command.wait(10) == 0
    assert command.wait(10, cancel) == 0  # it has ended
