"""`desktop-bake agent-notes`: what the image says of itself."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake.bake.cli.commands import agent_notes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.fake_engine import FakeEngine


@pytest.mark.parametrize(
    ("image_id", "ended", "output", "says"),
    [
        ("sha256:1", 0, "# Notes\n", ""),
        ("sha256:1", 127, "", "the desktop of environment 'default' has no notes: not found"),
        (None, 0, "", "there is no image here that has the desktop of environment 'default'"),
    ],
)
def test_agent_notes(
    typed: Callable[..., tuple[int, str, str]],
    engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    image_id: str | None,
    ended: int,
    output: str,
    says: str,
) -> None:
    """It runs without a network; an image that is not here, or has no notes, is reported with what to do."""
    asked: list[Any] = []

    def docker(*words: str) -> subprocess.CompletedProcess[bytes]:
        asked.append(words)
        return subprocess.CompletedProcess(words, ended, output.encode(), b"agent-notes: not found\nnot found\n")

    found = SimpleNamespace(image_id=image_id, lacks_desktop=image_id is None)
    monkeypatch.setattr(agent_notes, "glance", lambda *_: found)
    monkeypatch.setattr(engine, "docker", docker, raising=False)
    status, printed, errors = typed("agent-notes")
    assert (status, printed) == (2 if says else 0, output)
    assert says in errors
    assert all(
        words == ("run", "--rm", "--network", "none", "--entrypoint", "agent-notes", image_id) for words in asked
    )
