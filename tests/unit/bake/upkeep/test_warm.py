"""Rounds that have every desktop ready: what was done, what went wrong, and what is removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import BuildFailedError, ConfigurationError, EngineError, Settings
from desktop_bake.bake.images.result import Built, LocalHit, RegistryHit
from desktop_bake.bake.system.process import Ended
from desktop_bake.bake.together import Outcome
from desktop_bake.bake.upkeep import warm
from desktop_bake.bake.upkeep.policy import Policy
from desktop_bake.bake.upkeep.warm import Round, Tidied, Warmed, tidy_up, warm_round, warmed
from desktop_bake.generator.reference import Digest
from tests.harness.recipes import BASE, KEY, OFFICE
from tests.harness.work import order, work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from desktop_bake import Environment
    from tests.harness.fake_engine import FakeEngine

AT = datetime(2026, 3, 1, tzinfo=UTC)
WANTED = order(Settings())
HIT = LocalHit(order=WANTED, image_id="sha256:1")
BUILT = Built(order=WANTED, image_id="sha256:1")
PULLED = RegistryHit(order=WANTED, digest=BASE, image_id="sha256:1")
FRESH = Warmed(environment="a", action="fresh", result=HIT)
FAILED = Warmed(environment="b", action="failed", result=None, error="build failed", exit_status=6)


@pytest.fixture
def obtained(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is obtained next: a result, or an error."""
    results: list[Any] = []

    def obtain_all(environments: Sequence[Environment], _context: object) -> list[Outcome]:
        return [outcome_of(results.pop(0), environment) for environment in environments]

    monkeypatch.setattr(warm, "obtain_all", obtain_all)
    return results


def outcome_of(result: Any, environment: Environment = OFFICE) -> Outcome:
    """What became of an environment: a result, or an error."""
    is_error = isinstance(result, Exception)
    return Outcome(environment=environment, result=None if is_error else result, error=result if is_error else None)


# --- one environment -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("result", "action"), [(HIT, "fresh"), (BUILT, "built"), (PULLED, "pulled")])
def test_actions(engine: FakeEngine, result: Any, action: str) -> None:
    """What was done is reported by how the image was got."""
    done = warmed(outcome_of(result), work(engine))
    assert (done.action, done.result, done.error, done.exit_status) == (action, result, None, 0)


@pytest.mark.parametrize(("error", "status"), [(BuildFailedError("x"), 6), (EngineError("x"), 4), (OSError("x"), 1)])
def test_a_failure(engine: FakeEngine, lines: list[str], error: Exception, status: int) -> None:
    """A failure is reported, and does not keep the others from being ready."""
    done = warmed(outcome_of(error), work(engine, log=lines.append))
    assert (done.action, done.result, done.error, done.exit_status) == ("failed", None, "x", status)
    assert lines == ["[desktop-cache] WARNING: office: x"]


@pytest.mark.parametrize("push", [False, True])
def test_publishing(engine: FakeEngine, team: Settings, monkeypatch: pytest.MonkeyPatch, push: bool) -> None:
    """A hit is published if the registry lacks it; that it could not be is an error of the registry's."""
    monkeypatch.setattr(warm, "publish", lambda result, _: replace(result, push_error="denied"))
    context = work(engine, replace(team, push=push))
    done = warmed(outcome_of(HIT), context)
    assert (done.error, done.exit_status) == (("denied", 5) if push else (None, 0))
    assert warmed(outcome_of(PULLED), context).error is None


@pytest.mark.parametrize(
    ("pull", "key_here", "fails", "pulls"),
    [
        ("always", KEY, False, False),
        ("always", replace(KEY, base=Digest.of(b"old")), False, True),
        ("always", replace(KEY, base=Digest.of(b"old")), True, True),
        ("missing", replace(KEY, base=Digest.of(b"old")), False, False),
    ],
)
def test_a_base_that_moved(
    engine: FakeEngine,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    pull: str,
    key_here: Any,
    fails: bool,
    pulls: bool,
) -> None:
    """This machine's tag moves last, and only if tasks would compute another key by it."""
    monkeypatch.setattr(warm, "key_of", lambda *_: key_here)
    engine.ends = [Ended(status=int(fails), lines=(), timed_out=False)]
    done = warmed(outcome_of(HIT), work(engine, Settings(pull=pull), lines.append))
    assert (f"pull {OFFICE.base_image}" in engine.asked) is pulls
    assert lines == [f"[desktop-cache] pulling {OFFICE.base_image}, which moved"] * pulls
    assert done.error == (f"cannot pull {OFFICE.base_image}, which moved" if fails else None)


# --- a round ---------------------------------------------------------------------------------------------------------


def test_which(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with their cache on, in the configuration's order, or those that are named."""
    seen: list[str] = []

    def obtain_all(environments: Sequence[Environment], _context: object) -> list[Outcome]:
        seen.extend(environment.env_id for environment in environments)
        return []

    monkeypatch.setattr(warm, "obtain_all", obtain_all)
    off = replace(OFFICE, env_id="off", cache_desktop_build=False)
    named = {e.env_id: e for e in (replace(OFFICE, env_id="z"), off, replace(OFFICE, env_id="a"))}
    context = work(engine, Settings(environments=named))
    assert warm_round(3, context).number == 3
    assert seen == ["z", "a"]
    warm_round(1, context, ["a", "off"])
    assert seen == ["z", "a", "a"]
    with pytest.raises(ConfigurationError, match="gone"):
        warm_round(1, context, ["gone"])


@pytest.mark.parametrize(("result", "tidies"), [(HIT, True), (BuildFailedError("x"), False)])
def test_tidying(engine: FakeEngine, obtained: list[Any], result: Any, tidies: bool) -> None:
    """Until every environment has its new desktop, the old one is in use: nothing is removed."""
    obtained.append(result)
    done = warm_round(1, work(engine, Settings(environments={"a": OFFICE})), tidy=lambda: Tidied(removed=2))
    assert (done.tidied is not None) is tidies


def test_recorded(engine: FakeEngine, obtained: list[Any]) -> None:
    """Each environment has its event."""
    heard = list[Any]()
    obtained += [HIT, BuildFailedError("build failed")]

    class Recorder:
        def record(self, result: object, _engine: object) -> None:
            heard.append(result)

        def fail(self, error: object, environment: str) -> None:
            heard.append((error, environment))

    recorder: Any = Recorder()
    settings = Settings(environments={"a": OFFICE, "b": replace(OFFICE, env_id="b")})
    warm_round(1, work(engine, settings), recorder=recorder)
    assert heard == [HIT, ("build failed", "b")]


def test_no_engine(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an engine each environment has failed, and the watch goes on."""

    def obtain_all(*_: object) -> None:
        raise EngineError("no Docker Engine answers")

    monkeypatch.setattr(warm, "obtain_all", obtain_all)
    settings = Settings(environments={"office": OFFICE, "b": replace(OFFICE, env_id="b")})
    done = warm_round(1, work(engine, settings))
    assert [(w.environment, w.action, w.exit_status) for w in done.warmed] == [
        ("office", "failed", 4),
        ("b", "failed", 4),
    ]


def test_tidy_up(engine: FakeEngine, team: Settings, lines: list[str]) -> None:
    """What nobody reaches goes; a key that nobody knows keeps everything."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    tag = f"{team.repository}:{replace(KEY, setup=BASE)}"
    engine.add(tag, replace(KEY, setup=BASE).labels("b"))
    wrong = replace(team, environments={"office": replace(OFFICE, setup_script="gone.sh")})
    tidied = tidy_up(work(engine, wrong, lines.append), Policy())
    assert (tidied.removed, tidied.exit_status, tag in engine.names) == (0, 2, True)
    assert lines[-1].startswith("[desktop-cache] WARNING: nothing removed: ")
    right = replace(team, environments={"office": OFFICE})
    engine.refused = {tag}
    tidied = tidy_up(work(engine, right, lines.append), Policy())
    assert (tidied.exit_status, tidied.error is None) == (1, False)
    engine.refused = set()
    assert tidy_up(work(engine, right, lines.append), Policy()) == Tidied(removed=1)
    assert tag not in engine.names


# --- what is said of it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "status", "line"),
    [
        ({}, 0, "round 1: no environment has its cache switched on in 1.5 s"),
        ({"warmed": (FRESH, FRESH)}, 0, "round 1: 2 fresh in 1.5 s"),
        ({"warmed": (FRESH, FAILED)}, 6, "round 1: 1 fresh, 1 failed in 1.5 s; b: build failed"),
        ({"warmed": (FRESH,), "tidied": Tidied(removed=2)}, 0, "round 1: 1 fresh, 2 removed in 1.5 s"),
        (
            {"warmed": (FRESH,), "tidied": Tidied(error="busy", exit_status=1)},
            1,
            "round 1: 1 fresh, 0 removed in 1.5 s; prune: busy",
        ),
        ({"error": "no configuration", "exit_status": 2}, 2, "round 1: no configuration"),
    ],
)
def test_line(fields: dict[str, Any], status: int, line: str) -> None:
    """A round is one line, with each thing that went wrong; the first one's status is the round's."""
    done = Round(number=1, at=AT, seconds=1.5, **fields)
    assert (done.status, done.line()) == (status, f"2026-03-01T00:00:00Z {line}")


def test_json() -> None:
    """An object a round, with the image of each environment that has one."""
    told = Round(number=1, at=AT, seconds=1.23456, warmed=(FRESH, FAILED), tidied=Tidied(removed=2)).as_json()
    assert (told["round"], told["seconds"], told["removed"], told["prune_error"]) == (1, 1.235, 2, None)
    assert told["environments"] == [
        {
            "environment": "a",
            "action": "fresh",
            "status": "local-hit",
            "image": HIT.image,
            "image_id": "sha256:1",
            "cache_key": str(KEY),
            "error": None,
        },
        {"environment": "b", "action": "failed", "error": "build failed"},
    ]
