"""Which step of a build failed, of what BuildKit prints."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from desktop_bake.bake.build.failed_step import (
    FailedStep,
    FinalError,
    failed_step,
    failed_target,
    failure_of,
    last_words,
    lines_of,
)

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
    """The script is reported by its role, with its status and its last words; on a terminal, too."""
    for said, told in (("E: no such package", "E: no such package"), (f"/tmp/{file}: line 2: x", "line 2: x")):
        if file == "own.sh" and told != said:
            continue
        lines = STEP.format(file=file, said=said).splitlines()
        for form in (lines, [line.strip() for line in lines if line.strip()]):
            assert failed_step(form) == FailedStep(name=name, status=100, said=told)


def test_a_base_without_a_shell() -> None:
    """The container runtime's message about a missing shell becomes an error that says so."""
    said = 'runc run failed: unable to start container process: exec: "/bin/sh": stat /bin/sh: no such file'
    step = failed_step(STEP.format(file="desktop_install.sh", said=said).splitlines())
    assert step
    assert step.said == "unsupported base: it has no shell (/bin/sh); install one in the base"


def test_a_silent_step() -> None:
    """A step that printed nothing has no last words; nor has one whose output is not among the lines."""
    lines = [line for line in STEP.format(file="desktop_setup.sh", said="x").splitlines() if " 0.1" not in f" {line}"]
    assert failed_step(lines) == FailedStep(name="setup script", status=100, said="")
    assert failed_step(lines[-1:]) == FailedStep(name="a step of the Dockerfile", status=100, said="")


def test_other_failures() -> None:
    """A build that failed otherwise has no failed step."""
    assert failed_step([]) is None
    assert failed_step(["ERROR: failed to solve: debian: not found"]) is None


RING = """\
 > [2/2] RUN x:
4.398 last without end

0.961 2437
------
ERROR: failed to build: failed to solve: process "/bin/sh -c x" did not complete successfully: exit code: 7
"""


def test_the_end_of_the_output() -> None:
    """On a terminal BuildKit repeats the last lines alone, from the middle of its ring, or without their times."""
    assert failed_step(RING.splitlines()) == FailedStep(
        name="a step of the Dockerfile", status=7, said="last without end"
    )
    pieces = RING.replace("4.398 last without end\n", "0.8 first\n").replace("0.961 2437", "403 Forbidden")
    assert failed_step(pieces.splitlines()) == FailedStep(
        name="a step of the Dockerfile", status=7, said="403 Forbidden"
    )


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("0.756 first\n0.757 error: this is it\n0.757 more", "error: this is it"),
        (
            "0.319 E: Unable to locate package x\n0.320 Reading package lists...\n0.320 done",
            "E: Unable to locate package x",
        ),
        ("0.319 make: Entering\n0.320 a.c:1: error: x\n0.321 make: *** [all] Error 2", "make: *** [all] Error 2"),
        ("0.1 error: that one was passed over\n0.319 the end", "the end"),
        ("0.319 one\n0.319 two", "two"),
        ("0.319 errors: 0, terrors: 1", "errors: 0, terrors: 1"),
    ],
)
@pytest.mark.parametrize("number", ["#9 ", ""])
def test_two_streams(printed: str, said: str, number: str) -> None:
    """Among lines printed together at the end, on either stream, the error is reported; else the last line."""
    lines = [f"{number}{line}" for line in printed.splitlines()]
    failed = 'ERROR: process "/bin/sh -c x" did not complete successfully: exit code: 3'
    block = [] if number else lines
    form = [*([] if block else lines), f"#9 {failed}", "------", " > [2/2] RUN x:", *block, "------", failed]
    step = failed_step(form)
    assert step
    assert step.said == said


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        (
            "E: Unable to locate package x\nReading package lists...\nBuilding dependency tree... Done\n",
            "E: Unable to locate package x",
        ),
        ("10%\r20%\r\n", "20%"),
        ("\n \n", ""),
    ],
)
def test_last_words(printed: str, said: str) -> None:
    """Neither apt's progress, which comes after its error, nor what a carriage return overwrote, nor blank lines."""
    assert last_words(printed.split("\n")) == said


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        ("E: Unable to locate package nosuch", 1),
        ("error: target not found: nosuch", 1),
        ("curl: (22) The requested URL returned error: 404", 1),
        ("W: Download is unsandboxed\nE: Failed to fetch http://x/y  Temporary failure\nE: Unable to fetch", 3),
        ("error: failed retrieving file 'extra.db'", 3),
    ],
)
def test_what_no_retry_mends(error: str, tries: int) -> None:
    """The install script tries what may be fixed by that, and its last word is the package manager's own error."""
    script = (Path(__file__).parents[4] / "recipe" / "desktop_install.sh").read_text()
    functions = script[script.index("say() {") : script.index("# --- Debian and Ubuntu")]
    fails = f'set -euo pipefail; sleep() {{ :; }}\n{functions}\nfails() {{ echo try; echo "$1" >&2; return 100; }}\n'
    done = subprocess.run(
        ["bash", "-c", f'{fails} retry fails "$1"', "x", error], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.count("try\n")) == (1, tries)
    first = next(line for line in error.splitlines() if not line.startswith("W: "))
    assert done.stderr.splitlines()[-1] == first


SEVERAL = """#15 [desktop-a 2/4] RUN sh desktop_setup.sh
#15 0.5 fine
#16 [desktop-b 2/4] RUN sh desktop_setup.sh
#16 0.7 also fine
#16 0.8 bad
#16 ERROR: process "sh" did not complete successfully: exit code: 7
#15 ERROR: process "sh" did not complete successfully: exit code: 9
------
 > [desktop-b 2/4] RUN sh desktop_setup.sh:
0.7 also fine
0.8 bad
------
------
 > [desktop-a 2/4] RUN sh desktop_setup.sh:
0.9 cannot allocate memory
------
Dockerfile:3
--------------------
ERROR: target desktop-{}: failed to solve: process "sh" did not complete successfully: exit code: {}""".splitlines()


def several(name: str, status: int) -> list[str]:
    """The output of a bake of several targets that one of them ends."""
    return [*SEVERAL[:-1], SEVERAL[-1].format(name, status)]


def test_the_target_that_failed() -> None:
    """If one of several targets ends the bake, its step's words are reported, not those of another that failed too."""
    error = failure_of(several("b", 7))
    assert isinstance(error, FinalError)
    assert (error.target, str(error)) == ("desktop-b", "build failed: the setup script ended with status 7")
    assert error.remedy == "it said: bad"
    short = failure_of(several("a", 9))
    assert isinstance(short, FinalError)
    assert (short.target, str(short)) == (
        "desktop-a",
        "build failed: a step was killed, as the kernel does when memory is short",
    )


def test_a_step_of_several_targets() -> None:
    """A step that targets share is printed as one of them, and told of the other, too."""
    error = failure_of([line for line in several("c", 7) if not line.startswith("#15") and "cannot" not in line])
    assert isinstance(error, FinalError)
    assert (error.target, error.remedy) == ("desktop-c", "it said: bad")


def test_no_target() -> None:
    """A bake that ends for the fault of no step is no target's."""
    error = failure_of(["ERROR: failed to connect"])
    assert not isinstance(error, FinalError)
    assert failed_target(["ERROR: failed to connect"]) is None
    lines = ["a", "ERROR: target desktop-a: failed to solve: nothing"]
    assert (failed_target(lines), lines_of("desktop-a", lines)) == ("desktop-a", lines)
