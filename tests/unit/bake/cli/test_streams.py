"""The docker client on our own streams."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import EngineError, TaskGoneError, TaskOptions, TimeLimitError
from desktop_bake.bake.cli import own_terminal, streams
from desktop_bake.bake.task.program import found, with_logs

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_through_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its status is the answer; without it there is no engine to use."""

    def run(words: list[str], *, check: bool) -> SimpleNamespace:
        assert not check
        if words[1] == "gone":
            raise FileNotFoundError
        return SimpleNamespace(returncode=len(words))

    monkeypatch.setattr(subprocess, "run", run)
    assert streams.through_docker("logs", "a") == 3
    with pytest.raises(EngineError, match="the docker client is not installed"):
        streams.through_docker("gone")


def test_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A further command has our streams, and names itself if the image does not have it."""
    ran: list[Any] = []

    def on_our_streams(*words: Any, terminal: bool) -> int:
        ran.append((*words, terminal))
        return 127

    monkeypatch.setattr(streams, "on_our_streams", on_our_streams)
    monkeypatch.setattr(streams, "check_runs", lambda *_: None)
    assert streams.run_here(cast("Any", None), "a", ["make"]) == 127
    assert ran == [("a", found(["make"]), {}, False)]


@pytest.mark.parametrize(("status", "runs"), [(1, True), (137, True), (3, False)])
def test_a_tasks_own_status(monkeypatch: pytest.MonkeyPatch, status: int, runs: bool) -> None:
    """A command that fails, or is killed, has its own status while its container runs."""
    monkeypatch.setattr(streams, "on_our_streams", lambda *_, **__: status)
    assert streams.run_task(gone_task(runs=runs), ["make"]) == status


@pytest.mark.parametrize("status", [1, 137])
def test_a_task_that_is_gone(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """A command that ends with its container is reported as that."""
    monkeypatch.setattr(streams, "on_our_streams", lambda *_, **__: status)
    with pytest.raises(TaskGoneError, match=r"^the task c0ffee is gone: it was stopped or removed$"):
        streams.run_task(gone_task(runs=False), ["make"])


def gone_task(*, runs: bool) -> Any:
    """A task whose container runs, or does not."""
    console = SimpleNamespace(drain=lambda: None, drained=lambda _: None, last=[])
    container = SimpleNamespace(runs=lambda: runs)
    return SimpleNamespace(container_id="c0ffee", options=TaskOptions(), console=console, container=container)


def test_a_tasks_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal the task's log is filled in its container, and its streams are ours."""
    ran: list[Any] = []

    def on_our_streams(*words: Any, terminal: bool) -> int:
        ran.append((*words, terminal))
        return 5

    monkeypatch.setattr(streams, "on_our_streams", on_our_streams)
    task = cast(
        "Any",
        SimpleNamespace(
            container_id="c0ffee", options=TaskOptions(), console=SimpleNamespace(drain=lambda: ran.append("drain"))
        ),
    )
    assert streams.run_task(task, ["make", "all"]) == 5
    assert streams.run_task(task, ["make"], 3.0) == 5
    assert ran == [
        "drain",
        ("c0ffee", with_logs(["make", "all"]), {}, False),
        "drain",
        ("c0ffee", with_logs(["make"]), {"timeout_s": 3.0}, False),
    ]


@pytest.mark.parametrize("asked", [False, True])
def test_a_tasks_command_on_a_terminal(monkeypatch: pytest.MonkeyPatch, asked: bool) -> None:
    """On a terminal, or if one is requested, the command has one, and the log gets what is shown; a limit is
    reported."""
    ran: list[Any] = []

    @contextlib.contextmanager
    def logged(container: str) -> Iterator[str]:
        yield f"log of {container}"

    def run_on_terminal(words: list[str], also: str, limit_s: float | None) -> int:
        ran.append((words, also))
        if limit_s:
            raise subprocess.TimeoutExpired(words, limit_s)
        return 127

    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: not asked)
    monkeypatch.setattr(own_terminal, "logged", logged)
    monkeypatch.setattr(own_terminal, "run_on_terminal", run_on_terminal)
    task = cast(
        "Any",
        SimpleNamespace(
            container_id="c0ffee",
            container="c",
            engine=None,
            options=TaskOptions(tty=asked),
            console=SimpleNamespace(drain=lambda: None),
        ),
    )
    assert streams.run_task(task, ["make"]) == 127
    assert ran == [(["docker", "exec", "-i", "-t", "c0ffee", *found(["make"])], "log of c")]
    with pytest.raises(TimeLimitError, match=r"did not end within 2\.5 s"):
        streams.run_task(task, ["make"], 2.5)
