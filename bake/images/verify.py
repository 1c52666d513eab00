"""The team's own check of an image in its registry, such as of a signature, before anything of it is pulled."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..config.checks import IMAGE
from ..system.process import ended_by
from ..system.redaction import without_secrets
from ..system.text import last_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..context import Context


_KEPT_BYTES = 1 << 16


def refusal_of(image: str, context: Context) -> str | None:
    """Why `verify_command` does not accept an image; None if it does, or if there is none.

    The command runs without a shell, in the configuration's folder, with this process's environment and no input. Exit
    status 0 accepts.

    Args:
        image: `repository@digest`, as it would be pulled.
        context: its settings have the command and the time limit.

    Raises:
        ConfigurationError: its program cannot be run.
        CancelledError: another thread gave up.
    """
    settings = context.settings
    if not settings.verify_command:
        return None
    program, *rest = settings.verify_command
    try:
        status, said = _run([program, *(word.replace(IMAGE, image) for word in rest)], context)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise ConfigurationError(
            f"verify_command: {program} cannot be run: {error.strerror}",
            "install it and put it in PATH: an image that cannot be verified is not used",
        ) from error
    except OSError as error:  # a full disk, too many processes: not the configuration's fault
        return f"{program} could not be run: {error.strerror}"
    if status is None:
        return f"{program} was stopped after {settings.verify_timeout_s:g} s"
    return f"{program} ended with status {status}: {without_secrets()(last_line(said))}" if status else None


def _run(words: Sequence[str], context: Context) -> tuple[int | None, str]:
    """The exit status, None at the time limit, and the end of what was printed.

    The output goes to a file, so that no process that the command leaves in the background keeps us waiting.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            words,
            cwd=context.settings.root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        status = None

        def kill() -> None:
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                os.killpg(process.pid, signal.SIGKILL)

        try:
            with ended_by(context.cancel, kill):
                status = process.wait(context.settings.verify_timeout_s)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.returncode is None:  # at the limit, or interrupted
                kill()
                process.wait()
        output.seek(max(0, output.seek(0, os.SEEK_END) - _KEPT_BYTES))
        return status, output.read().decode(errors="replace")
