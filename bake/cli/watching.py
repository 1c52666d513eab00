"""A desktop without a command is watched by a shell: Python would hold its modules for as long as somebody looks at it.

The shell takes this process's place: its number, its terminal and its standard error stay, and its end is the desktop's
end. At last Python comes back, has the container removed, and exits as if it had never been away.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.errors import DesktopBakeError
from ..engine.api import Endpoint
from ..task.container import Container
from ..task.task import gone_after
from .context import show_error
from .main import INTERRUPTED

if TYPE_CHECKING:
    from ..task.task import DesktopTask


_SHELL = "/bin/sh"


def hand_over(task: DesktopTask, line: str) -> None:
    """Have a shell take this process's place until the task ends; returns if this process has to stay.

    Args:
        task: a task without a command, whose output nobody reads.
        line: printed on standard error once a signal would end the task; it may have a secret, unlike arguments.
    """
    engine = task.engine.endpoint
    if not engine.host.startswith("unix://") or task.forward or task.options.keep or task.console.ended:
        return  # a process or thread of ours carries the connection, or there is more to do in the end
    if not (sys.executable and os.access(_SHELL, os.X_OK) and os.access("/dev/fd", os.X_OK)):
        return
    path = [entry or str(Path.cwd()) for entry in sys.path]
    end = f"import sys; sys.path[:] = {path!r}; from {__name__} import end; sys.exit(end())"
    words = [sys.executable, "-I", "-c", end, engine.host, task.container_id]
    reading, writing = os.pipe()
    os.write(writing, f"{line}\n".encode())
    os.close(writing)
    os.set_inheritable(reading, True)
    os.dup2(task.console.fileno(), 0)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with contextlib.suppress(OSError):
        os.execv(_SHELL, [_SHELL, str(Path(__file__).with_name("watch.sh")), str(reading), *words])


def end() -> int:
    """Remove a task's container and say why: `end HOST ID interrupted`, or `end HOST ID ended OUTPUT`.

    The shell ignores signals by then, and so do we.

    Returns:
        The exit status of `run`.
    """
    host, container_id, how, *output = sys.argv[1:]
    try:
        Container.of(Endpoint(host), container_id, "").remove()
        if how == "ended":
            raise gone_after(container_id, "".join(output).splitlines())
    except DesktopBakeError as error:
        show_error(error)
        return error.exit_status
    print("interrupted", file=sys.stderr)
    return INTERRUPTED
