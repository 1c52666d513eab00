"""`desktop-bake wait`."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

from desktop_bake import Tasks
from tests.harness.listed import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.harness.fake_engine import FakeEngine


def test_wait(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its status is ours, of one that runs and of one that has ended."""
    limits: list[float] = []

    def wait(limit_s: float) -> int:
        limits.append(limit_s)
        return 5

    monkeypatch.setattr(Tasks, "ending", lambda *_: SimpleNamespace(wait=wait))
    engine.containers = [listed("a1"), listed("b2", environment="old", state="exited", said="Exited (3) 2 s ago")]
    assert typed("wait", "a1", "--timeout", "2m")[0] == 5
    assert typed("wait", "office")[0] == 5
    assert (limits[0], limits[1] > 86400) == (120, True)
    status, output, _ = typed("wait", "old", "--json")
    assert (status, json.loads(output)["status"], len(limits)) == (3, 3, 2)
