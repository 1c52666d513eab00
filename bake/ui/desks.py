"""The running tasks, their screens, and what a person does with them; tasks outlive the page."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shlex
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError, DesktopBakeError, TaskError, TimeLimitError
from ..ensure import ensured
from ..system.redaction import without_secrets
from ..system.text import last_line
from ..task.command_words import shown
from ..task.console import READY
from ..task.novnc import view_only_url
from ..task.options import TaskOptions
from ..task.screen import picture
from ..task.start import started
from ..task.tasks import Tasks
from .threads import background

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config.settings import Settings
    from ..task.entry import TaskEntry
    from ..task.forward import Forward
    from ..task.task import DesktopTask
    from .source import Source


_FRESH_S = 2.0  # requests within this time get the same picture
_TAKING_S, _HUNG_S = 10.0, 300.0  # time limit of a picture; how long a task without one is then skipped
_LOG_LINES = "2000"
_SOON_S = 10.0  # a command that fails within this time is reported
_TRIES = 20  # after so many tries, a task without a command is not asked again
_VIEW = "&view_only=1"


@dataclass(kw_only=True)
class Starting:
    """A task that is starting.

    Attributes:
        env_id, words: its environment and command.
        line: the last line that was reported.
        error: why it did not start.
    """

    env_id: str
    words: tuple[str, ...]
    line: str = "looking for its image"
    error: Exception | None = None


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture of a screen.

    Attributes:
        png: the picture.
        at: when it was taken, by a clock with any starting point.
    """

    png: bytes
    at: float

    @property
    def tag(self) -> str:
        """The tag that tells it from any other picture."""
        return hashlib.sha256(self.png).hexdigest()[:20]


class Desks:
    """The running tasks of this user.

    Args:
        source: where answers come from.
        touch: called with the parts of pages that may have changed.
    """

    def __init__(self, source: Source, touch: Callable[..., None]) -> None:
        self._source, self._touch = source, touch
        self.entries: tuple[TaskEntry, ...] = ()
        self.error: DesktopBakeError | None = None
        self.has_looked = False
        self.starting: dict[int, Starting] = {}
        self.lines: dict[str, str] = {}
        self.commands: dict[str, str] = {}
        self._tries: dict[str, int] = {}
        self._stopped: set[str] = set()
        self._pictures: dict[str, Picture] = {}
        self._hung: dict[str, tuple[float, TimeLimitError]] = {}
        self._forwards: dict[str, tuple[str, Forward | None]] = {}
        self._lock, self._taking = threading.Lock(), threading.Lock()
        self._number = 0

    def look(self, settings: Settings) -> None:
        """List the running tasks."""
        try:
            found = Tasks(self._source.context(settings)).list()
            self.entries, self.error = tuple(entry for entry in found if entry.is_running), None
        except DesktopBakeError as error:
            self.error = error
        self.has_looked = True
        for entry in self.entries:
            self._learn(entry, settings)
        there = {entry.container_id for entry in self.entries}
        with self._lock:
            gone = [self._forwards.pop(task) for task in set(self._forwards) - there]
        for known in (self._pictures, self._hung, self.lines, self.commands, self._tries):
            for task in set(known) - there:
                known.pop(task, None)
        for _, forward in gone:
            if forward:
                forward.close()
        self._touch("tasks")

    def _learn(self, entry: TaskEntry, settings: Settings) -> None:
        """Find out the command of a task, unless it is known; the task's program may start it later than the task."""
        task, tries = entry.container_id, self._tries.get(entry.container_id, 0)
        if task in self.commands or tries >= _TRIES:
            return
        self._tries[task] = tries + 1
        with contextlib.suppress(DesktopBakeError):  # it has ended
            if words := Tasks(self._source.context(settings)).command(entry):
                self.commands[task] = shown(words)
                self._touch("tasks")

    def entry(self, task: str) -> TaskEntry:
        """A task by its container's ID.

        Raises:
            ConfigurationError: it is no longer running.
        """
        found = next((entry for entry in self.entries if entry.container_id == task), None)
        if found is None:
            raise ConfigurationError("that task does not run any more", "load the page again")
        return found

    def picture(self, task: str, settings: Settings) -> Picture:
        """A picture of its screen, now or a moment ago; taken one at a time, so that pictures never use up the machine.

        Raises:
            DesktopBakeError: it has no desktop, is gone, or does not answer.
        """
        entry = self.entry(task)
        with self._taking:
            if (hung := self._hung.get(task)) and time.monotonic() < hung[0]:
                raise hung[1]
            self._learn(entry, settings)
            had = self._pictures.get(task)
            if had and time.monotonic() - had.at < _FRESH_S:
                return had
            engine = self._source.context(settings).engine
            try:
                png = picture(engine, task, limit_s=_TAKING_S)
            except TimeLimitError as error:
                self._hung[task] = time.monotonic() + _HUNG_S, error
                raise
            taken = self._pictures[task] = Picture(png=png, at=time.monotonic())
            line = without_secrets()(last_line(self.log(task, settings, "5")))
        if self.lines.get(task) != line:
            self.lines[task] = line
            self._touch("tasks")
        return taken

    def log(self, task: str, settings: Settings, lines: str = _LOG_LINES) -> str:
        """The last lines that it printed."""
        self.entry(task)
        done = self._source.context(settings).engine.docker("logs", "--tail", lines, task)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", (done.stdout + done.stderr).decode(errors="replace"))

    def url(self, task: str, settings: Settings, *, control: bool) -> str:
        """The URL for a browser on this machine; it contains the task's secret, so only the person who asks gets it.

        Raises:
            DesktopBakeError: it has no desktop, or it is gone.
        """
        entry = self.entry(task)
        with self._lock:
            if task not in self._forwards:
                self._forwards[task] = Tasks(self._source.context(settings)).url(entry.container_id)
            url = self._forwards[task][0]
        return url if control else view_only_url(url) or url + _VIEW

    def stop(self, task: str, settings: Settings) -> None:
        """End it, and remove its container.

        Raises:
            DesktopBakeError: the engine does not answer.
        """
        self._stopped.add(task)
        Tasks(self._source.context(settings)).attach(self.entry(task).container_id).stop()
        self.look(settings)

    def start(self, settings: Settings, env_id: str, command: str, geometry: str) -> None:
        """Start a task in the background; it keeps running if the page ends.

        Raises:
            ConfigurationError: there is no such environment, or the command or geometry is malformed.
        """
        environment = settings.environment(env_id)
        try:
            words = tuple(shlex.split(command))
        except ValueError as error:
            raise ConfigurationError(f"the command is malformed: {error}", "close its quotes") from error
        options = TaskOptions(geometry=geometry, detach=True)
        with self._lock:
            self._number += 1
            number, begun = self._number, Starting(env_id=env_id, words=words)
            self.starting[number] = begun

        def log(line: str) -> None:
            begun.line = line
            self._touch("tasks")

        def run() -> None:
            context = self._source.context(settings, log, fresh=True)
            try:
                task = started(environment, ensured(environment, context), context, options, words)
                self.commands[task.container_id] = shown(words)
                self.starting.pop(number, None)
                self.look(settings)
                begun.error = self._early_end(task, begun)
            except (DesktopBakeError, OSError) as error:
                begun.error = error
            if begun.error:
                self.starting[number] = begun
            self.look(settings)

        background(run, f"page-start-{number}")
        self._touch("tasks")

    def _early_end(self, task: DesktopTask, begun: Starting) -> TaskError | None:
        """The failure of a command that ends soon after its start: its tile is gone, and its output with it."""
        try:
            status = task.wait(_SOON_S)
        except DesktopBakeError:  # it still runs, or its end is not known
            return None
        if not status or task.container_id in self._stopped:
            return None
        said = without_secrets()(begun.line) if begun.line != READY else "it printed nothing"
        return TaskError(
            f"the command ended with status {status}: {said}",
            "check the command; to keep its whole output: desktop-bake run -d --keep",
        )

    def dismiss(self, number: int) -> None:
        """Stop showing a failed start."""
        if number in self.starting and self.starting[number].error:
            del self.starting[number]
        self._touch("tasks")
