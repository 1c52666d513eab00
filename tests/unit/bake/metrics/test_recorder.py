"""What was done and how long each phase took, a line an event; a metric never loses a task."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake.bake.images.result import ImageResult, Status
from desktop_bake.bake.metrics.recorder import Recorder
from tests.harness.recipes import KEY

if TYPE_CHECKING:
    from desktop_bake.bake.engine.engine import Engine
    from tests.harness.fake_engine import FakeEngine

FOUND = ImageResult(environment="e", status=Status.BUILT, image="i", image_id=None, cache_key=KEY, reason="r")


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
    """The log's own lines begin the phases, each line is passed on, and the next event begins where this one ended."""
    clock = Clock()
    recorder = Recorder(tmp_path / "m", "run", clock=clock)
    hear = recorder.listening(lines.append)
    said = ["cache key: x", "waiting: pid 1", "building x", "#1 building", "pushing x", "pulling y"]
    for line in said:
        hear(f"[desktop-cache] {line}" if not line.startswith("#") else line)
        clock.now_s += 1
    recorder.record(FOUND, cast("Engine", engine))
    clock.now_s += 0.5
    recorder.fail("no", "e")
    assert lines == [f"[desktop-cache] {line}" if not line.startswith("#") else line for line in said]
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
        ({"status": Status.FALLBACK, "exit_status": 6}, "r"),
        ({"push_error": "x" * 400}, "x" * 300),
    ],
)
def test_record(tmp_path: Path, engine: FakeEngine, fields: dict[str, Any], error: str | None) -> None:
    """An event has the image's status, key and size, and what went wrong, of a bounded length."""
    image = engine.add("a:1")
    Recorder(tmp_path / "m", "run").record(replace(FOUND, image_id=image.image_id, **fields), cast("Engine", engine))
    (event,) = events(tmp_path / "m")
    assert (event["cache_key"], event["bytes"], event["error"]) == (str(KEY), 1, error)
    assert event["status"] == fields.get("status", Status.BUILT).value


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
