"""The tasks that a command is about, by owner."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake.bake.cli.tasks_of import tasks_of
from desktop_bake.bake.engine import engine as engine_module

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine


@pytest.mark.parametrize("everyone", [True, False])
def test_whose(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, everyone: bool) -> None:
    """This user's on the engine of the docker client, or everyone's; no configuration is read."""
    filters: list[Any] = []

    def ask(_method: str, _path: str, query: dict[str, Any]) -> SimpleNamespace:
        filters.extend(query["filters"]["label"])
        return SimpleNamespace(status=200, content=[])

    monkeypatch.setattr(engine_module, "Engine", lambda: engine)
    monkeypatch.setattr(engine, "ask", ask)
    assert tasks_of(cast("Any", SimpleNamespace(all=everyone))).list() == []
    assert len(filters) == (1 if everyone else 2)
