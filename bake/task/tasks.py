"""The tasks of an engine, found by their labels, whatever became of the program that started them."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ...generator.errors import ConfigurationError, EngineError, TaskGoneError
from ..system.text import did_you_mean
from ..system.whose import this_user
from .console import NoConsole
from .container import Container
from .ending import LaterEnding
from .forward import Forward
from .labels import KEY_LABEL, OWNER_LABEL, PROJECT_LABEL, PROJECT_NAME_LABEL, TASK_LABEL, VERSION_LABEL
from .novnc import novnc_url
from .options import NOVNC_PORT, SECRET, TaskOptions
from .task import DesktopTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..context import Context


_SHORT = 12  # digits of an ID
_OWN_NAME = re.compile(r"desktop-bake-[0-9a-f]{12}")
_ENDED = re.compile(r"Exited \(([0-9]+)\)")
_READ_S = 20.0


@dataclass(frozen=True, kw_only=True)
class TaskEntry:
    """A task as the engine lists it.

    Attributes:
        container_id: its container.
        name: the container's name.
        environment: the environment's ID.
        cache_key: its image's key; empty if it has none.
        project: a hash of the configuration's folder, and `project_name` the folder's name.
        owner: the user who started it, and the machine, hashed.
        version: of desktop-bake, which started it.
        state: the engine's: `running`, `exited` and others.
        status: the exit status of one that has ended, else None.
        created_s: when it was made, in seconds since 1970.
        novnc_port: where noVNC is published on the engine's machine, or None.
    """

    container_id: str
    name: str
    environment: str
    cache_key: str
    project: str
    project_name: str
    owner: str
    version: str
    state: str
    status: int | None
    created_s: float
    novnc_port: int | None

    @property
    def short_name(self) -> str:
        """What people type: the name that somebody gave it, or the beginning of its ID."""
        return self.container_id[:_SHORT] if _OWN_NAME.fullmatch(self.name) else self.name

    @property
    def is_running(self) -> bool:
        """Whether it runs, or is paused."""
        return self.state in ("running", "paused", "restarting")

    def as_json(self) -> dict[str, object]:
        """The object that `ps --json` prints of it."""
        return {"short_name": self.short_name, **asdict(self)}


class Tasks:
    """The tasks on an engine: those of this user on this machine, whichever program started them, or all.

    Args:
        context: which engine.
        everyone: whether those that other users and other machines started, too.
    """

    def __init__(self, context: Context, *, everyone: bool = False) -> None:
        self._context = context
        self._everyone = everyone

    def list(self) -> list[TaskEntry]:
        """Every task, the newest first, also those that have ended and are kept; by one request.

        Raises:
            EngineError, TimeLimitError: the engine does not answer, or not as one does.
        """
        labels = [TASK_LABEL] if self._everyone else [TASK_LABEL, f"{OWNER_LABEL}={this_user()}"]
        answer = self._context.engine.ask("GET", "/containers/json", {"all": "1", "filters": {"label": labels}})
        try:
            if answer.status != 200:
                raise EngineError(f"cannot list tasks: {answer.message}", "check: docker ps")
            return sorted(map(_entry, answer.content), key=lambda entry: -entry.created_s)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise EngineError("the engine's answer is not understood", "check: docker ps") from error

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

    def attach(self, name: str) -> DesktopTask:
        """The task of this name, as the program that started it has it.

        Args, Raises: as `find`; `TaskGoneError` also if it goes meanwhile.
        """
        entry = self.find(name)
        container = Container.of(self._context.engine.endpoint, entry.container_id, entry.name)
        url, forward = self._reach(entry, container) if entry.is_running else (None, None)
        return DesktopTask(
            engine=self._context.engine,
            container_id=entry.container_id,
            name=entry.name,
            novnc_url=url,
            options=TaskOptions(detach=True, keep=container.is_kept()),
            container=container,
            console=NoConsole(),
            forward=forward,
            command=LaterEnding(self._context.engine.endpoint, entry.container_id),
        )

    def url(self, name: str) -> tuple[str, Forward | None]:
        """Where a browser on this machine sees a task's desktop, and what has to stay for that, if anything.

        Raises:
            TaskGoneError: as `find`, or it has ended.
            ConfigurationError: as `find`, or it has no desktop.
        """
        entry = self.find(name)
        if not entry.is_running:
            raise TaskGoneError(f"the task {entry.short_name} has ended", "start another")
        container = Container.of(self._context.engine.endpoint, entry.container_id, entry.name)
        url, forward = self._reach(entry, container)
        if url is None:
            raise ConfigurationError(
                f"the task {entry.short_name} has no desktop", "set headless_desktop_enabled = true in its environment"
            )
        return url, forward

    def _reach(self, entry: TaskEntry, container: Container) -> tuple[str | None, Forward | None]:
        secret = _secret(container)
        if secret is None:
            return None, None
        if entry.novnc_port is not None and not self._context.engine.is_remote():
            return novnc_url(entry.novnc_port, secret), None
        forward = Forward(entry.container_id, NOVNC_PORT)
        return novnc_url(forward.local_port, secret), forward


def named(entries: list[TaskEntry], name: str) -> TaskEntry:
    """As `Tasks.find`, among these."""
    for matches in (
        [e for e in entries if name in (e.name, e.container_id)],
        [e for e in entries if name and e.container_id.startswith(name)],
        [e for e in entries if e.environment == name and e.is_running],
        [e for e in entries if e.environment == name],
    ):
        if len(matches) > 1:
            raise ConfigurationError(
                f"{name!r} is the name of {len(matches)} tasks",
                "name one of: " + ", ".join(e.short_name for e in matches),
            )
        if matches:
            return matches[0]
    known = [*(e.short_name for e in entries), *(e.environment for e in entries)]
    meant = did_you_mean(name, dict.fromkeys(known)) if entries else "see: desktop-bake ps --all"
    raise TaskGoneError(f"there is no task {name!r}, or not any more", meant)


def _entry(listed: Mapping[str, Any]) -> TaskEntry:
    labels = listed["Labels"]
    ended = _ENDED.match(listed.get("Status") or "")
    ports = (p.get("PublicPort") for p in listed.get("Ports") or () if p.get("PrivatePort") == NOVNC_PORT)
    return TaskEntry(
        container_id=listed["Id"],
        name=(listed["Names"] or [listed["Id"]])[0].removeprefix("/"),
        environment=labels[TASK_LABEL],
        cache_key=labels.get(KEY_LABEL, ""),
        project=labels.get(PROJECT_LABEL, ""),
        project_name=labels.get(PROJECT_NAME_LABEL, ""),
        owner=labels.get(OWNER_LABEL, ""),
        version=labels.get(VERSION_LABEL, ""),
        state=listed["State"],
        status=int(ended[1]) if ended else None,
        created_s=float(listed["Created"]),
        novnc_port=next(filter(None, ports), None),
    )


def _secret(container: Container) -> str | None:
    """The secret of a task's desktop, which the container has in memory; None without a desktop."""
    name, console = container.execute(["cat", SECRET])
    try:
        said = console.line(time.monotonic() + _READ_S)
        while console.line(time.monotonic() + _READ_S) is not None:
            pass
    finally:
        console.close()
    return said if said and container.exit_status(name) == 0 else None
