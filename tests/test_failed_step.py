"""Which step of a build failed, of what BuildKit prints."""

from __future__ import annotations

import pytest

from bake.failed_step import FailedStep, failed_step

STEP = """\
#9 [stage-0 2/3] RUN --mount=type=bind,source={file},target=/tmp/{file}     bash /tmp/{file}
#9 0.118 {said}
#9 ERROR: process "/bin/sh -c bash /tmp/{file}" did not complete successfully: exit code: 100
------
 > [stage-0 2/3] RUN --mount=type=bind,source={file},target=/tmp/{file}     bash /tmp/{file}:
0.101 Reading package lists...
0.118 {said}
------
Dockerfile:11
--------------------
  10 |
  11 | >>> RUN --mount=type=bind,source=desktop_setup.sh,target=/tmp/desktop_setup.sh \\
--------------------
ERROR: failed to solve: process "/bin/sh -c bash /tmp/{file}" did not complete successfully: exit code: 100
"""


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("desktop_install.sh", "install script"),
        ("desktop_setup.sh", "setup script"),
        ("preflight.sh", "preflight script"),
        ("own.sh", "a step of the Dockerfile"),
    ],
)
def test_scripts(file: str, name: str) -> None:
    """The script is told by its role, with its status and its last words; on a terminal, too."""
    for said, told in (("E: no such package", "E: no such package"), (f"/tmp/{file}: line 2: x", "line 2: x")):
        if file == "own.sh" and told != said:
            continue
        lines = STEP.format(file=file, said=said).splitlines()
        for form in (lines, [line.strip() for line in lines if line.strip()]):
            assert failed_step(form) == FailedStep(name=name, status=100, said=told)


def test_a_base_without_a_shell() -> None:
    """What the container runtime says of a base that has no shell is told as that."""
    said = 'runc run failed: unable to start container process: exec: "/bin/sh": stat /bin/sh: no such file'
    step = failed_step(STEP.format(file="desktop_install.sh", said=said).splitlines())
    assert step
    assert step.said == "unsupported base: it has no shell (/bin/sh); install one in the base"


def test_a_silent_step() -> None:
    """A step that printed nothing has no last words; nor has one whose output is not among the lines."""
    lines = [line for line in STEP.format(file="desktop_setup.sh", said="x").splitlines() if not line.startswith("0.1")]
    assert failed_step(lines) == FailedStep(name="setup script", status=100, said="")
    assert failed_step(lines[-1:]) == FailedStep(name="a step of the Dockerfile", status=100, said="")


def test_other_failures() -> None:
    """A build that failed otherwise has no failed step."""
    assert failed_step([]) is None
    assert failed_step(["ERROR: failed to solve: debian: not found"]) is None
