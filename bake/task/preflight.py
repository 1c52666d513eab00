"""An environment's own scripts, run in a task's container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...generator.errors import TaskError, TimeLimitError
from ..engine.engine import no_client
from ..system.lazy import lazy
from ..system.redaction import without_secrets
from .program import program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..build import failed_step
    from ..context import Context
    from ..system import process
else:  # not needed by a task without its own scripts
    failed_step = lazy("..build.failed_step", __package__)
    process = lazy("..system.process", __package__)


def run_preflight(
    container_id: str, scripts: Mapping[str, bytes | None], display: str | None, context: Context, user: str = ""
) -> None:
    """Run an environment's own scripts in a task's container: those that are not baked, or those for every start.

    Args:
        container_id: a running container.
        scripts: the scripts by their fields' names, in order; None if there is no such script.
        display: the X display, such as `:1`, or None without a desktop.
        context: the time limit, which is that of a build; each line that they print is reported.
        user: the `user[:group]` who would have baked them; the task's own if empty.

    Raises:
        TaskError: a script failed.
        TimeLimitError: a script took longer than a build may.
        CancelledError: another thread gave up.
    """
    limit_s = context.settings.build_timeout_s
    flags = [*(["-e", f"DISPLAY={display}"] if display else []), *(["-u", user] if user else [])]
    for name, script in scripts.items():
        if script is None:
            continue
        words = ["docker", "exec", "-i", *flags, container_id, "/bin/sh", "-c", program("preflight"), "preflight"]
        words += ["other"] * bool(user)
        try:
            child = process.Child(words, draw=False)
        except OSError as error:
            raise no_client(error) from error
        with child, process.ended_by(context.cancel, child.end):
            ended = child.follow(limit_s, context.reporter, script, without_secrets())
        if ended.timed_out:
            raise TimeLimitError(f"{name} was stopped after {limit_s:g} s", "raise build_timeout_s")
        if ended.status:
            said = failed_step.last_words(ended.lines) or "it printed nothing"
            raise TaskError(f"{name} ended with status {ended.status}: {said}", "fix the script: " + name)
