"""The team's own check of an image in its registry, such as of a signature, before anything of it is pulled."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..config.checks import IMAGE
from ..system.redaction import without_secrets
from ..system.text import last_line

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from ..config.settings import Settings


_KEPT_BYTES = 1 << 16


def refusal_of(image: str, settings: Settings, cancel: threading.Event | None = None) -> str | None:
    """Why `verify_command` does not accept an image; None where it does, or where there is none.

    The command runs without a shell, in the configuration's folder, with this process's environment and no input. Exit
    status 0 accepts.

    Args:
        image: `repository@digest`: what would be pulled.
        settings: the command and its time limit.
        cancel: set by another thread to give up.

    Raises:
        ConfigurationError: its program cannot be run.
        CancelledError: `cancel` was set.
    """
    if not settings.verify_command:
        return None
    program, *rest = settings.verify_command
    try:
        status, said = _run([program, *(word.replace(IMAGE, image) for word in rest)], settings, cancel)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise ConfigurationError(
            f"verify_command: {program} cannot be run: {error.strerror}",
            "install it and put it in PATH: an image that cannot be verified is not used",
        ) from error
    except OSError as error:  # a full disk, too many processes: no fault of the configuration
        return f"{program} could not be run: {error.strerror}"
    if status is None:
        return f"{program} was stopped after {settings.verify_timeout_s:g} s"
    return f"{program} ended with status {status}: {without_secrets()(last_line(said))}" if status else None


def _run(words: Sequence[str], settings: Settings, cancel: threading.Event | None) -> tuple[int | None, str]:
    """The exit status, None at the time limit, and the end of what was printed.

    The output goes to a file: what the command leaves running in the background keeps nobody waiting.
    """
    import tempfile  # which a hit must not pay

    from ..system.process import ended_by

    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            words, cwd=settings.root, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        status = None

        def kill() -> None:
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                os.killpg(process.pid, signal.SIGKILL)

        try:
            with ended_by(cancel, kill):
                status = process.wait(settings.verify_timeout_s)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.returncode is None:  # at the limit, or interrupted
                kill()
                process.wait()
        output.seek(max(0, output.seek(0, os.SEEK_END) - _KEPT_BYTES))
        return status, output.read().decode(errors="replace")
