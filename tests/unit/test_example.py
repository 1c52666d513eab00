"""The lines that examples/agents_runner.py hands to the window of Agents Runner."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from desktop_bake import Started, TaskError
from examples import agents_runner
from examples.agents_runner import DesktopWorker, RunnerConfig, as_their_line
from tests.harness.every import every

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


@every(
    ("line", "container_id", "theirs"),
    [
        ("[desktop-cache] hit (local): a:b", None, "[desktop/cache][INFO] hit (local): a:b"),
        ("[desktop-cache] WARNING: the disk is full", None, "[desktop/cache][WARN] the disk is full"),
        ("[desktop] ready", "1a2b3c", "[desktop/setup][INFO] ready"),
        ("#5 [2/4] RUN bash install.sh", None, "[desktop/build][INFO] #5 [2/4] RUN bash install.sh"),
        ("hello", "1a2b3c", "[1a2b/stdout][INFO] hello"),
        ("[gh/repo][WARN] theirs already", "1a2b3c", "[gh/repo][WARN] theirs already"),
        ("[desktop-cached] another program's", "1a2b3c", "[1a2b/stdout][INFO] [desktop-cached] another program's"),
        ("", "1a2b3c", "[1a2b/stdout][INFO] "),
    ],
)
def test_lines(line: str, container_id: str | None, theirs: str) -> None:
    """Each has scope, part and level; one that has them already stays."""
    assert as_their_line(line, container_id) == theirs


def test_lines_before_the_task_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the container prints before `start_task` returns, as while it installs, is reported as the container's."""

    def start_task(*_: object, log: Callable[[str], None], on_event: Callable[[Any], None], **__: object) -> None:
        log("of the image")
        on_event(Started("1a2b3c", "t"))
        log("of the container")
        raise TaskError("no desktop")

    monkeypatch.setattr(agents_runner, "ensure_desktop_image", lambda *_, **__: SimpleNamespace())
    monkeypatch.setattr(agents_runner, "start_task", start_task)
    config = RunnerConfig(
        task_id="t", image="debian", host_config_dir="/c", host_workdir="/w", container_config_dir="/c"
    )
    lines, done = list[str](), list[tuple[Any, ...]]()
    DesktopWorker(config, ["true"], lambda _: None, lines.append, lambda *a: done.append(a)).run()
    assert lines[:2] == ["[desktop/build][INFO] of the image", "[1a2b/stdout][INFO] of the container"]
    assert done == [(1, "no desktop", [])]
