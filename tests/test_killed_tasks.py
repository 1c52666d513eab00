"""SIGKILL at any moment of a task: its container goes with it."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kills import Project, docker, is_running, kill_rounds, until
from tests.test_task import tasks

Rounds = Callable[[int, int], int]
Figure = Callable[[str], None]


@pytest.fixture
def killed(project: Path) -> Project:
    """A project whose commands are killed."""
    return Project(project)


@pytest.mark.parametrize("flags", [(), ("--detach",)])
def test_run(killed: Project, rounds: Rounds, figure: Figure, base: str, flags: tuple[str, ...]) -> None:
    """A run with a desktop: its container is gone with it, or with the next run; one that was never told of, too."""
    env_id = f"killed-{uuid.uuid4().hex[:8]}"
    killed.configuration.write_text(
        f'[environments.{env_id}]\nbase_image = "{base}"\nheadless_desktop_enabled = true\ncache_desktop_build = true\n'
    )
    killed.bake("build", env_id)

    def whole() -> None:
        if not flags:
            until(lambda: not [c for c in tasks(env_id) if started(c)], lambda: docker("ps", "-a"))

    def after() -> None:
        if any(not started(c) for c in tasks(env_id)):  # the engine was still creating it when the next run began
            killed.bake(*words)
        until(lambda: not tasks(env_id), lambda: docker("ps", "-a"))

    words = ("run", *flags, env_id, "--", "true")
    figure(
        kill_rounds(killed, rounds(2, 20), lambda: words, before=lambda: None, killed=whole, after=after, env_id=env_id)
    )


def started(container: str) -> bool:
    """Whether a container has run."""
    shown = subprocess.run(
        ["docker", "inspect", "-f", "{{.State.Status}}", container], capture_output=True, check=False
    )
    return shown.stdout.strip() not in (b"", b"created")


def test_an_install_at_start_ends(killed: Project) -> None:
    """A task that is still installing ends with its program."""
    length = f"9{uuid.uuid4().int % 10**12}"
    env_id = f"killed-{uuid.uuid4().hex[:8]}"
    text = killed.configuration.read_text().replace("default", env_id)
    killed.configuration.write_text(text.replace("cache_desktop_build = true\n", ""))
    (killed.folder / "install.sh").write_text(f"sleep {length}\n")
    process = killed.start("run", env_id)
    until(lambda: is_running(length), lambda: killed.said)
    process.kill()
    process.wait()
    until(lambda: not tasks(env_id), lambda: docker("ps"))
    assert not is_running(length)
