"""What was done and how long each phase took, a line an event; a metric never loses a task."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import Settings
from desktop_bake.bake.images.result import Built, Fallback
from desktop_bake.bake.metrics.recorder import Recorder
from tests.harness.recipes import KEY
from tests.harness.work import order

if TYPE_CHECKING:
    from desktop_bake.bake.engine.engine import Engine
    from desktop_bake.bake.system.reporter import Phase
    from tests.harness.fake_engine import FakeEngine

FOUND = Built(order=order(Settings()), image_id="gone")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


def events(path: Path) -> list[dict[str, Any]]:
    """What was written."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_phases(tmp_path: Path, engine: FakeEngine, lines: list[str]) -> None:
    """What is reported begins the phases, whatever its lines say; the next event begins where this one ended."""
    clock = Clock()
    recorder = Recorder(tmp_path / "m", "run", clock=clock)
    reporter = recorder.listening(lines.append)
    steps: list[Phase | str] = [
        "[desktop-cache] pulling x",
        "wait",
        "build",
        "[desktop-cache] pushing y",
        "push",
        "pull",
    ]
    for step in steps:
        if step.startswith("["):
            reporter(step)
        else:
            reporter.phase(cast("Phase", step))
        clock.now_s += 1
    recorder.record(FOUND, cast("Engine", engine))
    clock.now_s += 0.5
    recorder.fail("no", "e")
    assert lines == [step for step in steps if step.startswith("[")]
    first, second = events(tmp_path / "m")
    assert first["seconds"] == {"look": 1, "wait": 1, "build": 2, "push": 1, "pull": 1, "total": 6}
    assert second["seconds"] == {"look": 0.5, "total": 0.5}
    assert (second["status"], second["error"], second["environment"], second["command"]) == ("failed", "no", "e", "run")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, None),
        ({"push_error": "p", "registry_error": "q"}, "p"),
        ({"registry_error": "q"}, "q"),
        ({"push_error": "x" * 400}, "x" * 300),
    ],
)
def test_record(tmp_path: Path, engine: FakeEngine, fields: dict[str, Any], error: str | None) -> None:
    """An event has the image's status, key and size, and what went wrong, of a bounded length."""
    image = engine.add("a:1")
    Recorder(tmp_path / "m", "run").record(replace(FOUND, image_id=image.image_id, **fields), cast("Engine", engine))
    (event,) = events(tmp_path / "m")
    assert (event["cache_key"], event["bytes"], event["error"]) == (str(KEY), 1, error)
    assert event["status"] == "built"


def test_record_of_a_fallback(tmp_path: Path, engine: FakeEngine) -> None:
    """The error of a fallback is its reason; it has no size."""
    fallback = Fallback(environment="e", image="i", cache_key=None, reason="r", exit_status=6)
    Recorder(tmp_path / "m", "run").record(fallback, cast("Engine", engine))
    (event,) = events(tmp_path / "m")
    assert (event["status"], event["error"], event["bytes"], event["cache_key"]) == ("fallback", "r", None, None)
    assert engine.asked == []


def test_an_engine_that_goes(tmp_path: Path, engine: FakeEngine, lines: list[str]) -> None:
    """Without a size the event is written all the same."""
    engine.is_up = False
    Recorder(tmp_path / "m", "run", lines.append).record(replace(FOUND, image_id="a"), cast("Engine", engine))
    assert events(tmp_path / "m")[0]["bytes"] is None
    assert lines == ["[desktop-cache] WARNING: no size in the metrics: no Docker Engine answers"]


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_file_that_takes_nothing(tmp_path: Path, lines: list[str], kind: str) -> None:
    """A folder in its place, or a pipe that nobody reads, costs the event, and keeps nobody waiting."""
    path = tmp_path / "m"
    if kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    Recorder(path, "run", lines.append).fail("x")
    assert len(lines) == 1
    assert lines[0].startswith(f"[desktop-cache] WARNING: no metrics in {path}: ")


def test_several_at_once(tmp_path: Path, lines: list[str]) -> None:
    """What is done for several environments at once is shared among their events, whose times add up to all of it."""
    clock = Clock()
    recorder = Recorder(tmp_path / "m", "build", clock=clock)
    reporter = recorder.listening(lines.append)
    clock.now_s += 1  # for nobody alone: of the first event
    for env_id in ("a", "b", "c"):
        reporter.about(env_id)
        clock.now_s += 1
    reporter.about("a", "c")
    reporter.phase("build")
    clock.now_s += 10
    reporter.about("c")
    reporter.phase("push")
    clock.now_s += 3
    reporter.about()
    for env_id in ("a", "b", "c"):
        recorder.fail("no", env_id)
    clock.now_s += 1
    recorder.fail("no", "d")
    assert [event["seconds"] for event in events(tmp_path / "m")] == [
        {"look": 2, "build": 5, "total": 7},
        {"look": 1, "total": 1},
        {"look": 1, "build": 5, "push": 3, "total": 9},
        {"look": 1, "total": 1},
    ]


def test_a_new_beginning(tmp_path: Path) -> None:
    """Work before a restart is in no event after it."""
    clock = Clock()
    recorder = Recorder(tmp_path / "m", "warm", clock=clock)
    recorder.about(["a"])
    clock.now_s += 1
    recorder.restart()
    recorder.fail("no", "a")
    assert [event["seconds"]["total"] for event in events(tmp_path / "m")] == [0]
