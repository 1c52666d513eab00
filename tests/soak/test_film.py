"""A film of a task; its recorder's image takes a minute to bake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Environment, ImageReference, Settings, TaskGoneError
from desktop_bake.bake.context import Context
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.task.film import FINISH_S, recorder_image
from tests.harness.tasks import tasks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENV = f"film-{os.getpid()}"
SECONDS = 10
# the window turns from red to blue when the task is this old, and stays blue for a second
CLOCK = "xterm -geometry 90x40 -bg red -e sh -c 'echo up >/tmp/up; sleep {}; printf \"\\033]11;blue\\007\"; cat'"


def of_film(image: str, folder: Path, program: str, *words: str) -> bytes:
    """What ffmpeg's programs print about a film, in the recorder's own image."""
    run = ["docker", "run", "--rm", "-i", "--entrypoint", program, image, *words]
    film = next(folder.glob("film.*")).read_bytes()
    return subprocess.run(run, input=film, capture_output=True, check=True, timeout=120).stdout


@pytest.fixture(scope="module")
def recorder(base: str) -> Iterator[str]:
    """The recorder's image, removed after these tests."""
    environment = Environment(env_id=ENV, base_image=ImageReference.parse(base), headless_desktop_enabled=True)
    image = recorder_image(environment, Context(settings=Settings(), engine=Engine()))
    yield image
    subprocess.run(["docker", "image", "rm", "-f", image], check=True, capture_output=True)


def film_of(folder: Path, file: str, *, killed: bool) -> float:
    """Film a task that turns blue, then kill or interrupt it; return the seconds that it was there."""
    words = [sys.executable, "-m", "desktop_bake", "run", "-q", "--record", file, ENV, "--", "sh", "-c"]
    script = CLOCK.format(SECONDS - 1)
    with subprocess.Popen([*words, script], cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        try:
            until_up = ["sh", "-c", "until [ -e /tmp/up ]; do sleep 0.05; done"]
            end = time.monotonic() + 120
            while (
                not (found := tasks(ENV))
                or subprocess.run(["docker", "exec", found[0], *until_up], check=False).returncode
            ):
                assert time.monotonic() < end
                time.sleep(0.05)
            up_s = time.monotonic()
            time.sleep(SECONDS)  # this tests the film's length
            if killed:
                subprocess.run(["docker", "kill", found[0]], check=True, capture_output=True)
            else:
                run.send_signal(signal.SIGINT)
            _, errors = run.communicate(timeout=FINISH_S + 30)
        finally:
            run.terminate()  # no effect if it has ended
    assert run.returncode == (TaskGoneError.exit_status if killed else 130), errors
    return time.monotonic() - up_s  # an interrupted task stays until all of it has ended


@pytest.mark.parametrize(("kind", "killed"), [("mp4", True), ("webm", False)])
def test_a_film(project: Path, base: str, recorder: str, kind: str, killed: bool) -> None:
    """It is as long as the task, even if the task is killed, and its last frame shows the last second; this includes a
    desktop that is installed at start, and a user without sudo."""
    (project / "desktop-bake.toml").write_text(
        f'[environments.{ENV}]\nbase_image = "{base}"\nheadless_desktop_enabled = true\n'
        + ("cache_desktop_build = true\n" if killed else 'user = "1000"\n')
    )
    there_s = film_of(project, f"film.{kind}", killed=killed)
    probe = ("-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "json", "pipe:0")
    frames = int(json.loads(of_film(recorder, project, "ffprobe", *probe))["streams"][0]["nb_read_frames"])
    assert SECONDS * 10 <= frames <= there_s * 10 + 50
    decode = ("-v", "error", "-i", "pipe:0", "-vf", "crop=2:2:100:100", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1")
    pixels = of_film(recorder, project, "ffmpeg", *decode)
    blue = [pixels[at + 2] > 200 > 50 > pixels[at] for at in range(0, len(pixels), 12)]
    assert (blue[-1], blue[-60]) == (True, False), (pixels[-12:], pixels[-720:-708], len(blue))
