"""Install what a task's image lacks in its container as it would have been baked: as the image's user.

The task's own user need not be able to install anything.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...generator.errors import TimeLimitError
from ..system.redaction import without_secrets
from .at_start import FOLDER, ROOT
from .console import INSTALLED
from .program import program, with_bash
from .task import died

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..context import Context
    from .container import Container


INSTALL_TIMEOUT_S = 1200.0
DONE = b"installed\n"  # the main process waits for this


def install(container: Container, scripts: Sequence[str], user: str, context: Context) -> None:
    """Run scripts in a task's container before its desktop starts.

    Args:
        container: a container that runs and waits.
        scripts: their names in `FOLDER`, in order.
        user: the user who runs them; root instead if that user has no sudo, without which it could install nothing.
        context: gets each line that they print.

    Raises:
        TaskError: one of them failed.
        TimeLimitError: they took longer than an install may.
        CancelledError: another thread gave up.
    """
    end, hide = time.monotonic() + INSTALL_TIMEOUT_S, without_secrets()
    if user != ROOT and not _has_sudo(container, user, end, context):
        user = ROOT
    _, console = container.execute(with_bash(program("install"), "install", FOLDER, *scripts), user)
    try:
        while (line := console.line(end, context.cancel)) is not None:
            context.reporter.say(hide(line))
            if line.endswith(INSTALLED):  # the last line before it may lack its end
                return
    except TimeLimitError as error:
        raise TimeLimitError(
            f"the desktop was not ready after {INSTALL_TIMEOUT_S:g} s", "see what its scripts wait for"
        ) from error
    finally:
        console.close()
    raise died(console)


def _has_sudo(container: Container, user: str, end: float, context: Context) -> bool:
    command, console = container.execute(with_bash("sudo -n true"), user)
    try:
        while console.line(end, context.cancel) is not None:
            pass
    finally:
        console.close()
    return container.exit_status(command) == 0
