"""Builds that fail in a row: what tasks do meanwhile, how it is reported, and what ends the pause."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import ScriptFailedError, Status, ensure_desktop_image, load_settings
from desktop_bake.bake.build.pause import IN_A_ROW
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.system.reporter import silent
from desktop_bake.generator.errors import CancelledError

if TYPE_CHECKING:
    from tests.harness.project import Run


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_tasks_and_an_explicit_build(cli: Run, project: Path) -> None:
    """After a fallback the next task tries again; after three, tasks do not; `build` tries, and success is a hit."""
    install = project / "install.sh"
    good = install.read_text()
    install.write_text("#!/bin/sh\nexit 3\n")
    settings = load_settings(project / "desktop-bake.toml", {"DESKTOP_BAKE_INSTALL_AT_START": "true"})
    environment = settings.environment(None)
    for number in range(1, IN_A_ROW + 2):
        lines: list[str] = []
        result = ensure_desktop_image(environment, settings, log=lines.append)
        assert result.status is Status.FALLBACK
        built = any(line.startswith("[desktop-cache] building ") for line in lines)
        assert built is (number <= IN_A_ROW), lines
        assert "[desktop-cache] falling back to runtime install" in lines
    last = "the last: the install script ended with status 3"
    told = f"[desktop-cache] build failed: 3 builds of this key failed in a row; the next try is in 15 min; {last}"
    assert told in lines
    with pytest.raises(ScriptFailedError, match=last):
        ensure_desktop_image(environment, replace(settings, install_at_start=False))
    tried = cli("build")
    assert tried.returncode == 6
    assert "[desktop-cache] building " in tried.stderr
    again: list[str] = []
    ensure_desktop_image(environment, settings, log=again.append)
    assert any(line.startswith("[desktop-cache] building ") for line in again), "build lifted the pause"
    install.write_text(good)
    assert ensure_desktop_image(environment, settings).status is Status.BUILT


def test_long_work_is_cancelled() -> None:
    """Another thread can cancel the docker client's work, such as a pull, even while it prints nothing."""
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    start = time.monotonic()
    with pytest.raises(CancelledError):
        Engine().work("events", "--filter", "image=none", log=silent, draw=False, limit_s=300, cancel=cancel)
    assert time.monotonic() - start < 30


def test_a_build_is_cancelled(project: Path) -> None:
    """Cancelled by another thread, a build ends within seconds, without a fallback or a failure."""
    (project / "install.sh").write_text("#!/bin/sh\necho under way\nsleep 1000\n")
    settings = load_settings(project / "desktop-bake.toml", {})
    cancel, lines = threading.Event(), list[str]()

    def log(line: str) -> None:
        lines.append(line)
        if line.endswith("under way"):
            cancel_later.start()

    cancel_later = threading.Timer(0.3, cancel.set)
    start = time.monotonic()
    with pytest.raises(CancelledError):
        ensure_desktop_image(settings.environment(None), settings, log=log, cancel=cancel)
    assert time.monotonic() - start < 30
    assert cancel.is_set()
    assert "[desktop-cache] falling back to runtime install" not in lines
    assert not list((project / "cache" / "desktop-bake" / "failures").glob("*.json"))
