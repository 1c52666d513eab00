"""What is known, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop_bake import BuildFailedError, ConfigurationError, Digest, ScriptFailedError, Settings
from desktop_bake.bake.images.order import Order
from desktop_bake.bake.images.result import Disabled, LocalHit, Miss, MissReason, RegistryHit
from desktop_bake.bake.ui import words
from desktop_bake.bake.ui.builds import Build
from desktop_bake.bake.ui.words import Standing
from desktop_bake.bake.ui.world import Row
from desktop_bake.generator.stack import Stack
from tests.harness.every import every
from tests.harness.recipes import BASE, KEY, OFFICE, RECIPE

ORDER = Order(
    environment=OFFICE,
    stack=Stack(desktop=RECIPE),
    key=KEY,
    repository=Settings().repository,
    platform="linux/amd64",
)
ROW = Row(environment=OFFICE)
MISS = Miss(order=ORDER, why=MissReason(here="setup script changed"))


def build_of(*env_ids: str, fallback: bool = True, install_at_start: bool = False) -> Build:
    """A build that runs."""
    return Build(1, Settings(fallback=fallback, install_at_start=install_at_start), env_ids)


@every(
    ("row", "kind", "detail"),
    [
        (ROW, words.LOOKING, "asking the engine and the registry"),
        (replace(ROW, result=MISS), words.WILL, "setup script changed"),
        (replace(ROW, result=replace(MISS, why=MissReason())), words.LOOKING, "asking the engine and the registry"),
        (replace(ROW, result=LocalHit(order=ORDER, image_id="sha256:1")), words.READY, "tasks start at once"),
        (replace(ROW, result=RegistryHit(order=ORDER, digest=BASE)), words.THERE, "the next task pulls it"),
        (
            replace(ROW, result=Disabled(environment="office", image="b", reason="r", install_at_start=True)),
            words.OFF,
            "nothing is cached: tasks install it at every start",
        ),
        (
            replace(ROW, result=Disabled(environment="office", image="b", reason="r", install_at_start=False)),
            words.OFF,
            "tasks have no desktop",
        ),
        (replace(ROW, error=ConfigurationError("no file", "make it")), words.FAILED, "no file"),
    ],
)
def test_standing(row: Row, kind: str, detail: str) -> None:
    """Each result has its words."""
    found = words.standing(row, None)
    assert (found.kind, found.detail) == (kind, detail)


def test_a_build_decides() -> None:
    """While it runs that is what is reported; if it failed, why, for as long as there is no image."""
    build, row = build_of("office"), replace(ROW, result=MISS)
    assert words.standing(row, build).detail == "begins"
    for line in ("#7 [stage-0 1/2] RUN a", "#8 [stage-0 2/2] RUN b", "#7 DONE 1.0s"):
        build.take(line)
    assert words.standing(row, build) == Standing(kind=words.BUILDING, title="Being built", detail="step 2, RUN b")
    build.take("#8 DONE 1.0s")
    assert words.progress(build) == "ends"
    build.cancel.set()
    assert words.progress(build) == "cancelling"
    build.is_running, build.errors = False, {"office": BuildFailedError("build failed: the setup script ended")}
    assert words.standing(row, build) == Standing(
        kind=words.FAILED, title="Build failed", detail="the setup script ended"
    )
    hit = replace(ROW, result=LocalHit(order=ORDER, image_id="sha256:1"))
    assert words.standing(hit, build).kind == words.READY


def test_what_was_seen_in_the_registry() -> None:
    """A registry that could not be asked is reported beside the reason."""
    row = replace(ROW, result=replace(MISS, registry_error="it does not answer"))
    assert words.standing(row, None).remedy == "it does not answer"
    assert Digest(BASE.value)


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ((), "There is no environment yet."),
        ((words.READY,), "1 is ready."),
        ((words.READY, words.READY), "2 are ready."),
        ((words.OFF, words.READY, words.WILL), "1 is ready, 1 will be built and 1 is off."),
    ],
)
def test_summary(kinds: tuple[str, ...], said: str) -> None:
    """All of them in a sentence."""
    assert words.summary(Standing(kind=kind, title="") for kind in kinds) == said


def test_outcome() -> None:
    """What a build is called, from its beginning to its end."""
    build = build_of("a", "b")
    assert words.outcome(build) == "Building a and b"
    build.cancel.set()
    assert words.outcome(build) == "Cancelling a and b"
    build.is_running = False
    assert words.outcome(build) == "Cancelled: a and b"
    over = build_of("a", "b")
    over.is_running = False
    assert words.outcome(over) == "a and b: ready"
    over.errors = {"a": BuildFailedError("x")}
    assert words.outcome(over) == "a and b failed"
    over.results = {"b": LocalHit(order=ORDER, image_id="sha256:1")}
    assert words.outcome(over) == "1 of 2 failed"
    assert words.outcome(build_of(*"abcd")) == "Building 4 environments"


def test_meanwhile() -> None:
    """What becomes of tasks depends on the fallback."""
    build = build_of("a", "b")
    build.errors = {"b": BuildFailedError("x")}
    assert words.meanwhile(build) == "Meanwhile tasks of b install their desktop at every start: slower, but they run."
    strict = build_of("a", fallback=False)
    strict.errors = {"": BuildFailedError("x")}
    assert words.meanwhile(strict) == "Meanwhile tasks of a do not start: fallback is off in the configuration."


def test_meanwhile_after_an_own_script() -> None:
    """Tasks of an environment whose own script failed do not start, unless they are to install at start anyway."""
    build = build_of("a", "b")
    build.errors = {"a": ScriptFailedError("x")}
    refused = "Meanwhile tasks of a do not start: the same script would fail again."
    assert words.meanwhile(build) == refused
    build.errors |= {"b": BuildFailedError("x")}
    slower = "install their desktop at every start: slower, but they run."
    assert words.meanwhile(build) == f"Meanwhile tasks of b {slower} {refused}"
    asked = build_of("a", install_at_start=True)
    asked.errors = {"a": ScriptFailedError("x")}
    assert words.meanwhile(asked) == f"Meanwhile tasks of a {slower}"
