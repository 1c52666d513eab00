"""Builds that a person asked for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from desktop_bake import BuildFailedError, CancelledError, ConfigurationError, EngineError
from desktop_bake.bake.images.result import LocalHit
from desktop_bake.bake.together import Outcome
from desktop_bake.bake.ui import builds as module
from desktop_bake.bake.ui.builds import Build, Builds
from desktop_bake.bake.ui.world import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from desktop_bake import Environment
    from desktop_bake.bake.context import Context
    from desktop_bake.bake.images.order import Order
    from desktop_bake.bake.ui.source import Source

Obtain = "Callable[[Sequence[Environment], Context], list[Outcome]]"


@pytest.fixture
def obtained(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the next call of `obtain_all` does: an error is raised, a function called, an outcome given."""
    script: list[object] = []

    def obtain_all(environments: Sequence[Environment], context: Context) -> list[Outcome]:
        context.reporter.say("#7 [stage-0 1/1] RUN a")
        found = []
        for what in script:
            if isinstance(what, Exception):
                raise what
            if callable(what):
                what(context)
            elif isinstance(what, Outcome):
                found.append(what)
        return found

    monkeypatch.setattr(module, "obtain_all", obtain_all)
    return script


def test_each_has_its_own(source: Source, obtained: list[object], have: Callable[[str], Order], project: Path) -> None:
    """What became of each is reported, its steps and lines are kept, and the metrics have it."""
    settings, order = source.load(), have("office")
    office, plain = settings.environments["office"], settings.environments["plain"]
    hit = LocalHit(order=order, image_id="sha256:1")
    obtained += [Outcome(environment=office, result=hit), Outcome(environment=plain, error=BuildFailedError("no"))]
    build = Build(1, settings, ["office", "plain"])
    build.run(source, build.take)
    assert build.results == {"office": hit}
    assert [str(error) for error in build.errors.values()] == ["no"]
    assert not build.is_running
    assert [step.name for step in build.steps] == ["RUN a"]
    assert list(build.lines) == ["#7 [stage-0 1/1] RUN a"]
    events = project.with_name("metrics.jsonl").read_text().splitlines()
    assert ["local-hit" in events[0], "failed" in events[1]] == [True, True]


@pytest.mark.parametrize("error", [EngineError("no engine", "start it"), OSError(28, "full")])
def test_none_of_them(source: Source, obtained: list[object], error: Exception) -> None:
    """What fails for all is told of all."""
    obtained.append(error)
    build = Build(1, source.load(), ["office"])
    build.run(source, build.take)
    assert build.errors == {"": error}
    assert not build.is_running


def test_cancelled(source: Source, obtained: list[object]) -> None:
    """A build that was given up is no failure."""
    obtained.append(CancelledError("cancelled"))
    build = Build(1, source.load(), ["office"])
    build.run(source, build.take)
    assert (build.is_cancelled, build.errors, build.is_running) == (True, {}, False)


def test_several(source: Source, obtained: list[object]) -> None:
    """A build runs in the background, is found by its number, given up by its event, and goes when it is dismissed."""
    ended = threading.Event()
    touched: list[str] = []

    def done(_env_ids: Sequence[str]) -> None:
        if not builds.any_runs:
            ended.set()

    builds = Builds(source, lambda *parts: touched.extend(parts), done)
    obtained.append(lambda context: context.cancel.wait(10) and context.check_cancelled())
    build = builds.start(source.load(), ["office"])
    assert builds.get(build.number) is build is builds.of("office")
    assert builds.of("plain") is None
    with pytest.raises(ConfigurationError, match="being built already"):
        builds.start(source.load(), ["office"])
    builds.dismiss(build.number)  # not while it runs
    assert builds.shown == (build,)
    builds.cancel_all()
    assert ended.wait(10)
    assert build.is_cancelled
    assert {"environments/builds", f"environments/{name_of('office')}"} <= set(touched)
    builds.dismiss(build.number)
    assert not builds.shown
    with pytest.raises(ConfigurationError, match="no build 1"):
        builds.get(1)


def test_nothing_to_build(source: Source) -> None:
    """Without an environment, or for one that is not there, nothing begins."""
    builds = Builds(source, lambda *_: None, lambda _: None)
    with pytest.raises(ConfigurationError, match="nothing to build"):
        builds.start(source.load(), [])
    with pytest.raises(ConfigurationError, match="unknown environment"):
        builds.start(source.load(), ["nobody"])
    assert builds.shown == ()
