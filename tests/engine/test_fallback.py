"""The fallback: a desktop that is installed at start equals a baked one, whatever the task's user."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import pytest
from PIL import Image as Picture

from desktop_bake import ensure_desktop_image
from tests.harness.project import remove_images
from tests.harness.tasks import tasks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from desktop_bake import Environment, Settings
    from tests.harness.project import Run

# The output of the task's command and its end: each equals that on a baked desktop.
COMMAND = r"""set -e
id -u; echo $HOME; cat ~/every; echo ours >~/file
xprop -root _NET_SUPPORTING_WM_CHECK | grep -o 'window id'
stat -c '%a %u' $XDG_RUNTIME_DIR
dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId | grep -o string
printf 'Zwischenablage 日' | xclip -selection clipboard && xclip -selection clipboard -o; echo
diff /etc/desktop-bake/agent-notes.md <(agent-notes) && grep -c '^    ' /etc/desktop-bake/agent-notes.md
echo up
until xwininfo -root | grep -e '-geometry 1366x768'; do sleep 0.05; done
xterm -geometry 40x10+100+100 -bg red -fg red -cr red -b 0 -e sleep 1.5
exit 3"""
SAID = r"""4321
/home/desktop
/usr/bin/fluxbox
0
/root
window id
window id
700 4321
string
Zwischenablage 日
[1-9][0-9]
up
  -geometry 1366x768\+0\+0
"""
RED = (255, 0, 0)


@pytest.fixture(scope="module")
def lacking(desktop: Environment, desktop_settings: Settings) -> Iterator[str]:
    """A base with sudo and most of the desktop's packages; the recipe repacks and installs the rest."""
    image = ensure_desktop_image(desktop, desktop_settings).image
    tag = f"desktop-bake-lacking-{uuid.uuid4().hex[:8]}:1"
    dockerfile = f"""FROM {image}
RUN apt-get -q update && apt-get -q install -y --no-install-recommends sudo && rm -rf /var/lib/apt/lists/* \\
  && apt-get -q remove -y fluxbox novnc websockify python3-websockify wmctrl xdotool \\
  && useradd -m worker && echo 'worker ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/worker
"""
    words = ["docker", "buildx", "build", "-q", "--load", "-t", tag, "-"]
    subprocess.run(words, input=dockerfile, text=True, check=True, capture_output=True)
    yield tag
    remove_images(tag)


def test_installed_at_start(cli: Run, project: Path, base: str, lacking: str) -> None:
    """A failed build does not lose the task, nor does a user without sudo: root installs the desktop, then the layers
    on it; all else is the user's, as on a baked desktop. tests/soak does so on a base that has nothing, and films it.
    """
    (project / "desktop-bake.toml").write_text(
        f'[environments.fallback]\nbase_image = "{lacking}"\nheadless_desktop_enabled = true\n'
        'cache_desktop_build = true\ndockerfile = "Dockerfile"\nuser = "4321"\n'
        'preflight_script = "cached.sh"\npreflight_run_script = "every.sh"\n'
    )
    (project / "Dockerfile").write_text("FROM base\nRUN exit 3\n")
    (project / "cached.sh").write_text("{ command -v fluxbox; id -u; echo $HOME; } >/etc/cached\n")
    (project / "every.sh").write_text(
        "{ cat /etc/cached; xprop -root _NET_SUPPORTING_WM_CHECK | grep -o 'window id'; } >~/every\n"
    )
    words = ["run", "--screenshot", "%d.png", "--screenshot-every", "1s", "fallback", "--", "bash", "-c", COMMAND]
    said = ""
    with (
        (project / "errors").open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "desktop_bake", *words],
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout
        for line in process.stdout:
            said += line
            if line == "up\n":
                assert cli("resize", "fallback", "1366x768").returncode == 0
    told = (project / "errors").read_text()
    assert process.returncode == 3, told
    assert re.fullmatch(SAID, said), said
    assert "[desktop-cache] build failed: " in told
    assert "[desktop-cache] falling back to runtime install" in told
    assert "[desktop] ready" in told
    count = len(list(project.glob("*.png")))
    assert count > 1
    last = Picture.open(project / f"{count}.png").convert("RGB")
    assert last.size == (1366, 768)
    assert sum(count for count, colour in last.getcolors(1 << 24) or () if colour == RED) > 10_000
    assert tasks("fallback") == []
    assert cli("run", "--no-fallback", "--", "true").returncode == 6


@pytest.mark.soak
def test_a_base_with_a_user_and_sudo(cli: Run, project: Path, base: str, lacking: str) -> None:
    """A base that runs as a user with sudo: the desktop is installed and run as that user."""
    tag = f"{project.name}-sudo:1".replace("_", "-")
    words = ["docker", "buildx", "build", "-q", "--load", "-t", tag, "-"]
    subprocess.run(words, input=f"FROM {lacking}\nUSER worker\n", text=True, check=True, capture_output=True)
    try:
        config = project / "desktop-bake.toml"
        scripts = [line for line in config.read_text().splitlines() if "_script" not in line]
        config.write_text("\n".join(scripts).replace(base, tag))
        built = cli("build", DESKTOP_BAKE_CACHE="none")  # else the whole base would be written there
        assert built.returncode == 0, built.stderr
        done = cli("run", "--", "sh", "-c", "id -un; xprop -root _NET_SUPPORTING_WM_CHECK")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("worker\n")
        assert "window id" in done.stdout
    finally:
        subprocess.run(["docker", "image", "rm", "-f", tag], capture_output=True, check=False)
