"""A record of BuildKit that has lost its snapshot."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from desktop_bake import EngineError, Settings
from desktop_bake.bake.build.lost_record import remove_lost
from tests.harness.work import work

SAID = (
    "build failed: failed to solve: failed to commit ngq82x to kbbdmx during finalize: failed to stat active key during"
    " commit: snapshot ngq82x does not exist: not found"
)


class Client:
    """A docker client that ends with this status, or raises this."""

    def __init__(self, ends: int | EngineError) -> None:
        self.ends = ends
        self.asked: list[tuple[str, ...]] = []

    def docker(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Record the words."""
        self.asked.append(words)
        if isinstance(self.ends, EngineError):
            raise self.ends
        return subprocess.CompletedProcess(words, self.ends)


def removed(said: str, client: Client, name: str | None = None) -> bool:
    """Whether it is removed, by this client and on this builder."""
    engine: Any = SimpleNamespace(docker=client.docker)
    return remove_lost(said, work(engine, replace(Settings(), builder=name)))


@pytest.mark.parametrize(("name", "flags"), [(None, ()), ("far", ("--builder", "far"))])
def test_removed(name: str | None, flags: tuple[str, ...]) -> None:
    """Only that record is removed, on the builder of the build."""
    client = Client(0)
    assert removed(SAID, client, name)
    assert client.asked == [("buildx", "prune", "--force", "--all", "--filter", "id=ngq82x", *flags)]


@pytest.mark.parametrize("said", ["build failed: x", SAID.replace("snapshot ngq82x", "snapshot other")])
def test_another_error(said: str) -> None:
    """Nothing is removed for another error."""
    client = Client(0)
    assert not removed(said, client)
    assert client.asked == []


@pytest.mark.parametrize("ends", [1, EngineError("no Docker Engine answers", "start Docker")])
def test_in_vain(ends: int | EngineError) -> None:
    """A prune that fails leaves the build's own error."""
    assert not removed(SAID, Client(ends))
