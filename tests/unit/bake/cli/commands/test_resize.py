"""`desktop-bake resize`: the task is found, and its desktop gets the size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from desktop_bake.bake.cli.commands import resize

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.harness.fake_engine import FakeEngine


class Found:
    """The tasks, of which one is found by any name."""

    container_id = "c0ffee"

    def __init__(self, _context: Any) -> None: ...

    def find(self, name: str) -> Found:
        """As `Tasks.find`."""
        assert name == "office"
        return self


def test_resize(
    typed: Callable[..., tuple[int, str, str]], engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong size is told before anybody is asked."""
    done: list[Any] = []
    monkeypatch.setattr(resize, "Tasks", Found)
    monkeypatch.setattr(resize, "resized", lambda _engine, *words: done.append(words))
    assert typed("resize", "office", "1920x1080") == (0, "", "")
    assert done == [("c0ffee", "1920x1080")]
    assert typed("resize", "gone", "big")[0] == 2
    assert done == [("c0ffee", "1920x1080")]
