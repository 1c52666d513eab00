"""Files between this machine and a task."""

from __future__ import annotations

import subprocess
from typing import Any, cast

import pytest

from desktop_bake import ConfigurationError, TaskGoneError
from desktop_bake.bake.task.copying import copy


class Client:
    """A docker client that ends so."""

    def __init__(self, said: str) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._said = said

    def docker(self, *words: str, timeout_s: float) -> subprocess.CompletedProcess[bytes]:
        """As `Engine.docker`."""
        assert timeout_s > 60
        self.asked.append(words)
        return subprocess.CompletedProcess(words, int(bool(self._said)), b"", self._said.encode())


def test_copy() -> None:
    """It is `docker cp`; a container that is gone is distinguished from a path that is not there."""
    client = Client("")
    copy(cast("Any", client), "a", "c0ffee:/b")
    assert client.asked == [("cp", "-q", "a", "c0ffee:/b")]
    with pytest.raises(TaskGoneError, match="nothing was copied: Error: No such container: x"):
        copy(cast("Any", Client("Error: No such container: x")), "a", "x:/b")
    with pytest.raises(ConfigurationError, match="nothing was copied: lstat a: no such file"):
        copy(cast("Any", Client("lstat a: no such file")), "a", "x:/b")
    said = f"Error response from daemon: Could not find the file /b in container {'c0ffee' * 10}c0ff"
    with pytest.raises(ConfigurationError, match=r"nothing was copied: Could not find the file /b$"):
        copy(cast("Any", Client(said)), "x:/b", "a")
