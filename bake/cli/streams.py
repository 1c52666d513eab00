"""The docker client and commands in tasks, on our own streams."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from ..engine.engine import no_client
from ..system.lazy import lazy
from ..task.container import KILLED
from ..task.execute import Execution, check_runs, late, on_our_streams, words_of
from ..task.program import found, with_logs
from ..task.task import gone_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine.engine import Engine
    from ..task.task import DesktopTask
    from . import own_terminal
else:  # only needed with a terminal
    own_terminal = lazy(".own_terminal", __package__)


_KILLED = (1, KILLED)  # the client's exit status if a container ends


def through_docker(*words: str) -> int:
    """Run `docker WORDS` on our own streams.

    Raises:
        EngineError: the client is not installed.
    """
    try:
        return subprocess.run(["docker", *words], check=False).returncode
    except OSError as error:
        raise no_client(error) from error


def run_task(task: DesktopTask, command: Sequence[str], limit_s: float | None = None) -> int:
    """Run the command of a task on our own streams; the container's log gets its output, too.

    Args:
        task: a task that has no command yet.
        command: program and arguments; it runs on a terminal if we have one or the task's options ask for one.
        limit_s: limit in seconds; None for none.

    Returns:
        Its exit status; 127 if the image has no such command, which is reported.

    Raises:
        TimeLimitError: it did not end in time.
        TaskGoneError: its container ended, and the command with it.
    """
    task.console.drain()
    status = _run_task(task, command, limit_s)
    if status in _KILLED and not task.container.runs():
        raise gone_of(task)
    return status


def _run_task(task: DesktopTask, command: Sequence[str], limit_s: float | None) -> int:
    if not (task.options.tty or (sys.stdin.isatty() and sys.stdout.isatty())):
        how: Execution = {"timeout_s": limit_s} if limit_s else {}
        return on_our_streams(task.container_id, with_logs(command), how, terminal=False)
    words = words_of(task.container_id, found(command), {}, ["-i", "-t"])
    try:
        with own_terminal.logged(task.container) as log:
            return own_terminal.run_on_terminal(words, log, limit_s)
    except subprocess.TimeoutExpired as error:
        raise late(error.timeout) from error


def run_here(engine: Engine, container_id: str, command: Sequence[str], how: Execution | None = None) -> int:
    """Run a command in a container; it has a terminal if we have one.

    Returns:
        Its exit status; 127 if the image has no such command, which is reported.

    Raises:
        TaskGoneError: its container ended, and the command with it.
    """
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    how = how or {}
    status = on_our_streams(container_id, found(command, how.get("workdir", "")), how, terminal=terminal)
    check_runs(engine, container_id, status)
    return status
