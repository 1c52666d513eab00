"""SIGKILL at any moment of a task: its container goes with it."""

from __future__ import annotations

import concurrent.futures
import random
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.kills import LIMIT_S, SEED, Project, docker, is_running, kill_rounds, until
from tests.harness.tasks import tasks

Rounds = Callable[[int, int], int]
Figure = Callable[[str], None]


@pytest.fixture
def killed(project: Path) -> Project:
    """A project whose commands are killed."""
    return Project(project)


def baked(project: Project, base: str) -> str:
    """An environment of its own for this test, its desktop baked."""
    env_id = f"killed-{uuid.uuid4().hex[:8]}"
    project.configuration.write_text(
        f'[environments.{env_id}]\nbase_image = "{base}"\nheadless_desktop_enabled = true\ncache_desktop_build = true\n'
    )
    project.bake("build", env_id)
    return env_id


@pytest.mark.parametrize("flags", [(), ("--detach",)])
def test_run(killed: Project, rounds: Rounds, figure: Figure, base: str, flags: tuple[str, ...]) -> None:
    """A killed run's container goes with it or at the next run, even one whose creation was never reported."""
    env_id = baked(killed, base)

    def whole() -> None:
        if not flags:
            until(lambda: not [c for c in tasks(env_id) if started(c)], lambda: docker("ps", "-a"))

    def after() -> None:
        if any(not started(c) for c in tasks(env_id)):  # the engine was still creating it when the next run began
            killed.bake(*words)
        until(lambda: not tasks(env_id), lambda: docker("ps", "-a"))

    words = ("run", *flags, env_id, "--", "true")
    figure(
        kill_rounds(killed, rounds(1, 20), lambda: words, before=lambda: None, killed=whole, after=after, env_id=env_id)
    )


def test_starts_beside_killed_ones(killed: Project, rounds: Rounds, figure: Figure, base: str) -> None:
    """Of many starts, six at once, every fourth is killed: none of the others fails, at either colour depth."""
    env_id = baked(killed, base)
    draw = random.Random(SEED)
    moments = [draw.uniform(0, 1) for _ in range(rounds(8, 800))]
    killed_ones: list[int] = []
    print(f"DESKTOP_BAKE_SEED={SEED}")

    def start(number: int) -> str:
        words = ("run", "-q", "--depth", ("16", "24")[number % 2], env_id, "--", "xwininfo", "-root")
        process = subprocess.Popen(
            [sys.executable, "-m", "desktop_bake", *words],
            cwd=killed.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        doomed = number % 4 == 0
        try:
            _, said = process.communicate(timeout=moments[number] if doomed else LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            _, said = process.communicate()
            killed_ones.append(number)
            return "" if doomed and "Traceback" not in said else f"killed: {said}"
        return said if process.returncode else ""

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert set(pool.map(start, range(len(moments)))) == {""}
    if any(not started(c) for c in tasks(env_id)):  # the engine was still creating it when the last run began
        killed.bake("run", "-q", env_id, "--", "true")
    until(lambda: not tasks(env_id), lambda: docker("ps", "-a"))
    assert len(killed_ones) >= len(moments) // 16, "most kills came too late"
    figure(f"{len(moments) - len(killed_ones)} starts beside {len(killed_ones)} killed ones, none failed")


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
