"""Builds that fail in a row: what tasks do meanwhile, how it is said, and what lifts it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bake import Status, ensure_desktop_image, failures, load_settings
from bake.engine import Engine
from bake.failures import IN_A_ROW, PAUSE_S, Failures, PausedError
from bake.resolve import cache_folder, silent
from bake.turn import Turn
from generator.errors import BuildFailedError, CancelledError
from generator.key import CacheKey
from generator.reference import Digest

if TYPE_CHECKING:
    from tests.conftest import Run

NONE = Digest("sha256:" + "0" * 64)
KEY = CacheKey(variant="v", base=NONE, install=NONE, setup=NONE, dockerfile=NONE)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def fail(lines: list[str] | None = None) -> None:
    """An attempt that fails."""
    with Turn(KEY, "e", 10, print), failures.attempt(KEY, (lines if lines is not None else []).append):
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
    with failures.attempt(other, print):
        pass
    failures.lift(KEY)
    with pytest.raises(BuildFailedError, match="broken"):
        fail()


def test_a_success_ends_the_row() -> None:
    """Two failures, a success: the count begins anew."""
    for _ in range(IN_A_ROW - 1):
        with pytest.raises(BuildFailedError):
            fail()
    with failures.attempt(KEY, print):
        pass
    assert failures.read(KEY) == Failures()


def test_a_cancelled_try_does_not_count() -> None:
    """Who gives up says nothing about the recipe."""
    with pytest.raises(CancelledError), failures.attempt(KEY, print):
        raise CancelledError("cancelled")
    assert failures.read(KEY) == Failures()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"count": "x", "last": 1}', "null"])
def test_unreadable_state(text: str) -> None:
    """A state that nobody can read is none."""
    with pytest.raises(BuildFailedError):
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


def test_tasks_and_an_explicit_build(cli: Run, project: Path) -> None:
    """After a fallback the next task tries again; after three it is spared; `build` tries, and success is a hit."""
    install = project / "install.sh"
    good = install.read_text()
    install.write_text("#!/bin/sh\nexit 3\n")
    settings = load_settings(project / "desktop-bake.toml", {})
    environment = settings.environment(None)
    for number in range(1, IN_A_ROW + 2):
        lines: list[str] = []
        result = ensure_desktop_image(environment, settings, log=lines.append)
        assert result.status is Status.FALLBACK
        built = any(line.startswith("[desktop-cache] building ") for line in lines)
        assert built is (number <= IN_A_ROW), lines
        assert "[desktop-cache] falling back to runtime install" in lines
    assert "[desktop-cache] build failed: 3 builds of this key failed in a row; the next try is in 15 min" in lines
    tried = cli("build")
    assert tried.returncode == 6
    assert "[desktop-cache] building " in tried.stderr
    again: list[str] = []
    ensure_desktop_image(environment, settings, log=again.append)
    assert any(line.startswith("[desktop-cache] building ") for line in again), "build lifted the pause"
    install.write_text(good)
    assert ensure_desktop_image(environment, settings).status is Status.BUILT


def test_long_work_is_cancelled() -> None:
    """Another thread cancels what the docker client does for us, such as a pull, also while it prints nothing."""
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    start = time.monotonic()
    with pytest.raises(CancelledError):
        Engine().cancelled_by(cancel).work("events", "--filter", "image=none", log=silent, draw=False, limit_s=300)
    assert time.monotonic() - start < 30


def test_a_build_is_cancelled(project: Path) -> None:
    """Another thread cancels a build: it ends within seconds, as no fallback and as no failure."""
    (project / "install.sh").write_text("#!/bin/sh\necho under way\nsleep 1000\n")
    settings = load_settings(project / "desktop-bake.toml", {})
    cancel, lines = threading.Event(), list[str]()

    def log(line: str) -> None:
        lines.append(line)
        if line.endswith("under way"):
            cancel_later.start()

    cancel_later = threading.Timer(0.3, cancel.set)
    start = time.monotonic()
    with pytest.raises(CancelledError):
        ensure_desktop_image(settings.environment(None), settings, log=log, cancel=cancel)
    assert time.monotonic() - start < 30
    assert cancel.is_set()
    assert "[desktop-cache] falling back to runtime install" not in lines
    assert not list((project / "cache" / "desktop-bake" / "failures").glob("*.json"))
