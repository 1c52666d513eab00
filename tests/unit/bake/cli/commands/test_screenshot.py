"""`desktop-bake screenshot`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_bake.bake.cli.commands import screenshot
from tests.harness.listed import listed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.harness.fake_engine import FakeEngine


def test_screenshot(
    typed: Callable[..., tuple[int, str, str]], engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    """The picture is in a file of the task's name, or of another; what has ended has none."""
    monkeypatch.setattr(screenshot, "picture", lambda *_: b"PNG")
    engine.containers = [listed("a1", name="mine")]
    assert typed("screenshot", "a1")[:2] == (0, "mine.png\n")
    assert typed("screenshot", "a1", "-o", "b.png")[:2] == (0, "b.png\n")
    assert (project / "mine.png").read_bytes() == (project / "b.png").read_bytes() == b"PNG"
    status, _, errors = typed("screenshot", "a1", "-o", "gone/b.png")
    assert (status, errors.splitlines()[0]) == (2, "error: cannot write gone/b.png: No such file or directory")
    engine.containers = [listed("b2", state="exited")]
    status, _, errors = typed("screenshot", "b2")
    assert (status, errors.splitlines()[0]) == (7, "error: the task b20000000000 has ended")
