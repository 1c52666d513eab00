"""The steps of a bake, as BuildKit's plain progress reports them."""

from __future__ import annotations

import pytest

from desktop_bake.bake.build.steps import Steps

# As BuildKit 0.24 prints it; a mount's name stands for the rest of a long instruction.
BEGUN = """\
#0 building with "default" instance using docker driver

#1 [internal] load local bake definitions
#1 DONE 0.0s
#2 [office internal] load build definition from Dockerfile
#2 transferring dockerfile: 2.27kB done
#2 DONE 0.0s
#3 [office context base] load metadata for debian:bookworm@sha256:701e
#3 DONE 0.0s
#6 [office context base] debian:bookworm@sha256:701e
#6 resolve debian:bookworm@sha256:701e 0.0s done
#6 CACHED
#7 [office stage-0 1/3] RUN --mount=type=bind,source=desktop_install.sh,target=/tmp/desktop_install.sh sh
#7 0.100 Reading package lists...
#7 DONE 12.2s
#8 [office stage-0 2/3] RUN --mount=type=bind,source=desktop_setup.sh,target=/tmp/desktop_setup.sh sh
#8 0.229 line 1
"""


def told(steps: Steps) -> list[tuple[str, str, str, float | None, list[str]]]:
    """All that is known of each step."""
    return [(s.name, s.target, s.state, s.seconds, list(s.lines)) for s in steps]


@pytest.fixture
def steps() -> Steps:
    """A bake in its second script."""
    steps = Steps()
    for line in BEGUN.splitlines():
        steps.feed(line)
    return steps


def test_as_they_come(steps: Steps) -> None:
    """A script is shown by its name, BuildKit's internal work is left out, and lines have no time."""
    assert told(steps) == [
        ("base debian:bookworm", "", "cached", None, []),
        ("install script", "office 1 of 3", "done", 12.2, ["Reading package lists..."]),
        ("setup script", "office 2 of 3", "running", None, ["line 1"]),
    ]
    assert len(steps) == 3


def test_another_stage() -> None:
    """A stage's base is shown without its digest."""
    steps = Steps()
    steps.feed(f"#6 [bootstrap 1/3] FROM debian:bookworm@sha256:{'2' * 64}")
    assert [(step.name, step.target) for step in steps] == [("FROM debian:bookworm", "bootstrap 1 of 3")]


def test_a_failed_step(steps: Steps) -> None:
    """The step that failed keeps what it printed; one that was given up with it is not the culprit."""
    for line in ("#9 [other stage-0 1/1] COPY a b", "#9 CANCELED", "#8 0.3 no such file", "#8 ERROR: process died"):
        steps.feed(line)
    assert [(s.state, list(s.lines)) for s in steps][2:] == [
        ("failed", ["line 1", "no such file"]),
        ("cancelled", []),
    ]


def test_coming_back_to_a_step(steps: Steps) -> None:
    """A head that is printed again is the same step."""
    heads = [line for line in BEGUN.splitlines() if line.startswith("#7 [")]
    steps.feed(heads[0])
    assert len(steps) == 3


def test_one_bake_after_the_other(steps: Steps) -> None:
    """Numbers begin again with a further bake; the steps of the one before stay."""
    for line in ("#9 exporting to image", "#9 exporting layers 0.1s done", "#9 DONE 0.4s", BEGUN.splitlines()[2]):
        steps.feed(line)
    steps.feed("#7 [office stage-1 1/1] COPY . /")
    steps.feed("#7 DONE 0.1s")
    assert [(s.name, s.state) for s in steps][1:] == [
        ("install script", "done"),
        ("setup script", "running"),
        ("export the image", "done"),
        ("COPY . /", "done"),
    ]


@pytest.mark.parametrize("line", ["", "#", "#x", "#99 DONE 0.1s", "#1", "[desktop-cache] miss: never built", "#7 [] "])
def test_any_line(line: str) -> None:
    """No line is too odd."""
    steps = Steps()
    steps.feed(line)
    assert len(steps) <= 1
