"""`desktop-bake stop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from desktop_bake import Tasks
from tests.harness.listed import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.harness.fake_engine import FakeEngine


def test_stop(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is ended and told; if one is not there, none is."""
    ended: list[Any] = []
    monkeypatch.setattr(Tasks, "stop", lambda _self, entry, **how: ended.append((entry.container_id[:2], how)))
    engine.containers = [listed("a1"), listed("b2", environment="old", name="mine")]
    assert typed("stop", "a1", "gone")[0] == 7
    assert ended == []
    assert typed("stop", "-t", "0", "--rm", "a1", "old")[:2] == (0, "a10000000000\nmine\n")
    assert ended == [("a1", {"grace_s": 0, "remove": True}), ("b2", {"grace_s": 0, "remove": True})]
