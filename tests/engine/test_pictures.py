"""What a task shows: its pictures, however it ends, its size, and the notes for agents that work in it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image as Picture

from desktop_bake import TaskOptions, ensure_desktop_image, start_task
from desktop_bake.bake.task.screen import picture, resize
from tests.harness.tasks import tasks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from desktop_bake import DesktopTask, Settings
    from tests.harness.project import Run

ENV = f"pictures-{os.getpid()}"
RED = (255, 0, 0)
# a red window without its own frame, which runs a command
WINDOW = "xterm -geometry 40x10+100+100 -bg red -fg red -cr red -b 0 -e "


@pytest.fixture
def folder(project: Path, base: str) -> Path:
    """A folder with one environment that has the shipped desktop."""
    (project / "desktop-bake.toml").write_text(
        f'[environments.{ENV}]\nbase_image = "{base}"\nheadless_desktop_enabled = true\ncache_desktop_build = true\n'
    )
    return project


@pytest.fixture(scope="module")
def task(base: str, desktop_settings: Settings) -> Iterator[DesktopTask]:
    """A task with the shipped desktop."""
    from desktop_bake import Environment, ImageReference

    environment = Environment(
        env_id=ENV,
        base_image=ImageReference.parse(base),
        headless_desktop_enabled=True,
        cache_desktop_build=True,
    )
    image = ensure_desktop_image(environment, desktop_settings)
    options = TaskOptions(detach=True)
    with start_task(environment, image, desktop_settings, options=options) as started:
        yield started


def shows_the_window(png: bytes) -> bool:
    """Whether the red window is visible, with its frame around it."""
    seen = Picture.open(io.BytesIO(png)).convert("RGB")
    return sum(count for count, colour in seen.getcolors(1 << 24) or () if colour == RED) > 10_000


def test_a_window_that_closes_with_its_command(cli: Run, folder: Path) -> None:
    """The picture shows it, whatever the status; meanwhile the newest one is there, and each number has its own."""
    script = "'date; sleep 1.5; exit 1'; exit 3"
    done = cli("run", "--screenshot", "%d.png", "--screenshot-every", "1s", ENV, "--", "sh", "-c", WINDOW + script)
    assert done.returncode == 3, done.stderr
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) >= 2  # the screen may change once more before the window is all there
    assert [picture.name for picture in pictures] == [f"{number}.png" for number in range(1, len(pictures) + 1)]
    assert shows_the_window(pictures[-1].read_bytes())


def test_ctrl_c(folder: Path) -> None:
    """After Ctrl-C the picture, alone on standard output, shows the screen before the end."""
    script = WINDOW + "'sleep 100' & xdotool search --sync --onlyvisible --class xterm; echo up >&2; sleep 100"
    words = [sys.executable, "-m", "desktop_bake", "run", "-q", "--screenshot", "-", ENV, "--", "sh", "-c", script]
    with subprocess.Popen(
        words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stderr
        assert any(line == b"up\n" for line in run.stderr)
        run.send_signal(signal.SIGINT)
        output, errors = run.communicate(timeout=60)
    assert run.returncode == 130, errors
    assert shows_the_window(output)
    assert tasks(ENV) == []


def test_resize(cli: Run, task: DesktopTask) -> None:
    """A running desktop accepts every size of Xvnc, its window manager follows, and a picture shows all of it."""
    for geometry in ("64x64", "7680x4320", "1366x768"):
        resize(task.engine, task.container_id, geometry)
        asked = task.engine.docker("exec", task.container_id, "xwininfo", "-root")
        assert f"-geometry {geometry}+0+0" in asked.stdout.decode()
    assert cli("resize", task.container_id[:12], "1280x800").returncode == 0
    assert Picture.open(io.BytesIO(picture(task.engine, task.container_id))).size == (1280, 800)
    assert cli("resize", task.container_id[:12], "1280").returncode == 2


def test_the_notes(cli: Run, folder: Path, task: DesktopTask) -> None:
    """Everything they promise works: each command of them succeeds in a task, and the image has the same text."""
    notes = task.engine.docker("exec", task.container_id, "cat", "/etc/desktop-bake/agent-notes.md").stdout.decode()
    commands = [line for line in notes.splitlines() if line.startswith("    ")]
    assert len(commands) > 8
    script = "set -ex\n" + "\n".join(commands)
    done = task.engine.docker("exec", task.container_id, "bash", "-c", script, timeout_s=60)
    assert done.returncode == 0, done.stderr.decode()
    shot = task.engine.docker("exec", task.container_id, "cat", "/tmp/screen.png").stdout
    assert Picture.open(io.BytesIO(shot)).width > 1
    told = cli("agent-notes", ENV)
    assert told.stdout == notes, told.stderr
