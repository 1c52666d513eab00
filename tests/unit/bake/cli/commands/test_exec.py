"""`desktop-bake exec`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from desktop_bake.bake.cli.commands import exec as exec_module
from tests.harness.listed import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.harness.fake_engine import FakeEngine


def test_exec(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command runs in the task on our streams, and its status is ours; there has to be one, and a task that runs."""
    asked: list[Any] = []

    def run_here(*words: Any) -> int:
        asked.append(words[1:])
        return 4

    monkeypatch.setattr(exec_module, "run_here", run_here)
    engine.containers = [listed("a1"), listed("b2", environment="old", state="exited")]
    assert typed("exec", "-u", "1", "a1", "--", "ls", "-l")[0] == 4
    assert asked == [(engine.containers[0]["Id"], ["ls", "-l"], {"user": "1", "workdir": ""})]
    assert typed("exec", "a1")[0] == 2
    assert typed("exec", "old", "ls")[0] == 7
