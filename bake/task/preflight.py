"""An environment's own scripts, run in a task's container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...generator.errors import TaskError, TimeLimitError
from ..build.failed_step import last_words
from ..system.process import Child, ended_by
from ..system.redaction import without_secrets
from .program import program

if TYPE_CHECKING:
    import threading

    from ...generator.environment import Environment
    from ..config.settings import Settings
    from ..images.result import ImageResult
    from ..system.log import Log


def run_preflight(
    container_id: str,
    environment: Environment,
    image: ImageResult,
    settings: Settings,
    log: Log,
    display: str | None,
    cancel: threading.Event | None = None,
) -> None:
    """Run an environment's own scripts in a task's container: what is not baked in, then the part for every start.

    Args:
        container_id: a running container.
        environment: the environment.
        image: what the container was started from.
        settings: where the scripts lie, and the time limit: a build's.
        log: gets each line that they print.
        display: the X display, such as `:1`, or None without a desktop.
        cancel: set by another thread to give up.

    Raises:
        ConfigurationError: a script is missing, empty or malformed.
        TaskError: a script failed.
        TimeLimitError: a script took longer than a build may.
        CancelledError: `cancel` was set.
    """

    cached = settings.preflight(environment) if image.install_at_start else None
    scripts = {
        "preflight_script": cached.script if cached else None,
        "preflight_run_script": settings.preflight_run(environment),
    }
    flags = ["-e", f"DISPLAY={display}"] if display else []
    for name, script in scripts.items():
        if script is None:
            continue
        words = ["docker", "exec", "-i", *flags, container_id, "/bin/sh", "-c", program("preflight")]
        with Child(words, draw=False) as child, ended_by(cancel, child.end):
            ended = child.follow(settings.build_timeout_s, log, script, without_secrets())
        if ended.timed_out:
            raise TimeLimitError(f"{name} was stopped after {settings.build_timeout_s:g} s", "raise build_timeout_s")
        if ended.status:
            said = last_words(ended.lines) or "it printed nothing"
            raise TaskError(f"{name} ended with status {ended.status}: {said}", "correct the script")
