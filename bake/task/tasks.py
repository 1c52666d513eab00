"""The tasks of an engine, found by their labels, even if the programs that started them have ended."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from ...generator.described import checked
from ...generator.errors import ConfigurationError, EngineError, TaskGoneError
from ..system.whose import this_user
from .console import NoConsole
from .container import Container
from .ending import LaterEnding
from .entry import TaskEntry, named
from .forward import Forward
from .labels import OWNER_LABEL, TASK_LABEL
from .novnc import novnc_url, view_only_url
from .options import NOVNC_PORT, SECRET, TaskOptions
from .task import DesktopTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine.engine import Engine


_READ_S = 20.0
_SECRET = re.compile(r"[A-Za-z0-9_-]{32}|-")


class OnAnEngine(Protocol):
    """A context, or anything else that has an engine."""

    @property
    def engine(self) -> Engine:
        """The engine."""


class Tasks:
    """The tasks on an engine: those of this user on this machine, whichever program started them, or all.

    Args:
        context: which engine.
        everyone: whether to include the tasks of other users and machines.

    Attributes:
        engine: the engine.
    """

    @checked
    def __init__(self, context: OnAnEngine, *, everyone: bool = False) -> None:
        self.engine = context.engine
        self._everyone = everyone

    def list(self) -> list[TaskEntry]:
        """List every task, newest first, including ended tasks that are kept, with one request.

        Raises:
            EngineError, TimeLimitError: the engine does not answer, or not as one does.
        """
        labels = [TASK_LABEL] if self._everyone else [TASK_LABEL, f"{OWNER_LABEL}={this_user()}"]
        answer = self.engine.ask("GET", "/containers/json", {"all": "1", "filters": {"label": labels}})
        try:
            if answer.status != 200:
                raise EngineError(f"cannot list tasks: {answer.message}", "check: docker ps")
            return sorted(map(TaskEntry.of, answer.content), key=lambda entry: -entry.created_s)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise EngineError("the engine's answer is not understood", "check: docker ps") from error

    @checked
    def find(self, name: str) -> TaskEntry:
        """The task of this name.

        Args:
            name: a container's name, the beginning of its ID, or an environment that has one task.

        Raises:
            TaskGoneError: there is none.
            ConfigurationError: there are several.
            EngineError, TimeLimitError: as `list`.
        """
        return named(self.list(), name)

    @checked
    def find_running(self, name: str) -> TaskEntry:
        """The task of this name, which runs.

        Args, Raises: as `find`; `TaskGoneError` also if it has ended.
        """
        entry = self.find(name)
        if not entry.is_running:
            raise TaskGoneError(
                f"the task {entry.short_name} has ended",
                f"see: desktop-bake logs {entry.short_name}, or start another: desktop-bake run",
            )
        return entry

    @checked
    def attach(self, name: str) -> DesktopTask:
        """The task of this name, as in the program that started it.

        Args, Raises: as `find`; `TaskGoneError` also if it goes meanwhile.
        """
        entry = self.find(name)
        container = Container.of(self.engine.endpoint, entry.container_id, entry.name)
        url = forward = None
        if entry.is_running:
            with suppress(TaskGoneError):  # a kept task that ends at this moment is one that has ended
                url, forward = self._reach(entry, container)
        return DesktopTask(
            engine=self.engine,
            container_id=entry.container_id,
            name=entry.name,
            novnc_url=url,
            options=TaskOptions(detach=True, keep=container.is_kept()),
            container=container,
            console=NoConsole(),
            forward=forward,
            command=LaterEnding(self.engine.endpoint, entry.container_id),
        )

    @checked
    def find_all(self, names: Sequence[str]) -> tuple[TaskEntry, ...]:
        """The tasks of these names, by one request; as `find`."""
        entries = self.list()
        return tuple(dict.fromkeys(named(entries, name) for name in names))

    @checked
    def url(self, name: str, *, view_only: bool = False) -> tuple[str, Forward | None]:
        """The address of a task's desktop for a browser on this machine, and what must keep running for it, if any.

        Args:
            name: as in `find`.
            view_only: whether the address is view-only, as `DesktopTask.view_only_url`.

        Raises:
            TaskGoneError: as `find`, or it has ended.
            ConfigurationError: as `find`, or it has no desktop, or one without a secret that is to be seen only.
        """
        entry = self.find_running(name)
        url, forward = self._reach(entry, Container.of(self.engine.endpoint, entry.container_id, entry.name))
        if url is None:
            raise ConfigurationError(
                f"the task {entry.short_name} has no desktop", "set headless_desktop_enabled = true in its environment"
            )
        if not view_only:
            return url, forward
        seen = view_only_url(url)
        if seen is None:
            raise ConfigurationError(
                f"the task {entry.short_name} has no secret: whoever reaches its desktop has keyboard and mouse",
                "start it without --no-auth",
            )
        return seen, forward

    @checked
    def command(self, entry: TaskEntry) -> tuple[str, ...]:
        """A task's command, as `Container.command`, even if another program started it."""
        return Container.of(self.engine.endpoint, entry.container_id, entry.name).command()

    @checked
    def ending(self, entry: TaskEntry) -> LaterEnding:
        """A task's end, to wait for."""
        return LaterEnding(self.engine.endpoint, entry.container_id)

    @checked
    def stop(self, entry: TaskEntry, *, grace_s: int, remove: bool) -> None:
        """End a task as `docker stop` does. It is no error if the task is gone already.

        Args:
            entry: the task.
            grace_s: how long its command has, in seconds, from SIGTERM to SIGKILL.
            remove: whether to remove a kept task as well.
        """
        container = Container.of(self.engine.endpoint, entry.container_id, entry.name)
        container.stop(grace_s)
        if remove:
            container.remove()

    def _reach(self, entry: TaskEntry, container: Container) -> tuple[str | None, Forward | None]:
        secret = _secret(container)
        if secret is None:
            return None, None
        if entry.novnc_port is not None and not self.engine.is_remote():
            return novnc_url(entry.novnc_port, secret, follows=not entry.fixed_size), None
        forward = Forward(entry.container_id, NOVNC_PORT)
        return novnc_url(forward.local_port, secret, follows=not entry.fixed_size), forward


def _secret(container: Container) -> str | None:
    """The secret of a task's desktop, which the container keeps in memory; None without a desktop."""
    _, console = container.execute(["cat", SECRET])
    try:
        said = console.line(time.monotonic() + _READ_S)
    finally:
        console.close()
    return said if said and _SECRET.fullmatch(said) else None  # otherwise cat says that there is no such file
