"""The tasks that run, and their screens."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

import pytest

from desktop_bake import ConfigurationError, EngineError, TaskError, TimeLimitError
from desktop_bake.bake.ui import desks as module
from desktop_bake.bake.ui.desks import Desks, Picture
from tests.harness.entries import ENTRY

if TYPE_CHECKING:
    from collections.abc import Callable

    from desktop_bake.bake.context import Context
    from desktop_bake.bake.task.entry import TaskEntry
    from desktop_bake.bake.ui.source import Source

URL = "http://127.0.0.1:6080/vnc.html#autoconnect=1"


class Forwarded:
    """A port that is carried here."""

    closed = False

    def close(self) -> None:
        """Carry it no longer."""
        self.closed = True


class Engine:
    """Tasks of an engine: what `Tasks` and `docker logs` answer.

    Attributes:
        entries: what runs, or has ended.
        stopped: what was ended.
    """

    def __init__(self) -> None:
        self.entries: list[TaskEntry] = [ENTRY, replace(ENTRY, container_id="e" * 64, state="exited")]
        self.forwarded = Forwarded()
        self.stopped: list[str] = []
        self.asked: list[str] = []
        self.error: Exception | None = None

    def list(self) -> list[TaskEntry]:
        """As `Tasks.list`."""
        if self.error:
            raise self.error
        return self.entries

    def command(self, entry: TaskEntry) -> tuple[str, ...]:
        """As `Tasks.command`; none before it is asked twice."""
        self.asked.append(entry.container_id)
        return ("make", "--token", "abc") if len(self.asked) > 1 else ()

    def url(self, name: str) -> tuple[str, Forwarded]:
        """As `Tasks.url`."""
        return URL, self.forwarded

    def attach(self, name: str) -> Engine:
        """As `Tasks.attach`: a task that can be stopped."""
        return self

    def stop(self) -> None:
        """As `DesktopTask.stop`."""
        self.stopped.append(self.entries.pop(0).container_id)


@dataclass(frozen=True)
class Task:
    """A task that was started.

    Attributes:
        end: returns its command's status, or raises why that is not known.
    """

    end: Callable[[], int]
    container_id: str = ENTRY.container_id

    def wait(self, _limit_s: float) -> int:
        """As `DesktopTask.wait`."""
        return self.end()


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine with a task that runs and one that has ended."""
    engine = Engine()
    monkeypatch.setattr(module, "Tasks", lambda _context: engine)
    return engine


@pytest.fixture
def desks(source: Source, running: Engine) -> Desks:
    """What is known after a look."""
    desks = Desks(source, lambda *_: None)
    desks.look(source.load())
    return desks


def test_what_runs(desks: Desks, running: Engine, source: Source) -> None:
    """What has ended is not shown; an engine that is away is reported, and what was known stays."""
    assert desks.entries == (ENTRY,)
    running.error = EngineError("no engine", "start it")
    desks.look(source.load())
    assert (desks.error, desks.entries) == (running.error, (ENTRY,))
    with pytest.raises(ConfigurationError, match="does not run any more"):
        desks.entry("e" * 64)


def test_commands(desks: Desks, running: Engine, source: Source) -> None:
    """What a task does that somebody else started is asked for until it is known, and told without secrets."""
    assert desks.commands == {}
    for _ in range(3):
        desks.look(source.load())
    assert desks.commands == {ENTRY.container_id: "make --token ***"}
    assert running.asked == [ENTRY.container_id] * 2


def test_pictures(desks: Desks, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tabs that ask at once share one picture; the last line of the log comes with it."""
    taken: list[str] = []

    def picture(_engine: object, task: str, *, limit_s: float) -> bytes:
        taken.append(task)
        return b"png"

    monkeypatch.setattr(module, "picture", picture)
    monkeypatch.setattr(desks, "log", lambda *_: "first\nlast\n")
    one, two = (desks.picture(ENTRY.container_id, source.load()) for _ in range(2))
    assert one is two
    assert taken == [ENTRY.container_id]
    assert desks.lines == {ENTRY.container_id: "last"}
    assert one.tag == Picture(png=b"png", at=9.0).tag != Picture(png=b"other", at=0.0).tag


def test_a_screen_that_hangs(desks: Desks, running: Engine, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen that gives no picture in time is not waited for again: the others' pictures are taken one at a time."""
    asked: list[tuple[str, float]] = []

    def picture(_engine: object, task: str, *, limit_s: float) -> bytes:
        asked.append((task, limit_s))
        raise TimeLimitError("docker did not answer within 10 s", "check the engine: docker info")

    monkeypatch.setattr(module, "picture", picture)
    for _ in range(2):
        with pytest.raises(TimeLimitError, match="did not answer"):
            desks.picture(ENTRY.container_id, source.load())
    assert asked == [(ENTRY.container_id, 10)]


def test_its_address(desks: Desks, running: Engine, source: Source) -> None:
    """It is for looking until control is requested; what carries a port goes with the task."""
    assert desks.url(ENTRY.container_id, source.load(), control=False) == f"{URL}&view_only=1"
    assert desks.url(ENTRY.container_id, source.load(), control=True) == URL
    running.entries.pop(0)
    desks.look(source.load())
    assert running.forwarded.closed


def test_stopped(desks: Desks, running: Engine, source: Source) -> None:
    """It ends, and is shown no longer."""
    desks.stop(ENTRY.container_id, source.load())
    assert running.stopped == [ENTRY.container_id]
    assert desks.entries == ()


@pytest.mark.parametrize("error", [None, TaskError("it did not start", "see its log")])
def test_started(desks: Desks, source: Source, monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> None:
    """It starts detached, with the command's words; one that does not start is reported until it is dismissed."""
    asked: list[object] = []
    looked = threading.Semaphore(0)

    def started(_environment: object, _image: object, _context: object, options: object, words: object) -> Task:
        asked.extend([options, words])
        if error:
            raise error
        return Task(lambda: 0)

    monkeypatch.setattr(module, "ensured", lambda *_: None)
    monkeypatch.setattr(module, "started", started)
    monkeypatch.setattr(desks, "look", lambda _settings: looked.release())
    desks.start(source.load(), "office", "xterm -e 'a b'", "1024x768")
    assert all(looked.acquire(timeout=10) for _ in range(1 if error else 2))
    options, words = asked
    assert (getattr(options, "detach", None), getattr(options, "geometry", None)) == (True, "1024x768")
    assert words == ("xterm", "-e", "a b")
    if not error:
        assert desks.commands == {ENTRY.container_id: "xterm -e 'a b'"}
        assert desks.starting == {}
        return
    assert [begun.error for begun in desks.starting.values()] == [error]
    desks.dismiss(1)
    assert desks.starting == {}


def _raise(error: Exception) -> NoReturn:
    raise error


@pytest.mark.parametrize(
    ("line", "end", "stopped", "said"),
    [
        ("make: no rule", lambda: 2, False, "the command ended with status 2: make: no rule"),
        ("[desktop] ready", lambda: 1, False, "the command ended with status 1: it printed nothing"),
        ("all is made", lambda: 0, False, None),
        ("on it", lambda: _raise(TimeLimitError("it still runs")), False, None),
        ("killed", lambda: 137, True, None),
    ],
)
def test_a_command_that_fails_soon(
    desks: Desks,
    source: Source,
    running: Engine,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    end: Callable[[], int],
    stopped: bool,
    said: str | None,
) -> None:
    """Its status and its last line are told in place of its tile; not if it goes on, or was stopped on the page."""
    looked = threading.Semaphore(0)

    def started(_environment: object, _image: object, context: Context, *_: object) -> Task:
        context.reporter.say(line)
        if stopped:
            desks.stop(ENTRY.container_id, source.load())
        return Task(end)

    monkeypatch.setattr(module, "ensured", lambda *_: None)
    monkeypatch.setattr(module, "started", started)
    monkeypatch.setattr(desks, "look", lambda _settings: looked.release())
    desks.start(source.load(), "office", "make", "1024x768")
    assert all(looked.acquire(timeout=10) for _ in range(3 if stopped else 2))
    assert [str(begun.error) for begun in desks.starting.values()] == ([said] if said else [])


@pytest.mark.parametrize(
    ("env_id", "command", "geometry"), [("nobody", "a", "800x600"), ("office", "'a", "800x600"), ("office", "a", "big")]
)
def test_malformed(desks: Desks, source: Source, env_id: str, command: str, geometry: str) -> None:
    """What cannot be started is refused before anything begins."""
    with pytest.raises(ConfigurationError):
        desks.start(source.load(), env_id, command, geometry)
    assert desks.starting == {}


def test_log(desks: Desks, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a terminal would obey is taken out."""

    class Done:
        stdout, stderr = b"\x1b[31mred\x1b[0m\r\n", b"more\n"

    asked: list[tuple[str, ...]] = []

    def docker(*words: str) -> Done:
        asked.append(words)
        return Done()

    monkeypatch.setattr(source.engine(), "docker", docker, raising=False)
    assert desks.log(ENTRY.container_id, source.load()) == "red\nmore\n"
    assert asked == [("logs", "--tail", "2000", ENTRY.container_id)]
