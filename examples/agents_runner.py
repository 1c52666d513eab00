"""desktop-bake in Midori-AI Agents Runner: one worker in place of its own image builders and container code.

A copy of this file is a starting point: docs/agents-runner.md tells which of its calls go. The worker takes what
`DockerRunnerConfig` has there, under the same names, and reports by the same callbacks: `on_state` with the fields of
`docker inspect` that its window reads, `on_log` with lines of the form `[scope/sub][LEVEL] text`, `on_done` once.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from desktop_bake import (
    DesktopBakeError,
    Environment,
    ImageReference,
    Mount,
    Script,
    Settings,
    Started,
    TaskOptions,
    ensure_desktop_image,
    start_task,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from desktop_bake import TaskEvent

LONGEST_S = 7 * 86400.0
_OURS = re.compile(r"\[(desktop(?:-cache)?)\] (WARNING: )?(.*)", re.DOTALL)
_THEIRS = re.compile(r"\[[^/\]]+/[^\]]+\]\[[A-Z]+\]\s")


@dataclass(frozen=True, kw_only=True)
class RunnerConfig:
    """What is read of Agents Runner's `DockerRunnerConfig`: hand over that one, the names are the same."""

    task_id: str
    image: str
    host_config_dir: str
    host_workdir: str
    container_config_dir: str
    container_workdir: str = "/home/midori-ai/workspace"
    auto_remove: bool = True
    pull_before_run: bool = True
    settings_preflight_script: str | None = None
    environment_preflight_script: str | None = None
    headless_desktop_enabled: bool = False
    desktop_cache_enabled: bool = False
    container_caching_enabled: bool = False
    cached_preflight_script: str | None = None
    environment_id: str = ""
    env_vars: dict[str, str] = field(default_factory=dict)
    extra_mounts: list[str] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)
    container_name: str | None = None


class DesktopWorker:
    """One task: its image, its container, its command, and what the window is told of them.

    Args:
        config: the task's.
        command: program and arguments, such as an agent's.
        on_state, on_log, on_done: the callbacks, called from several threads.
    """

    def __init__(
        self,
        config: RunnerConfig,
        command: Sequence[str],
        on_state: Callable[[dict[str, Any]], None],
        on_log: Callable[[str], None],
        on_done: Callable[[int, str | None, list[str]], None],
    ) -> None:
        self.config = config
        self.command = command
        self.container_id: str | None = None
        self._on_state, self._on_log, self._on_done = on_state, on_log, on_done
        self._cancel = threading.Event()

    def request_stop(self) -> None:
        """End whatever goes on, from any thread: a build, a start, or the task with its container."""
        self._cancel.set()

    def run(self) -> None:
        """Run the task; call it from a thread of its own."""
        try:
            status = self._run()
        except DesktopBakeError as error:
            self._on_log(f"[docker/container][ERROR] {error}")
            if error.remedy:
                self._on_log(f"[docker/container][ERROR] {error.remedy}")
            self._on_done(error.exit_status, str(error), [])
        else:
            self._on_done(status, None, [])

    def settings(self) -> Settings:
        """Where images go; a team's runner has `repository` in a registry here."""
        return Settings(
            repository=ImageReference.parse("agent-runner-desktop"),
            pull="always" if self.config.pull_before_run else "missing",
        )

    def environment(self) -> Environment:
        """What the task runs in."""
        config = self.config
        cached = (config.cached_preflight_script or "").strip()
        at_start = [
            s for s in (config.settings_preflight_script, config.environment_preflight_script) if s and s.strip()
        ]
        return Environment(
            env_id=config.environment_id or "task",
            base_image=ImageReference.parse(config.image),
            headless_desktop_enabled=config.headless_desktop_enabled,
            cache_desktop_build=config.desktop_cache_enabled,
            cache_preflight_build=config.container_caching_enabled,
            preflight_script=Script.text(cached) if cached else None,
            preflight_run_script=Script.in_turn(at_start) if at_start else None,
            env_vars={**config.env_vars, "AGENTS_RUNNER_TASK_ID": config.task_id},
            extra_mounts=tuple(config.extra_mounts),
            ports=tuple(config.ports),
        )

    def options(self) -> TaskOptions:
        """How its container starts. Mounts of its own come first: an extra one at the same target gives way."""
        config = self.config
        own = {config.container_config_dir: config.host_config_dir, config.container_workdir: config.host_workdir}
        return TaskOptions(
            mounts=tuple(Mount(kind="bind", source=source, target=target) for target, source in own.items()),
            workdir=config.container_workdir,
            name=config.container_name,
            keep=not config.auto_remove,
        )

    def _run(self) -> int:
        environment, settings = self.environment(), self.settings()
        self._on_state({"Status": "pulling"})
        image = ensure_desktop_image(environment, settings, log=self._log, cancel=self._cancel)
        with start_task(
            environment,
            image,
            settings,
            options=self.options(),
            command=self.command,
            log=self._log,
            cancel=self._cancel,
            on_event=self._on_event,
        ) as task:
            state: dict[str, Any] = {"Status": "running", "StartedAt": _now(), "ExitCode": 0}
            if task.novnc_url:
                state |= {"DesktopEnabled": True, "DesktopDisplay": ":1", "NoVncUrl": task.novnc_url}
                self._on_log(
                    "[desktop/vnc][INFO] the desktop is ready"
                )  # the URL holds the task's secret: no log has it
            self._on_state(state)
            status = task.wait(LONGEST_S, self._cancel)
        self._on_state({**state, "Status": "exited", "ExitCode": status, "FinishedAt": _now()})
        return status

    def _on_event(self, event: TaskEvent) -> None:
        """Know the container from its start: what is printed from then on, before `start_task` returns, is its own."""
        if isinstance(event, Started):
            self.container_id = event.container_id

    def _log(self, line: str) -> None:
        self._on_log(as_their_line(line, self.container_id))


def as_their_line(line: str, container_id: str | None = None) -> str:
    """One of our lines, or one that a build or a container printed, in the form `[scope/sub][LEVEL] text`.

    Args:
        line: without its end.
        container_id: the container that prints by now, if there is one.
    """
    if _THEIRS.match(line):
        return line
    ours = _OURS.fullmatch(line)
    if ours:
        sub = "cache" if ours[1] == "desktop-cache" else "setup"
        return f"[desktop/{sub}][{'WARN' if ours[2] else 'INFO'}] {ours[3]}"
    scope = f"{container_id[:4]}/stdout" if container_id else "desktop/build"
    return f"[{scope}][INFO] {line}"


def _now() -> str:
    return datetime.now(UTC).isoformat()
