"""What a check found: how an error counts, and what `doctor` exits with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ConfigurationError, DesktopBakeError, EngineError, RegistryError, Settings
from desktop_bake.bake.upkeep.check import Check, State, exit_status, failed, guarded

if TYPE_CHECKING:
    from collections.abc import Sequence

OK = Check(name="a", state=State.OK, said="fine")
WARNING = Check(name="b", state=State.WARNING, said="odd", exit_status=5)
BROKEN = Check(name="c", state=State.FAILURE, said="broken")
NO_ENGINE = Check(name="d", state=State.FAILURE, said="gone", exit_status=4)


@pytest.mark.parametrize(
    ("checks", "status"),
    [
        ((), 0),
        ((OK, WARNING), 0),
        ((OK, BROKEN), 1),
        ((WARNING, NO_ENGINE, BROKEN), 4),
        ((BROKEN, NO_ENGINE), 1),
        ((NO_ENGINE, replace(NO_ENGINE, exit_status=5)), 4),
    ],
)
def test_exit_status(checks: Sequence[Check], status: int) -> None:
    """The status is that of the first failure; a warning is none."""
    assert exit_status(tuple(checks)) == status


@pytest.mark.parametrize(
    ("error", "has_settings", "push", "state"),
    [
        (EngineError("no", "start it"), False, False, State.FAILURE),
        (EngineError("no", "start it"), True, False, State.FAILURE),
        (ConfigurationError("no", "start it"), True, False, State.FAILURE),
        (RegistryError("no", "start it"), False, False, State.FAILURE),
        (RegistryError("no", "start it"), True, False, State.WARNING),
        (RegistryError("no", "start it"), True, True, State.FAILURE),
    ],
)
def test_guarded(team: Settings, error: DesktopBakeError, has_settings: bool, push: bool, state: State) -> None:
    """What came before an error stays; a registry's is a warning if a build goes on without the registry."""

    def checks() -> Iterator[Check]:
        yield OK
        raise error

    found = list(guarded("part", checks, replace(team, push=push) if has_settings else None))
    assert found == [OK, failed("part", error, state)]
    assert found[1].as_json() == {"name": "part", "state": state.value, "detail": "no", "remedy": "start it"}
    assert found[1].exit_status == error.exit_status


def test_guarded_without_an_error() -> None:
    """What finds nothing wrong adds nothing."""
    assert list(guarded("part", lambda: iter([OK, WARNING]))) == [OK, WARNING]


def test_a_fault_of_ours_is_none_of_these() -> None:
    """An error that is not one of the tree is not shown as a finding."""

    def checks() -> Iterator[Check]:
        yield OK
        raise ValueError("a fault of ours")

    with pytest.raises(ValueError, match="a fault of ours"):
        list(guarded("part", checks))
