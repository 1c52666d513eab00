"""The one tree of errors, each with its exit status.

DesktopBakeError           1  failed
├── ConfigurationError     2  wrong usage, value, recipe or configuration file
├── EngineError            4  no usable Docker Engine or buildx
├── RegistryError          5  registry refused or unreachable when it was needed
├── BuildFailedError       6  a build failed and nothing is installed at start in its place
│   └── ScriptFailedError  6  a script that the environment gives failed it, and would at start, too
├── TimeLimitError       124  a time limit was reached
├── CancelledError       130  the caller cancelled it
└── TaskError              1  the task's container or its desktop did not start
    └── TaskGoneError      7  the task's container ended or was removed, and its command's status is not known
"""

from __future__ import annotations

LONGEST_LINE = 2000


def printable(text: str) -> str:
    """A text in which terminal control characters, and characters that cannot be encoded, are escaped as in Python."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _line(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + "…"


class DesktopBakeError(Exception):
    """What went wrong in one line, and what to do about it in another.

    Args:
        message: one line; says what is wrong.
        remedy: one line; says what the user can do.
    """

    exit_status = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(_line(message))
        self.remedy = _line(remedy)


class ConfigurationError(DesktopBakeError):
    """A value, recipe, flag or configuration file is wrong; this never falls back."""

    exit_status = 2


class EngineError(DesktopBakeError):
    """Docker Engine, its client or buildx cannot be used."""

    exit_status = 4


class RegistryError(DesktopBakeError):
    """A registry refused, or could not be reached, when its answer was needed."""

    exit_status = 5


class BuildFailedError(DesktopBakeError):
    """BuildKit ended a build without an image."""

    exit_status = 6


class ScriptFailedError(BuildFailedError):
    """The environment's own script failed a build; it would fail at start, too, so there is no fallback."""


class TimeLimitError(DesktopBakeError):
    """A time limit was reached and the work was stopped."""

    exit_status = 124


class CancelledError(DesktopBakeError):
    """The caller cancelled it from another thread."""

    exit_status = 130


class TaskError(DesktopBakeError):
    """The container of a task, or the desktop in it, did not start."""


class TaskGoneError(TaskError):
    """The container of a task has ended, with its desktop or stopped by somebody, or no longer exists."""

    exit_status = 7
