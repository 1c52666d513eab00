"""A task: a container with a live desktop, and commands run in it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from ...generator.errors import ConfigurationError, TaskError, TimeLimitError
from ..system.lazy import lazy
from ..system.redaction import without_secrets
from .screen import PICTURE_BYTES, picture

if TYPE_CHECKING:
    import subprocess
    import threading
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from ..build import failed_step
    from ..engine import shortage
    from ..engine.engine import Engine
    from .background import Command
    from .console import Console
    from .container import Container
    from .ending import LaterEnding
    from .forward import Forward
    from .options import TaskOptions
else:
    failed_step = lazy("..build.failed_step", __package__)
    shortage = lazy("..engine.shortage", __package__)
    subprocess = lazy("subprocess")


READY_TIMEOUT_S = 60.0
COMMAND_TIMEOUT_S = 86400.0


@dataclass(frozen=True, kw_only=True)
class DesktopTask:
    """A running container with its desktop. Every method may be called from any thread.

    Attributes:
        engine: the engine it runs on.
        container_id: the container.
        name: the container's name.
        novnc_url: where a browser on this machine sees the desktop, with the task's secret; None without a desktop.
        options: how it was started.
        container, console, forward, command: what the methods work with.
    """

    engine: Engine
    container_id: str
    name: str
    novnc_url: str | None = field(default=None, repr=False)
    options: TaskOptions
    container: Container = field(repr=False)
    console: Console = field(repr=False)
    forward: Forward | None = field(default=None, repr=False)
    command: Command | LaterEnding | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def execute(
        self,
        command: Sequence[str],
        *,
        interactive: bool = False,
        terminal: bool = False,
        timeout_s: float = COMMAND_TIMEOUT_S,
    ) -> int:
        """Run a command in the task, its streams being this process's own.

        Args:
            command: program and arguments.
            interactive: whether it reads this process's standard input.
            terminal: whether it gets a terminal.
            timeout_s: limit in seconds.

        Returns:
            The command's exit status.

        Raises:
            ConfigurationError: the image has no such command.
            TimeLimitError: it did not end in time; it ends with the task.
        """
        words = ["docker", "exec", *["-i"] * interactive, *["-t"] * terminal, self.container_id, *command]
        try:
            status = subprocess.run(words, check=False, timeout=timeout_s).returncode
        except subprocess.TimeoutExpired as error:
            raise TimeLimitError(f"the command did not end within {timeout_s:g} s", "raise the limit") from error
        if status in (126, 127):
            there = self.engine.docker("exec", self.container_id, "sh", "-c", 'command -v "$1"', "sh", command[0])
            if there.returncode:
                raise ConfigurationError(
                    f"command not found in the image: {command[0]}",
                    "install it in the setup script or the base",
                )
        return status

    def wait(self, timeout_s: float, cancel: threading.Event | None = None) -> int:
        """Wait for the end of its command; without one, for the end of the task itself.

        Args:
            timeout_s: limit in seconds.
            cancel: set by another thread to stop waiting.

        Returns:
            The command's exit status; without one 0 after `stop`, 1 where the desktop ended by itself.

        Raises:
            TimeLimitError: it still runs.
            CancelledError: `cancel` was set; the task still runs.
        """
        if self.command:
            return self.command.wait(timeout_s, cancel)
        end = time.monotonic() + timeout_s
        try:
            while self.console.line(end, cancel) is not None:
                pass
        except TimeLimitError as error:
            raise TimeLimitError(f"the task still runs after {timeout_s:g} s", "raise the limit, or stop it") from error
        return 0 if self.console.closed else 1

    def screenshot(self, file: Path) -> None:
        """Save the whole desktop as PNG.

        Raises:
            TaskError: the desktop is gone, shows nothing to take, or gives more than a picture of it.
            ConfigurationError: the file cannot be written.
        """
        width, height = map(int, self.options.geometry.split("x"))
        taken = picture(self.engine, self.container_id, limit_bytes=max(PICTURE_BYTES, 4 * width * height))
        try:
            file.write_bytes(taken)
        except OSError as error:
            raise ConfigurationError(f"cannot write {file}: {error.strerror}", "choose another file") from error

    def stop(self) -> None:
        """Remove the container, or leave it stopped where `keep` says so; one that is gone already is no error.

        Raises:
            EngineError, TimeLimitError: the engine does not answer.
        """
        self.console.closed = True
        if self.forward:
            self.forward.close()
        try:
            if self.options.keep:
                self.container.stop()
            else:
                self.container.remove()
        finally:
            self.console.close()


def died(console: Console) -> TaskError:
    """What to raise where a desktop's container ended: with its last words."""
    said = without_secrets()(failed_step.last_words(tuple(console.last))) or "it said nothing"
    short = shortage.shortage(console.last)
    remedy = short.remedy if short else "check the base image and the scripts"
    return TaskError(f"the desktop ended before it was ready: {said}", remedy)
