"""`desktop-bake cp`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_bake.bake.cli.commands import cp
from tests.harness.listed import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.harness.fake_engine import FakeEngine


def test_cp(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the two is a task's; a path here with a colon is one if it begins as paths do."""
    copied: list[tuple[str, str]] = []
    monkeypatch.setattr(cp, "copy", lambda _engine, *places: copied.append(places))
    engine.containers = [listed("a1")]
    name = engine.containers[0]["Id"]
    assert typed("cp", "a1:/x", "y")[0] == typed("cp", "./a:b", "office:/x")[0] == 0
    assert copied == [(f"{name}:/x", "y"), ("./a:b", f"{name}:/x")]
    assert typed("cp", "x", "y")[0] == typed("cp", "a1:/x", "a1:/y")[0] == 2
