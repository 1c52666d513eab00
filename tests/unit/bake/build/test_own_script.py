"""Which failed builds are a script's that the environment gives, and which a task's start may still mend."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop_bake import ScriptFailedError
from desktop_bake.bake.build.failed_step import DiskFullError, FailedStep, FinalError, failure_of
from desktop_bake.bake.build.own_script import of_own_script
from desktop_bake.generator.script import Script
from tests.harness.every import every
from tests.harness.recipes import OFFICE

OWN = replace(OFFICE, install_script="install.sh", setup_script=Script.text("exit 3\n"), preflight_script="own.sh")
STEP = FailedStep(name="script", status=3, said="no luck")
PRINTED = """\
#9 [stage-0 2/3] RUN --mount=type=bind,source=desktop_setup.sh bash /tmp/desktop_setup.sh
#9 0.118 {said}
#9 0.119 giving up
#9 ERROR: process "bash /tmp/desktop_setup.sh" did not complete successfully: exit code: {status}
------
 > [stage-0 2/3] RUN --mount=type=bind,source=desktop_setup.sh bash /tmp/desktop_setup.sh:
0.118 {said}
------
ERROR: failed to solve: process "bash /tmp/desktop_setup.sh" did not complete successfully: exit code: {status}
"""


def failed_at(step: FailedStep | None) -> FinalError:
    """A build that failed at this step."""
    error = FinalError("build failed: the script ended with status 3", "it said: no luck")
    error.step = step
    return error


@pytest.mark.parametrize("name", ["install script", "setup script", "preflight script", "script"])
def test_a_script_that_is_given(name: str) -> None:
    """The environment's own script, whatever it is for, is reported by the same words, with a failed build's status."""
    error = of_own_script(failed_at(replace(STEP, name=name)), OWN)
    assert isinstance(error, ScriptFailedError)
    assert (str(error), error.remedy) == ("build failed: the script ended with status 3", "it said: no luck")
    assert error.exit_status == 6


@pytest.mark.parametrize("name", ["install script", "setup script", "packages", "a step of the Dockerfile"])
def test_what_nobody_gave(name: str) -> None:
    """The shipped scripts, a list of packages, and a step of a Dockerfile, which no start runs, are none."""
    assert of_own_script(failed_at(replace(STEP, name=name)), OFFICE) is None


@pytest.mark.parametrize(
    "step",
    [
        None,
        replace(STEP, blames_network=True),
        replace(STEP, status=143),
        replace(STEP, said="[desktop] unsupported base: it has no bash; install it in the base"),
    ],
)
def test_what_is_not_the_script(step: FailedStep | None) -> None:
    """Without a step, by the network, by a signal, or on a base that lacks something, it is not the script's fault."""
    assert of_own_script(failed_at(step), OWN) is None


@every(
    ("said", "blames"),
    [
        ("curl: (6) Could not resolve host: files.example.com", True),
        ("curl: (7) Failed to connect to files.example.com port 443 after 3 ms", True),
        ("curl: (22) The requested URL returned error: 503", True),
        ("curl: (22) The requested URL returned error: 404", False),
        ("E: Failed to fetch http://x/y  Temporary failure resolving 'x'", True),
        ("error: failed retrieving file 'extra.db' from x", True),
        ("fatal: unable to access 'https://x/': Connection timed out", True),
        ("E: Unable to locate package nosuch", False),
        ("x: command not found", False),
    ],
)
def test_by_the_network(said: str, blames: bool) -> None:
    """A failed download or connection is recognized by what tools print, even before a script's last words."""
    error = failure_of(PRINTED.format(said=said, status=3).splitlines())
    assert isinstance(error, FinalError)
    assert error.step
    assert error.step.blames_network is blames
    assert (of_own_script(error, OWN) is None) is blames


@pytest.mark.parametrize(
    ("said", "status", "kind"), [("x: No space left on device", 1, DiskFullError), ("building", 137, FinalError)]
)
def test_what_was_short(said: str, status: int, kind: type[FinalError]) -> None:
    """A script that ended for want of disk or memory may do better at another time."""
    error = failure_of(PRINTED.format(said=said, status=status).splitlines())
    assert type(error) is kind
    assert of_own_script(error, OWN) is None
