"""Builds that fail in a row: what tasks do meanwhile, how it is reported, and what lifts it."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from desktop_bake.bake.build import pause as failures
from desktop_bake.bake.build.machine_lock import Turn
from desktop_bake.bake.build.pause import IN_A_ROW, PAUSE_S, Failures, PausedError
from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.bake.system.reporter import Reporter
from desktop_bake.generator.errors import BuildFailedError, CancelledError, ScriptFailedError
from tests.harness.fake_engine import FakeEngine
from tests.harness.keys import KEY
from tests.harness.work import work


def fail(lines: list[str] | None = None) -> None:
    """An attempt that fails."""
    context = work(FakeEngine(), log=(lines if lines is not None else []).append)
    with Turn(KEY, "e", context), failures.attempt(KEY, context.reporter):
        raise BuildFailedError("broken")


@pytest.mark.parametrize(
    ("count", "since", "pause"),
    [
        (0, 0, 0),
        (IN_A_ROW - 1, 0, 0),
        (IN_A_ROW, 0, PAUSE_S),
        (IN_A_ROW, PAUSE_S / 2, PAUSE_S / 2),
        (IN_A_ROW, PAUSE_S, 0),
        (IN_A_ROW + 5, PAUSE_S - 1, 1),
        (IN_A_ROW, -1, 0),
    ],
)
def test_the_pause(count: int, since: float, pause: float) -> None:
    """From the third failure on, a quarter of an hour; a clock that was set back ends it."""
    assert Failures(count=count, last=1e9).pause_s(1e9 + since) == pause


def test_three_in_a_row_pause() -> None:
    """The third failure says that tasks install at start, and the fourth try is refused at once."""
    lines: list[str] = []
    for _ in range(IN_A_ROW):
        assert lines == []
        with pytest.raises(BuildFailedError, match="broken"):
            fail(lines)
    said = "tasks install at start for 15 min; try at once by: desktop-bake build"
    assert lines == [f"[desktop-cache] 3 builds of this key failed in a row: {said}"]
    with pytest.raises(PausedError, match="3 builds of this key failed in a row; the next try is in 15 min"):
        fail()
    other = replace(KEY, variant="other")
    with failures.attempt(other, Reporter()):
        pass
    failures.lift(KEY)
    with pytest.raises(BuildFailedError, match="broken"):
        fail()


def test_a_script_of_the_environment() -> None:
    """If the last failed at such a script, tasks do not install at start in the pause either: its words are kept."""
    lines: list[str] = []
    for _ in range(IN_A_ROW):
        with pytest.raises(ScriptFailedError), failures.attempt(KEY, work(FakeEngine(), log=lines.append).reporter):
            raise ScriptFailedError("build failed: the setup script ended with status 3", "it said: a secret")
    said = "none is tried for 15 min; try at once by: desktop-bake build"
    assert lines == [f"[desktop-cache] 3 builds of this key failed in a row: {said}"]
    told = "in a row; the next try is in 15 min; the last: the setup script ended with status 3"
    with pytest.raises(ScriptFailedError, match=told):
        fail()
    assert "a secret" not in "".join(path.read_text() for path in (cache_folder() / "failures").iterdir())


def test_a_success_ends_the_row() -> None:
    """Two failures, a success: the count begins again."""
    for _ in range(IN_A_ROW - 1):
        with pytest.raises(BuildFailedError, match="broken"):
            fail()
    with failures.attempt(KEY, Reporter()):
        pass
    assert failures.read(KEY) == Failures()


def test_a_cancelled_try_does_not_count() -> None:
    """A cancelled build says nothing about the recipe."""
    with pytest.raises(CancelledError), failures.attempt(KEY, Reporter()):
        raise CancelledError("cancelled")
    assert failures.read(KEY) == Failures()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"count": "x", "last": 1}', "null"])
def test_unreadable_state(text: str) -> None:
    """A state that nobody can read is none."""
    with pytest.raises(BuildFailedError, match="broken"):
        fail()
    (state,) = (cache_folder() / "failures").glob("*.json")
    state.write_text(text)
    assert failures.read(KEY) == Failures()


def test_at_once() -> None:
    """Eight tasks at once: three try, one after the other, and the rest are spared."""
    ended: list[str] = []

    def work() -> None:
        try:
            fail()
        except BuildFailedError as error:
            ended.append(type(error).__name__)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ended) == ["BuildFailedError"] * IN_A_ROW + ["PausedError"] * (8 - IN_A_ROW)
