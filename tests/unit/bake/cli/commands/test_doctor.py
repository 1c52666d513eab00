"""`desktop-bake doctor`: each check as it comes, and the status with which a build would fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import ConfigurationError
from desktop_bake.bake.cli.commands import doctor
from desktop_bake.bake.upkeep.check import Check, State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OK = Check(name="engine", state=State.OK, said="28")
WARNING = Check(name="clock", state=State.WARNING, said="late", remedy="set it")
FAILURE = Check(name="buildx", state=State.FAILURE, said="missing", remedy="install it", exit_status=4)


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is found next; then, the settings that it looked at."""
    found: list[Any] = []

    def examine(settings: object, _engine: object) -> list[Check]:
        checks = [check for check in found if isinstance(check, Check)]
        found.append(settings)
        return checks

    monkeypatch.setattr(doctor, "examine", examine)
    return found


def test_all_is_well(typed: Callable[..., tuple[int, str, str]], finds: list[Any]) -> None:
    """Passed checks and warnings exit with 0, each with its line and its remedy."""
    finds += [OK, WARNING]
    assert typed("doctor") == (0, "ok       engine: 28\nwarning  clock: late\n         set it\n", "")


def test_what_would_fail(typed: Callable[..., tuple[int, str, str]], finds: list[Any]) -> None:
    """A failure's status is the one of a build; JSON says that it would not work."""
    finds += [OK, FAILURE]
    status, output, _ = typed("doctor", "--json")
    told = json.loads(output)
    assert (status, told["works"]) == (4, False)
    assert told["checks"][1] == {"name": "buildx", "state": "failure", "detail": "missing", "remedy": "install it"}


def test_a_configuration_that_does_not_load(
    typed: Callable[..., tuple[int, str, str]], finds: list[Any], project: Path
) -> None:
    """A faulty configuration is one of the checks."""
    (project / "desktop-bake.toml").write_text("nonsense")
    typed("doctor")
    assert isinstance(finds[-1], ConfigurationError)
