"""What is installed at start: by whom, with what words, and how it fails."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import CancelledError, TaskError, TimeLimitError
from desktop_bake.bake.task.console import INSTALLED
from desktop_bake.bake.task.installing import install
from tests.harness.work import work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.harness.fake_engine import FakeEngine


class Container:
    """A container, and the console of what runs in it.

    Attributes:
        ran: the last word and the user of each command.
        says: the lines of what installs, to come; an error is raised.
        sudo: the status of sudo.
        last: the lines that were read.
    """

    def __init__(self, *says: str | Exception, sudo: int = 0) -> None:
        self.ran: list[tuple[str, str]] = []
        self.says = list(says)
        self.sudo = sudo
        self.last: list[str] = []
        self.closed = 0

    def execute(self, words: Sequence[str], user: str) -> tuple[str, Container]:
        """As `Container.execute`."""
        self.ran.append((words[-1], user))
        return words[-1], self

    def exit_status(self, _name: str) -> int:
        """As `Container.exit_status`."""
        return self.sudo

    def line(self, _end: float, cancel: threading.Event | None) -> str | None:
        """As `Console.line`."""
        if cancel and cancel.is_set():
            raise CancelledError("cancelled")
        said = self.says.pop(0) if self.says and self.ran[-1][0] == "b" else None
        if isinstance(said, Exception):
            raise said
        self.last += [said] if said else []
        return said

    def close(self) -> None:
        """As `Console.close`."""
        self.closed += 1


def run(container: Any, engine: FakeEngine, lines: list[str], user: str = "0", **more: Any) -> None:
    """Install two scripts."""
    context = work(engine, log=lines.append, **more)
    install(container, ("a", "b"), user, context)


@pytest.mark.parametrize(
    ("user", "sudo", "ran"),
    [
        ("0", 1, [("b", "0")]),
        ("worker", 0, [("sudo -n true", "worker"), ("b", "worker")]),
        ("worker", 1, [("sudo -n true", "worker"), ("b", "0")]),
    ],
)
def test_who(engine: FakeEngine, lines: list[str], user: str, sudo: int, ran: list[tuple[str, str]]) -> None:
    """The image's user installs as in a bake; root does for one who could install nothing."""
    container = Container("one", INSTALLED, "never read", sudo=sudo)
    run(container, engine, lines, user)
    assert container.ran == ran
    assert lines == ["one", INSTALLED]
    assert container.closed == len(ran)


@pytest.mark.parametrize(
    ("says", "error", "told"),
    [
        (["E: no luck"], TaskError, r"^the desktop ended before it was ready: E: no luck$"),
        ([TimeLimitError("late")], TimeLimitError, r"^the desktop was not ready after 1200 s$"),
    ],
)
def test_how_it_fails(
    engine: FakeEngine, lines: list[str], says: list[str | Exception], error: type[Exception], told: str
) -> None:
    """An install that ends early is reported by its last words, one that takes too long by its limit."""
    container = Container(*says)
    with pytest.raises(error, match=told):
        run(container, engine, lines)
    assert container.closed == 1


def test_another_thread_gives_up(engine: FakeEngine, lines: list[str]) -> None:
    """Cancelled, it ends at once."""
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        run(Container(INSTALLED), engine, lines, cancel=cancel)
    assert lines == []
