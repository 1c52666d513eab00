"""Files between this machine and a task's container."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError, TaskGoneError
from ..system.text import last_line

if TYPE_CHECKING:
    from ..engine.engine import Engine


_CONTAINER = re.compile(r" in container [0-9a-f]{64}")  # the command's words name it already
COPY_TIMEOUT_S = 3600.0


def copy(engine: Engine, source: str, target: str) -> None:
    """Copy a file or folder, with the grammar of `docker cp`: `ID:PATH` is within a container.

    Raises:
        TaskGoneError: there is no such container.
        ConfigurationError: a path is not there, or cannot be written.
        TimeLimitError: it took longer than an hour.
    """
    done = engine.docker("cp", "-q", source, target, timeout_s=COPY_TIMEOUT_S)
    if not done.returncode:
        return
    said = last_line(done.stderr.decode(errors="replace")).removeprefix("Error response from daemon: ")
    said = _CONTAINER.sub("", said)
    if "no such container" in said.lower():
        raise TaskGoneError(f"nothing was copied: {said}", "see: desktop-bake ps")
    raise ConfigurationError(f"nothing was copied: {said}", "look at both paths: desktop-bake exec TASK -- ls -l PATH")
