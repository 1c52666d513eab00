"""The engine's platform: written down for one socket, and asked for again at another."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_bake.bake.engine.own_platform import own_platform
from desktop_bake.bake.system.folders import cache_folder


class Asked:
    """An engine's answers.

    Attributes:
        platform: what it answers.
        times: how often it was asked.
    """

    def __init__(self) -> None:
        self.platform = "linux/amd64"
        self.times = 0

    def ask(self) -> str:
        """As the engine does."""
        self.times += 1
        return self.platform


@pytest.fixture
def asked() -> Asked:
    """An engine that nobody has asked yet."""
    return Asked()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """What is at the engine's address."""
    path = tmp_path / "docker.sock"
    path.touch()
    return path


def test_once(path: Path, asked: Asked) -> None:
    """A socket's engine is asked once; another socket in its place has another engine."""
    host = f"unix://{path}"
    assert [own_platform(host, asked.ask) for _ in range(3)] == ["linux/amd64"] * 3
    assert asked.times == 1
    path.rename(path.with_name("before"))
    path.touch()
    asked.platform = "linux/arm64"
    assert [own_platform(host, asked.ask) for _ in range(2)] == ["linux/arm64"] * 2
    assert asked.times == 2


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:2375", "ssh://far", "unix:///nowhere/docker.sock", "unix://\0"])
def test_always(host: str, asked: Asked) -> None:
    """Behind an address, or without a socket, another engine may answer the next time."""
    own_platform(host, asked.ask)
    own_platform(host, asked.ask)
    assert asked.times == 2


@pytest.mark.parametrize("content", [b"", b"x", b"1:2:3 linux/amd64", b"\xff", b"%s linux", b"%s linux/amd64 more"])
def test_a_broken_note(path: Path, asked: Asked, content: bytes) -> None:
    """A note in another form is not believed."""
    host = f"unix://{path}"
    own_platform(host, asked.ask)
    (note,) = (cache_folder() / "engines").iterdir()
    known = note.read_bytes().partition(b" ")[0]
    note.write_bytes(content.replace(b"%s", known))
    asked.platform = "linux/arm64"
    assert own_platform(host, asked.ask) == "linux/arm64"


def test_no_room(path: Path, asked: Asked) -> None:
    """If nothing can be written down, the engine is asked each time."""
    (cache_folder() / "engines").write_bytes(b"")
    assert [own_platform(f"unix://{path}", asked.ask) for _ in range(2)] == ["linux/amd64"] * 2
    assert asked.times == 2
