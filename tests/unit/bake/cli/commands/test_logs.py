"""`desktop-bake logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_bake.bake.cli.commands import logs
from tests.harness.listed import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.harness.fake_engine import FakeEngine


def test_logs(typed: Callable[..., tuple[int, str, str]], engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The docker client prints them, on our streams."""
    asked: list[tuple[str, ...]] = []

    def docker(*words: str) -> int:
        asked.append(words)
        return 0

    monkeypatch.setattr(logs, "through_docker", docker)
    engine.containers = [listed("a1")]
    assert typed("logs", "office")[0] == typed("logs", "-f", "a1")[0] == 0
    assert [words[:-1] for words in asked] == [("logs",), ("logs", "-f")]
    status, _, errors = typed("logs", "offcie")
    assert (status, errors) == (7, "error: there is no task 'offcie', or not any more\n  did you mean 'office'?\n")
