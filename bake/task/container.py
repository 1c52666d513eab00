"""A container, through the engine's API: it is made, started, used and removed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from ...generator.errors import ConfigurationError, DesktopBakeError, TaskError, TaskGoneError, TimeLimitError
from ..engine.api import CALL_TIMEOUT_S, Answer
from ..system.asked import Asked
from ..system.chance import token_hex
from ..system.lazy import lazy
from .console import Console
from .ending import LaterEnding, gone, is_gone

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ..engine import archive
    from ..engine.api import Endpoint
    from . import command_words, ports
else:
    archive = lazy("..engine.archive", __package__)
    command_words = lazy(".command_words", __package__)
    ports = lazy(".ports", __package__)


PULL_TIMEOUT_S = 1200.0
_REMOVE_TIMEOUT_S = 20.0
_ENDS_S = 1.0
KILLED = 137  # the status of a process ended by SIGKILL, such as by the end of its container
NOTED_S = 5.0  # the engine notes the end of a command within milliseconds


class NoImageError(TaskError):
    """The engine does not have the image."""


class Container:
    """A container, made under a random name: it can be removed even if the answer to its creation was lost.

    Args:
        endpoint: the engine.

    Attributes:
        name: its name.
        container_id: its ID, once it is created.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.name = f"desktop-bake-{token_hex(6)}"
        self.container_id = ""

    @classmethod
    def of(cls, endpoint: Endpoint, container_id: str, name: str) -> Self:
        """A container that exists already."""
        container = cls(endpoint)
        container.container_id, container.name = container_id, name
        return container

    def create(self, body: dict[str, Any], platform: str | None = None) -> None:
        """Make it, without starting it.

        Args:
            body: the request's body, as the engine takes it.
            platform: the platform that its image has to be for; None for any.

        Raises:
            NoImageError: the image is not in the engine.
            ConfigurationError: the engine refuses a value.
            TaskError: anything else.
        """
        answer = self._created(body, {"platform": platform} if platform else {})
        if answer.status == 201:
            self.container_id = str(answer.content["Id"])
        elif answer.status == 404 and "image" in answer.message.lower():
            raise NoImageError(f"the engine has no image {body['Image']}", f"docker pull {body['Image']}")
        elif answer.status == 400:
            raise ConfigurationError(
                f"the engine refuses the container: {answer.message}", "change or leave out the option that it names"
            )
        else:
            raise TaskError(f"the container cannot be created: {answer.message}", f"check: docker run {body['Image']}")

    def _created(self, body: dict[str, Any], query: dict[str, str]) -> Answer:
        """Ask for it in a thread, and wait for the answer even if we are interrupted.

        The engine carries out a request even after we hang up; then nobody would own the container.
        """
        query = {"name": self.name, **query}
        asked = Asked(lambda: self._endpoint.ask("POST", "/containers/create", query, body), "create")
        try:
            return asked.begin().answer()
        except BaseException:  # also while the thread starts
            asked.wait(CALL_TIMEOUT_S if asked.has_begun else 1.0)
            raise

    def put(self, folder: str, files: Mapping[str, bytes], executables: Collection[str] = ()) -> None:
        """Write files into it, also before it is started; unlike an argument, they may have any size and any bytes.

        Args:
            folder: absolute path; made if it is missing.
            files: content by path below the folder, readable by everyone there.
            executables: which of them are executable.

        Raises:
            TaskError: the engine refused.
        """
        self._extract(archive.archive_of(folder, files, executables))

    def make_home(self, folder: str, uid: int, gid: int) -> None:
        """Make a folder in it for one user alone, also before it is started.

        Raises:
            TaskError: the engine refused.
        """
        self._extract(archive.home_of(folder, uid, gid))

    def _extract(self, content: bytes) -> None:
        answer = self._endpoint.ask("PUT", f"{self._path}/archive", {"path": "/"}, content)
        if answer.status != 200:
            raise self._refused(answer)

    def read(self, path: str) -> bytes:
        """The content of a small file in it, also before it is started; empty if there is none."""
        answer = self._endpoint.ask("GET", f"{self._path}/archive", {"path": path})
        return archive.content_of(answer.body) if answer.status == 200 else b""

    def rename(self, name: str) -> None:
        """Give it the name that its user wants.

        Raises:
            ConfigurationError: another container has it.
        """
        answer = self._endpoint.ask("POST", f"{self._path}/rename", {"name": name})
        if answer.status != 204:
            raise ConfigurationError(
                f"the container name {name!r} is taken",
                f"choose another --name, or remove that container: docker rm {name}",
            )
        self.name = name

    def attach(self) -> Console:
        """Its main process's streams; call it before `start`, so that nothing is missed.

        Raises:
            TaskError: the engine refused.
        """
        streams = {"stream": "1", "stdin": "1", "stdout": "1", "stderr": "1"}
        return self._console(f"{self._path}/attach", streams)

    def start(self) -> None:
        """Start it.

        Raises:
            TaskError: the engine refused, for example because a port is in use.
        """
        answer = self._endpoint.ask("POST", f"{self._path}/start")
        if answer.status != 204:
            if taken := ports.taken_of(answer.message):
                raise ports.port_in_use(taken)
            raise TaskError(
                f"the container did not start: {answer.message}", "fix what the engine names, and start the task again"
            )

    def execute(self, command: Sequence[str], user: str = "", *, stdin: bool = False) -> tuple[str, Console]:
        """Start a command in it.

        Args:
            command: program and arguments.
            user: `user[:group]`; the container's own if empty.
            stdin: whether it reads what is written to its console.

        Returns:
            The command's ID, for `exit_status`, and its streams.

        Raises:
            TaskError: the engine refused.
        """
        body = {"AttachStdin": stdin, "AttachStdout": True, "AttachStderr": True, "Cmd": list(command)}
        as_whom = {"User": user} if user else {}
        made = self._endpoint.ask("POST", f"{self._path}/exec", None, {**body, **as_whom})
        if made.status != 201:
            raise self._refused(made)
        name = str(made.content["Id"])
        return name, self._console(f"/exec/{name}/start", {}, {"Detach": False, "Tty": False})

    def exit_status(self, command_id: str) -> int:
        """The exit status of a command that has ended; 137, as for a killed one, if the engine does not note it.

        The engine may note the end a moment after the command's streams end.

        Raises:
            TaskGoneError: it was killed because the container has ended, or it is no longer there.
        """
        end = time.monotonic() + NOTED_S
        while True:
            content = self._endpoint.ask("GET", f"/exec/{command_id}/json").content
            answer = content if isinstance(content, dict) else {}
            status = answer.get("ExitCode")
            if status is None and answer.get("Running") and time.monotonic() <= end:
                time.sleep(0.01)
                continue
            if status in (None, KILLED) and not self.runs():
                raise gone(self.container_id[:12])
            return KILLED if status is None else int(status)

    def runs(self) -> bool:
        """Whether it runs and goes on: a process killed with a container ends a moment before the container does."""
        try:
            LaterEnding(self._endpoint, self.container_id).wait(_ENDS_S)
        except TimeLimitError:
            return True
        except TaskGoneError:
            pass
        return False

    def command(self) -> tuple[str, ...]:
        """Its command: a detached task's, or the one that its program runs in it; empty if there is none now."""
        described = self._endpoint.ask("GET", f"{self._path}/json").content
        if not isinstance(described, dict):
            return ()
        names = described.get("ExecIDs") or ()
        return command_words.command_of(described) or command_words.command_of_commands(
            answer
            for name in names
            if isinstance(answer := self._endpoint.ask("GET", f"/exec/{name}/json").content, dict)
        )

    def is_kept(self) -> bool:
        """Whether the engine keeps it when it has ended.

        Raises:
            TaskGoneError: it is no longer there.
        """
        answer = self._endpoint.ask("GET", f"{self._path}/json")
        if answer.status != 200:
            raise gone(self.container_id[:12])
        return not answer.content["HostConfig"]["AutoRemove"]

    def published(self, port: int) -> int | None:
        """The port of the engine's machine that leads to a port of the container, or None."""
        content = self._endpoint.ask("GET", f"{self._path}/json").content
        try:
            return int(content["NetworkSettings"]["Ports"][f"{port}/tcp"][0]["HostPort"])
        except (KeyError, TypeError, IndexError, ValueError):
            return None

    def stop(self, grace_s: int = 2) -> None:
        """Stop it without removing it; its process has this many seconds from SIGTERM to SIGKILL."""
        limit_s = _REMOVE_TIMEOUT_S + grace_s
        self._endpoint.ask("POST", f"{self._path}/stop", {"t": str(grace_s)}, timeout_s=limit_s)

    def remove(self) -> None:
        """Kill and remove it with its anonymous volumes; it is no error if it is gone already.

        Raises:
            EngineError, TimeLimitError: the engine does not answer.
        """
        end = time.monotonic() + _REMOVE_TIMEOUT_S
        force = {"force": "1", "v": "1"}
        while time.monotonic() < end:
            answer = self._endpoint.ask("DELETE", self._path, force, timeout_s=_REMOVE_TIMEOUT_S)
            if answer.status != 409:  # the engine is removing it already, as it ended by itself
                return
            self._endpoint.ask("POST", f"{self._path}/wait", {"condition": "removed"}, timeout_s=_REMOVE_TIMEOUT_S)

    @property
    def _path(self) -> str:
        """Its path in the API: by its ID, since another container may get its name, or have an ID that begins with it.

        Until it has an ID, its name is the random one, with which no ID can begin.
        """
        return f"/containers/{self.container_id or self.name}"

    def _console(self, path: str, query: dict[str, str], body: object = None) -> Console:
        answer = self._endpoint.hijack(path, query, body)
        if isinstance(answer, Answer):
            raise self._refused(answer)
        return Console(answer)

    def _refused(self, answer: Answer) -> DesktopBakeError:
        if is_gone(answer.message):
            return gone(self.container_id[:12])
        return TaskError(f"the engine refused: {answer.message}", "check: docker ps")
