"""Access to a task's X display, and the locale of programs on it."""

from __future__ import annotations

import subprocess
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Settings, TaskOptions, ensure_desktop_image, start_task
from desktop_bake.bake.config.shipped import gate_text, shipped
from desktop_bake.bake.images.result import Built, LocalHit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from desktop_bake import DesktopTask, Environment


LOOK = "xwininfo -root | sed -n 's/^ *Width: //p'"


def seen_by(task: DesktopTask, script: str, *flags: str) -> str:
    """The output of a script in a task."""
    done = task.engine.docker("exec", *flags, task.container_id, "bash", "-c", script)
    return done.stdout.decode().strip()


@pytest.fixture(params=["", "4321"], ids=["the image's user", "a number"])
def task(request: pytest.FixtureRequest, desktop: Environment, desktop_settings: Settings) -> Iterator[DesktopTask]:
    """A task as the image's user, and as one without a passwd entry."""
    image = ensure_desktop_image(desktop, desktop_settings)
    options = TaskOptions(geometry="640x480", user=request.param or None)
    with start_task(desktop, image, desktop_settings, options=options) as started:
        yield started


def test_the_display_is_its_users_alone(task: DesktopTask) -> None:
    """The display is open to its own user's programs, a login shell's too, and to root; all other users are refused."""
    assert seen_by(task, LOOK) == "640"
    assert seen_by(task, f'env -i bash -lc "{LOOK}"') == "640"
    assert seen_by(task, LOOK, "-u", "0") == "640"
    assert seen_by(task, LOOK, "-u", "12345") == ""
    assert seen_by(task, LOOK, "-e", "XAUTHORITY=/dev/null") == ""
    owner = task.options.user or "0"
    assert seen_by(task, 'stat -c "%u %a" "$XAUTHORITY"') == f"{owner} 600"
    assert seen_by(task, "grep @ /proc/net/unix") == ""  # no socket without a file, which permissions could not protect


def test_a_second_user_is_let_in(desktop: Environment, desktop_settings: Settings) -> None:
    """As docs/runner.md says, and for nobody else."""
    image = ensure_desktop_image(desktop, desktop_settings)
    with start_task(desktop, image, desktop_settings, options=TaskOptions(geometry="640x480")) as task:
        seen_by(task, 'chgrp 4321 "$XAUTHORITY" && chmod 640 "$XAUTHORITY"', "-u", "0")
        assert seen_by(task, LOOK, "-u", "4321:4321") == "640"
        assert seen_by(task, LOOK, "-u", "12345") == ""


def test_no_cookie_no_desktop(desktop: Environment, desktop_settings: Settings) -> None:
    """If the cookie cannot be written, X would admit everyone: it does not start."""
    image = ensure_desktop_image(desktop, desktop_settings)
    name = f"desktop-bake-test-{uuid.uuid4().hex[:8]}"
    flags = ["--rm", "-i", "--init", "--name", name, "-u", "4321", "--tmpfs", "/tmp/.X11-unix:mode=755"]
    words = ["docker", "run", *flags, "--entrypoint", "bash", str(image.image_id), "-c"]
    script, gate = shipped("recipe/desktop_run.sh").read_text(), gate_text()
    try:
        done = subprocess.run(
            [*words, script, "desktop", gate], capture_output=True, text=True, check=False, timeout=60
        )
    finally:
        subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1:]) == (1, ["[desktop] cannot write /tmp/.X11-unix/cookie"])


@pytest.mark.parametrize(
    ("dockerfile", "variables", "charmap"),
    [
        ("", {}, "UTF-8"),
        ("", {"LANG": "C"}, "ANSI_X3.4-1968"),
        ("", {"LC_CTYPE": "POSIX"}, "ANSI_X3.4-1968"),
        ("ENV LC_ALL=C", {}, "ANSI_X3.4-1968"),
    ],
)
def test_the_locale(
    desktop: Environment, desktop_settings: Settings, dockerfile: str, variables: dict[str, str], charmap: str
) -> None:
    """A task's programs have UTF-8, also in a login shell or a window, unless image or user says otherwise."""
    image = ensure_desktop_image(desktop, desktop_settings)
    name = f"desktop-bake-test-{uuid.uuid4().hex[:8]}"
    if dockerfile:
        built = ["docker", "build", "-q", "-t", name, "-"]
        text = f"FROM {image.image}\n{dockerfile}\n"
        assert isinstance(image, Built | LocalHit)
        image = replace(
            image,
            image_id=subprocess.run(built, input=text.encode(), capture_output=True, check=True)
            .stdout.decode()
            .strip(),
        )
    try:
        with start_task(desktop, image, desktop_settings, options=TaskOptions(variables=variables)) as task:
            assert seen_by(task, "locale charmap") == charmap
            assert seen_by(task, "bash -lc 'locale charmap'") == charmap
            assert seen_by(task, "xterm -e sh -c 'locale charmap >/tmp/charmap'; cat /tmp/charmap") == charmap
    finally:
        if dockerfile:
            subprocess.run(["docker", "image", "rm", "-f", name], capture_output=True, check=False)
