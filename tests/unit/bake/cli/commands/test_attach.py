"""`desktop-bake attach`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_bake.bake.cli.commands import attach
from tests.harness.listed import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.harness.fake_engine import FakeEngine


def test_attach(
    typed: Callable[..., tuple[int, str, str]], engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The docker client attaches to what is printed alone; what has ended has nothing to come."""
    asked: list[tuple[str, ...]] = []

    def docker(*words: str) -> int:
        asked.append(words)
        return 7

    monkeypatch.setattr(attach, "through_docker", docker)
    engine.containers = [listed("a1"), listed("b2", environment="old", state="exited")]
    assert typed("attach", "a1")[0] == 7
    assert asked[0][:3] == ("attach", "--no-stdin", "--sig-proxy=false")
    status, _, errors = typed("attach", "old")
    assert (status, errors.splitlines()[1]) == (
        7,
        "  see: desktop-bake logs b20000000000, or start another: desktop-bake run",
    )
