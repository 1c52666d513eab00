"""Commands as they are typed, in their own project, on an engine in memory."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.cli.main import main
from desktop_bake.bake.engine import engine as engine_module
from desktop_bake.bake.engine import no_engine  # noqa: F401 (it subclasses what `project` puts another in place of)
from tests.harness.recipes import BASE

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine

Typed = Callable[..., tuple[int, str, str]]

PROJECT = """\
repository = "registry.example.com/team/desktop"
cache = "none"
[environments.default]
base_image = "debian:bookworm"
headless_desktop_enabled = true
cache_desktop_build = true
[environments.plain]
base_image = "debian:bookworm"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> Path:
    """A project with two environments, in the working directory, whose base is here."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "desktop-bake.toml").write_text(PROJECT)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(engine_module, "Engine", lambda: engine)
    engine.add("debian:bookworm", known_as=f"debian@{BASE}")
    return folder


@pytest.fixture
def typed(project: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Typed]:
    """`typed(*words)`: the status, the standard output and the standard error of a command."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(words)
        output, errors = capsys.readouterr()
        return status, output, errors

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)
