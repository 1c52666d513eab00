"""The docker client, and commands in tasks, on the streams of whoever typed it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..engine.engine import no_client
from ..task.execute import Execution, is_missing, on_our_streams
from .context import show_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine.engine import Engine


def through_docker(*words: str) -> int:
    """Run `docker WORDS` on our own streams.

    Raises:
        EngineError: the client is not installed.
    """
    try:
        return subprocess.run(["docker", *words], check=False).returncode
    except FileNotFoundError as error:
        raise no_client() from error


def run_here(engine: Engine, container_id: str, command: Sequence[str], how: Execution | None = None) -> int:
    """Run a command in a container; it has a terminal if we have one.

    Returns:
        Its exit status; 127 if the image has no such command, which is told.
    """
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    status = on_our_streams(container_id, command, how or {}, terminal=terminal)
    if is_missing(engine, container_id, status, command[0]):
        show_error(
            ConfigurationError(
                f"command not found in the image: {command[0]}", "install it in the setup script or the base"
            )
        )
    return status
