"""`desktop-bake resize`: the task is found, and its desktop gets the size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from desktop_bake.bake.cli.commands import resize
from tests.harness.listed import listed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.harness.fake_engine import FakeEngine


def test_resize(
    typed: Callable[..., tuple[int, str, str]], engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No configuration is needed; a wrong size is reported before anybody is asked, and a task that has ended."""
    monkeypatch.chdir(tmp_path)
    done: list[Any] = []
    monkeypatch.setattr(resize, "resized", lambda _engine, *words: done.append(words))
    engine.containers = [listed("a1"), listed("b2", environment="old", state="exited")]
    assert typed("resize", "office", "1920x1080") == (0, "", "")
    assert done == [(engine.containers[0]["Id"], "1920x1080")]
    assert typed("resize", "gone", "big")[0] == 2
    assert typed("resize", "old", "800x600")[0] == 7
    assert len(done) == 1
