"""Whether a build would work, and the figures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ConfigurationError
from desktop_bake.bake.ui import health as module
from desktop_bake.bake.ui.health import Health
from desktop_bake.bake.upkeep.check import Check, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from desktop_bake.bake.ui.source import Source

OK = Check(name="engine", state=State.OK, said="28")
WARNING = Check(name="disk", state=State.WARNING, said="little")
FAILURE = Check(name="buildx", state=State.FAILURE, said="missing", remedy="install it", exit_status=4)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Check]:
    """What `doctor` finds."""
    checks: list[Check] = []
    monkeypatch.setattr(module, "examine", lambda _settings, _engine: iter(checks))
    return checks


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ((OK,), "A build would work here."),
        ((OK, WARNING), "A build would work here, with 1 warning."),
        ((OK, WARNING, FAILURE), "A build would not work here: 1 of 3 checks failed."),
    ],
)
def test_said(source: Source, found: list[Check], checks: tuple[Check, ...], said: str) -> None:
    """All checks in a sentence; once all are known, what failed comes first."""
    found += checks
    health = Health(source, lambda *_: None)
    assert health.said() == "Looking at everything that a build needs."
    health.look()
    assert (health.checks, health.said(), health.is_looking) == (checks[::-1], said, False)


def test_as_they_come(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first time each is shown as it comes; not twice at once."""
    shown: list[int] = []

    def examine(_settings: object, _engine: object) -> Iterator[Check]:
        yield OK
        health.look()
        yield WARNING

    monkeypatch.setattr(module, "examine", examine)
    health = Health(source, lambda *_: shown.append(len(health.checks)))
    health.look()
    assert shown == [1, 2, 2]


def test_a_configuration_that_does_not_load(source: Source, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then that is what is examined."""
    given: list[object] = []

    def examine(settings: object, _engine: object) -> Iterator[Check]:
        given.append(settings)
        yield OK

    monkeypatch.setattr(module, "examine", examine)
    project.write_text("nonsense")
    Health(source, lambda *_: None).look()
    assert isinstance(given[0], ConfigurationError)


def test_figures(source: Source, project: Path) -> None:
    """What the metrics come to, once there are any; a file that cannot be read is reported."""
    health = Health(source, lambda *_: None)
    assert health.figures()["summary"] is None
    path = project.with_name("metrics.jsonl")
    event = {
        "schema": 1,
        "at": "2026-01-01T00:00:00+00:00",
        "command": "run",
        "environment": "a",
        "status": "local-hit",
        "seconds": {"start": 1.0, "total": 1.0},
    }
    path.write_text(json.dumps(event) + "\n")
    figures = health.figures()
    assert figures["summary"].hit_rate == 1
    assert figures["plot"].startswith("<svg")
    path.unlink()
    path.mkdir()
    assert "cannot read" in str(health.figures()["metrics_error"])
