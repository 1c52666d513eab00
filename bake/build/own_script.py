"""Whether a build failed in a script of the environment's own, which would fail at a task's start, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...generator.errors import ScriptFailedError
from ...generator.recipe import INSTALL, SETUP
from ...generator.stack import LAYER, PREFLIGHT
from .failed_step import SCRIPTS

if TYPE_CHECKING:
    from ...generator.environment import Environment
    from .failed_step import FailedStep, FinalError


_SIGNALS = range(129, 160)  # the status of a step that a signal ended, or of a shell whose program a signal ended
_UNSUPPORTED = "unsupported base: "


def of_own_script(error: FinalError, environment: Environment) -> ScriptFailedError | None:
    """The same failure as an error of the environment's own script; None if it might not happen at a task's start.

    A start runs no Dockerfile, has the machine's network and memory as they are then, and the shipped scripts are
    right on a base that they support: failures of these kinds do not count.

    Args:
        error: why the build failed.
        environment: whose image was built.
    """
    if error.step is None or not _is_given(error.step, environment):
        return None
    if error.step.blames_network or error.step.status in _SIGNALS or _UNSUPPORTED in error.step.said:
        return None
    return ScriptFailedError(str(error), error.remedy)


def _is_given(step: FailedStep, environment: Environment) -> bool:
    """Whether the environment gives the script of a step."""
    given = {
        SCRIPTS[INSTALL]: environment.install_script is not None,
        SCRIPTS[SETUP]: environment.setup_script is not None,
        SCRIPTS[PREFLIGHT]: True,
        SCRIPTS[LAYER]: True,
    }
    return given.get(step.name, False)
