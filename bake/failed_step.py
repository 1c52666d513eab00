"""Which step of a build failed and what it said, of what BuildKit prints of it at the end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bake.engine import first_line
from generator.recipe import INSTALL, PREFLIGHT, SETUP

if TYPE_CHECKING:
    from collections.abc import Sequence

_FAILED = re.compile(r"did not complete successfully: exit code: (\d+)")
_SCRIPTS = {INSTALL: "install script", SETUP: "setup script", PREFLIGHT: "preflight script"}
_STEP = re.compile(r"\s*> \[.*")
_NO_SHELL = re.compile(r'exec: "/bin/sh": .*no such file')
_SAID = re.compile(r"\s*\d+\.\d+ (.+)")


@dataclass(frozen=True, kw_only=True)
class FailedStep:
    """A step that ended with a status of its own.

    Attributes:
        name: the script that it ran, or `a step of the Dockerfile`.
        status: its exit status.
        said: the last line that it printed; empty where it printed none. It may hold what nobody else shall see.
    """

    name: str
    status: int
    said: str


def failed_step(lines: Sequence[str]) -> FailedStep | None:
    """The step that failed, or None where the build failed otherwise.

    Args:
        lines: what BuildKit printed; it ends with the failed step between two lines of dashes, and the error.
    """
    status = next((int(found[1]) for line in reversed(lines) if (found := _FAILED.search(line))), None)
    if status is None:
        return None
    at = max((n for n, line in enumerate(lines) if _STEP.match(line)), default=len(lines))
    step = lines[at] if at < len(lines) else ""
    said = ""
    for line in lines[at + 1 :]:
        if line.strip().startswith("---"):
            break
        words = _SAID.match(line)
        said = words[1].strip() if words and words[1].strip() else said
    name = next((name for file, name in _SCRIPTS.items() if file in step), "a step of the Dockerfile")
    for file in _SCRIPTS:
        said = said.removeprefix(f"/tmp/{file}: ")
    if _NO_SHELL.search(said):
        said = "unsupported base: it has no shell (/bin/sh); install one in the base"
    return FailedStep(name=name, status=status, said=first_line(said) if said else "")
