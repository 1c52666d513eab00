"""A missing image among several: when others may have its turn, and when a bake takes too long."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import ScriptFailedError, Settings
from desktop_bake.bake import missing
from desktop_bake.bake.build import pause
from desktop_bake.bake.build.bake_all import Baked
from desktop_bake.bake.build.failed_step import FailedStep, FinalError
from desktop_bake.bake.build.machine_lock import lock_of
from desktop_bake.bake.images.result import Built, LocalHit, Miss
from desktop_bake.bake.images.trust import BUILT, note
from desktop_bake.bake.missing import MissingImage, watched
from desktop_bake.generator.reference import Digest
from tests.harness.recipes import KEY
from tests.harness.work import order, work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine

OTHER = replace(KEY, setup=Digest.of(b"other"))


@pytest.fixture
def jobs(engine: FakeEngine) -> list[MissingImage]:
    """Two that are missing, with their turns."""
    context = work(engine, Settings(build_timeout_s=1))
    found = [MissingImage(miss=Miss(order=order(Settings(), key)), context=context) for key in (KEY, OTHER)]
    assert all(job.take_turn(pausing=False) for job in found)
    return found


def _is_taken(key: Any) -> bool:
    """Whether somebody has a key's turn."""
    lock = lock_of(key)
    try:
        lock.acquire(blocking=False)
    except TimeoutError:
        return True
    lock.release()
    return False


def test_turns_are_given_back_early(jobs: list[MissingImage], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for one that is finished needs not wait for the others; the bake's folder has the first one's."""
    monkeypatch.setattr(missing, "_LOOK_EVERY_S", 0.01)
    seen: set[str] = set()
    both = threading.Event()

    def finished(wanted: Any) -> str:
        seen.add(str(wanted.key))
        if len(seen) == 2:
            both.set()
        return "sha256:1"

    together: Any = SimpleNamespace(finished=finished)
    ready: Any = SimpleNamespace(context=jobs[0].context, child=SimpleNamespace(end=lambda: None))
    with watched(jobs, together, ready):
        assert both.wait(10)
    assert (_is_taken(KEY), _is_taken(OTHER)) == (True, False)
    jobs[0].turn.close()


@pytest.mark.parametrize(("finishes", "ends"), [(False, True), (True, False)])
def test_a_bake_that_takes_too_long(
    jobs: list[MissingImage], monkeypatch: pytest.MonkeyPatch, finishes: bool, ends: bool
) -> None:
    """A bake is ended when nothing was finished for a build's time, and the rest had its time one after another."""
    monkeypatch.setattr(missing, "_LOOK_EVERY_S", 0.001)
    clock, over, looks = [0.0], threading.Event(), [0]

    def monotonic() -> float:
        clock[0] += 0.5
        return clock[0]

    def finished(wanted: Any) -> str | None:
        looks[0] += 1
        if finishes and looks[0] > 2:
            over.set()
        return "sha256:1" if finishes else None

    monkeypatch.setattr("desktop_bake.bake.missing.time.monotonic", monotonic)
    ended: list[float] = []

    def end() -> None:
        ended.append(clock[0])
        over.set()

    together: Any = SimpleNamespace(finished=finished)
    ready: Any = SimpleNamespace(context=jobs[0].context, child=SimpleNamespace(end=end))
    with watched(jobs, together, ready):
        over.wait(0.2 if finishes else 10)
    assert bool(ended) is ends
    if ends:
        assert ended[0] > 2  # two of them, a second each
    for job in jobs:
        job.turn.close()


def test_what_became_of_it(jobs: list[MissingImage]) -> None:
    """A failure counts for its own key alone, and only if tasks pause for it."""
    one, other = jobs
    error = FinalError("no")
    built = Built(order=other.order, image_id="sha256:1")
    done = Baked(built={str(OTHER): built}, failed={str(KEY): error})
    for pausing, count in ((False, 0), (True, 1)):
        for job in jobs:
            job.settle(done, pausing=pausing)
        assert (pause.read(KEY).count, pause.read(OTHER).count) == (count, 0)
    assert (one.error, one.got, other.error, other.got) == (error, None, None, built)
    for job in jobs:
        job.turn.close()


def test_for_another_environment(jobs: list[MissingImage]) -> None:
    """What became of a key is a hit for another environment of the same platform."""
    one, other = jobs
    one.got = Built(order=one.order, image_id="sha256:1")
    assert one.result_for(one.order) is one.got
    twin = replace(one.order)
    hit = one.result_for(twin)
    assert isinstance(hit, LocalHit)
    assert hit.image_id == "sha256:1"
    assert one.result_for(replace(twin, platform="linux/arm64")) is None
    assert other.result_for(other.order) is None
    for job in jobs:
        job.turn.close()


def test_built_by_another_process(engine: FakeEngine) -> None:
    """A process whose turn it is looks once more, unless the image is to be baked again."""
    image = engine.add(f"desktop-bake:{KEY}", KEY.labels("b"))
    note(image.image_id, BUILT)
    for afresh in (False, True):
        context = work(engine, afresh=afresh)
        job = MissingImage(miss=Miss(order=order(Settings())), context=context)
        assert job.take_turn(pausing=False)
        assert job.is_open is afresh
        job.turn.close()


def test_a_script_of_its_own(jobs: list[MissingImage]) -> None:
    """A bake of several that fails at an environment's own script is reported as that, and the pause knows it."""
    one = jobs[0]
    error = FinalError("build failed: the preflight script ended with status 3", "it said: no")
    error.step = FailedStep(name="preflight script", status=3, said="no")
    one.settle(Baked(built={}, failed={str(KEY): error}), pausing=True)
    assert isinstance(one.error, ScriptFailedError)
    assert (str(one.error), one.error.remedy) == (str(error), error.remedy)
    assert pause.read(KEY).script == str(error)
    for job in jobs:
        job.turn.close()
