"""A task: a container with a live desktop, and commands run in it."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from ...generator.described import checked
from ...generator.errors import DesktopBakeError, TaskError, TaskGoneError, TimeLimitError
from ..system.files import cannot_write
from ..system.lazy import lazy
from ..system.redaction import without_secrets
from .container import KILLED
from .ending import LaterEnding
from .novnc import view_only_url
from .options import size_of
from .screen import PICTURE_BYTES, picture

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Unpack

    from ..build import failed_step
    from ..engine import shortage
    from ..engine.engine import Engine
    from . import copying, execute
    from .background import Command, MainCommand
    from .console import Console
    from .container import Container
    from .execute import Completed, Execution
    from .forward import Forward
    from .options import TaskOptions
else:
    failed_step = lazy("..build.failed_step", __package__)
    shortage = lazy("..engine.shortage", __package__)
    copying = lazy(".copying", __package__)
    execute = lazy(".execute", __package__)


READY_TIMEOUT_S = 60.0
_EXIT_S = 2.0
_LAST_S = 2.0  # until the last output of a container that has ended is here
_CAUSE = re.compile(r"\[desktop\] (\w+ exited with status .*)")  # from desktop_run.sh


@dataclass(frozen=True, kw_only=True)
class DesktopTask:
    """A running container with its desktop. Every method may be called from any thread.

    Attributes:
        engine: the engine that the task runs on.
        container_id: the container.
        name: the container's name.
        novnc_url: the desktop's address for a browser on this machine, with the task's secret; None without a desktop.
        options: the options that it was started with.
        container, console, forward, command: used by the methods.
    """

    engine: Engine
    container_id: str
    name: str
    novnc_url: str | None = field(default=None, repr=False)
    options: TaskOptions
    container: Container = field(repr=False)
    console: Console = field(repr=False)
    forward: Forward | None = field(default=None, repr=False)
    command: Command | MainCommand | LaterEnding | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def view_only_url(self) -> str | None:
        """Where a browser on this machine sees the desktop and cannot touch it, whatever it sends.

        Its secret differs from that of `novnc_url`, which cannot be derived from it. The gate in the container drops
        keys, pointer, clipboard and size changes; viewers receive what programs copy. None without a desktop or with
        `auth=False`.
        """
        return view_only_url(self.novnc_url) if self.novnc_url else None

    @checked
    def execute(self, command: Sequence[str], **how: Unpack[Execution]) -> Completed:
        """Run a command in the task.

        Args:
            command: program and arguments.
            how: `stdin`, `output`, `timeout_s`, `user`, `workdir` and `terminal`, as in `Execution`.

        Returns:
            Its exit status, 127 if the image has no such command, and what it printed.

        Raises:
            TaskGoneError: the task has ended.
            TimeLimitError: it did not end in time; it ends with the task.
            TaskError: it printed more than 64 MiB on one stream.
        """
        return execute.execute(self.engine, self.container_id, command, how)

    @checked
    def put(self, source: Path | str, target: str) -> None:
        """Copy a file or folder of this machine into the task, as `docker cp` does.

        Raises:
            TaskGoneError: the task was removed.
            ConfigurationError: it cannot be copied.
        """
        copying.copy(self.engine, str(source), f"{self.container_id}:{target}")

    @checked
    def get(self, source: str, target: Path | str) -> None:
        """Copy a file or folder of the task to this machine, as `docker cp` does; a kept, stopped task will do.

        Raises: as `put`.
        """
        copying.copy(self.engine, f"{self.container_id}:{source}", str(target))

    @checked
    def wait(self, timeout_s: float, cancel: threading.Event | None = None) -> int:
        """Wait for the end of its command; without one, for the end of the task itself.

        Args:
            timeout_s: limit in seconds.
            cancel: set by another thread to stop waiting.

        Returns:
            The command's exit status, or 137 after `stop`; without a command, 0 after `stop`.

        Raises:
            TimeLimitError: it still runs.
            CancelledError: `cancel` was set; the task still runs.
            TaskGoneError: the desktop ended by itself, or somebody else stopped or removed the container.
        """
        if self.command:
            try:
                return self.command.wait(timeout_s, cancel)
            except TaskGoneError as error:
                if self.console.closed:  # by `stop`
                    return KILLED
                raise gone_of(self) from error
        end = time.monotonic() + timeout_s
        try:
            while self.console.line(end, cancel) is not None:
                pass
        except TimeLimitError as error:
            raise TimeLimitError(
                f"the task still runs after {timeout_s:g} s", "wait longer, or stop it: desktop-bake stop"
            ) from error
        if not self.console.closed:
            raise gone_of(self)
        return 0

    @checked
    def screenshot(self, file: Path | None = None) -> bytes:
        """Take a picture of the whole desktop, as PNG.

        Args:
            file: a file in which the picture is saved, too.

        Raises:
            TaskError: the desktop is gone, or no picture of it can be taken.
            ConfigurationError: the file cannot be written.
        """
        width, height = size_of(self.options.geometry)
        taken = picture(self.engine, self.container_id, limit_bytes=max(PICTURE_BYTES, 4 * width * height))
        try:
            if file:
                file.write_bytes(taken)
        except OSError as error:
            raise cannot_write(file, error) from error
        return taken

    @checked
    def stop(self, status: int = 0) -> None:
        """Remove the container, or leave it stopped if `keep` is set. It is no error if the container is gone already.

        Args:
            status: the exit status of a kept container that has no command.

        Raises:
            EngineError, TimeLimitError: the engine does not answer.
        """
        self.console.closed = True
        if self.forward:
            self.forward.close()
        try:
            if self.options.keep:
                self.console.write(f"exit {status}\n".encode())
                with suppress(DesktopBakeError):  # then it is stopped as by docker
                    LaterEnding(self.engine.endpoint, self.container_id).wait(_EXIT_S)
                self.container.stop()
            else:
                self.container.remove()
        finally:
            self.console.close()


def gone_of(task: DesktopTask) -> TaskGoneError:
    """What to raise if a task's container ended and we did not end it; it says what ended its desktop, if known."""
    task.console.drained(_LAST_S)
    return gone_after(task.container_id, tuple(task.console.last))


def gone_after(container_id: str, lines: Sequence[str]) -> TaskGoneError:
    """As `gone_of`, from the last lines of its main process."""
    causes = (found[1] for line in lines if (found := _CAUSE.search(line)))  # Xvnc's is the first
    cause, name = next(causes, None), container_id[:12]
    if cause:
        said = without_secrets()(cause)
        return TaskGoneError(f"the desktop of the task {name} ended: {said}", "start another: desktop-bake run")
    return TaskGoneError(f"the task {name} is gone: it was stopped or removed", "start another: desktop-bake run")


def died(console: Console) -> TaskError:
    """What to raise if a desktop's container ended; it contains the last output."""
    said = without_secrets()(failed_step.last_words(tuple(console.last))) or "it said nothing"
    short = shortage.shortage(console.last)
    remedy = short.remedy if short else "check the base image and the scripts"
    return TaskError(f"the desktop ended before it was ready: {said}", remedy)
