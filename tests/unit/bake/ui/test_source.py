"""Where answers come from."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from desktop_bake.bake.ui import source as module

if TYPE_CHECKING:
    import pytest

    from desktop_bake.bake.ui.source import Source


def test_the_engine_is_found_anew(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a minute: whoever switched contexts or logged in need not start the page again."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    made: list[object] = []
    again = module.Source(load=source.load, file=source.file, new_engine=lambda: made.append(1) or object())  # type: ignore[arg-type, return-value, func-returns-value]
    first = again.engine()
    assert again.engine() is first
    now[0] = 61.0
    assert again.engine() is not first
    assert len(made) == 2


def test_a_context(source: Source, lines: list[str]) -> None:
    """Work has the settings, the log and the engine; with metrics it is recorded."""
    context = source.context(source.load(), lines.append)
    context.reporter.say("a")
    assert lines == ["a"]
    assert context.settings == source.load()
    assert source.recorder("build")
    assert module.Source(load=source.load, file=source.file, new_engine=source.new_engine).recorder("build") is None
