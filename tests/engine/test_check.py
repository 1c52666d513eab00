"""`docker buildx bake desktop-check` in a rendered folder: plain Docker, a working desktop, and broken ones."""

from __future__ import annotations

import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest
from PIL import Image as Picture

from desktop_bake.bake.config.shipped import shipped
from tests.harness.bake_files import called_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.project import Run


# The end of the setup script, the check's message about that desktop, and the seconds that it may take.
STAND_IN = "printf '#!/bin/sh\\n{1}\\n' > /usr/local/bin/{0}; chmod 755 /usr/local/bin/{0}"
BLANK = "sed -i s/toolbar.visible:.*/toolbar.visible:false/ /etc/desktop-bake/fluxbox/init"
BROKEN = {
    "no window manager": (STAND_IN.format("fluxbox", "echo no theme; exit 3"), "the desktop ended", 8),
    "no X server": (STAND_IN.format("Xvnc", "echo no screens found >&2; exit 1"), "no screens found", 8),
    "blank": (BLANK, "screen is blank", 8),
    "hangs": (STAND_IN.format("Xvnc", "exec sleep 1000"), "did not come up in time", 1),
}


def configure(project: Path, base: str, setup: str = "") -> None:
    """The shipped desktop, with this further line in its setup script."""
    (project / "setup.sh").write_text(shipped("recipe/desktop_setup.sh").read_text() + f"{setup}\n")
    (project / "desktop-bake.toml").write_text(
        f'repository = "desktop-bake-test-check"\ncache = "none"\n[environments.shipped]\nbase_image = "{base}"\n'
        'headless_desktop_enabled = true\ncache_desktop_build = true\nsetup_script = "setup.sh"\n'
    )


def check(project: Path, cli: Run, timeout_s: int = 30) -> subprocess.CompletedProcess[str]:
    """Docker's output for a rendered folder's check."""
    assert cli("render", "-o", "ci").returncode == 0
    words = [
        "docker",
        "buildx",
        "bake",
        "desktop-check",
        "--progress",
        "plain",
        "--set",
        f"desktop-check-*.args.DESKTOP_CHECK_TIMEOUT_S={timeout_s}",
    ]
    for _ in range(3):
        done = subprocess.run(
            words,
            cwd=project / "ci",
            env=called_in(project / "ci"),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=300,
        )
        if "failed to get dead record" not in done.stderr:  # BuildKit's own race (moby/buildkit#3959)
            break
    return done


def test_picture(cli: Run, project: Path, base: str) -> None:
    """Plain docker starts the desktop, reports what it found, and leaves its picture beside the bake file; no image is
    made, and the folder stays fresh. Half a line of another program does not hide the check's own."""
    half = 'until grep -q listens /proc/self/fd/2; do sleep 0.01; done; printf half >&2; exec /bin/cp "$@"'
    setup = f"{STAND_IN.format('cp', half)} # {uuid.uuid4()}"  # a passed check is cached like any step
    configure(project, base, setup)
    done = check(project, cli)
    assert done.returncode == 0, done.stderr
    assert "[desktop-check] ok: Fluxbox, 1280x800, " in done.stderr
    picture = Picture.open(project / "ci" / "pictures" / "shipped" / "desktop.png").convert("RGB")
    assert picture.size == (1280, 800)
    colours = picture.getcolors(1 << 24)
    assert colours is not None
    assert len(colours) > 20
    listed = subprocess.run(["docker", "image", "ls", "-q", "desktop-bake-test-check"], capture_output=True, check=True)
    assert listed.stdout == b""
    assert cli("render", "-o", "ci", "--check").returncode == 0


@pytest.mark.parametrize("case", BROKEN)
def test_broken(case: str, cli: Run, project: Path, base: str) -> None:
    """A desktop that does not start, has no window manager or shows nothing fails the build in one clear line."""
    setup, says, limit_s = BROKEN[case]
    configure(project, base, setup)
    done = check(project, cli, limit_s)
    assert done.returncode == 1, done.stderr
    said = [line for line in done.stderr.splitlines() if "[desktop-check] FAILED: " in line]
    assert said, done.stderr
    assert says in said[0]
    assert not list(project.glob("ci/pictures/*/desktop.png"))


def test_check_is_outside_the_key(cli: Run, project: Path) -> None:
    """Whatever the check consists of, only the recipe is in the key."""
    assert cli("render", "-o", "ci").returncode == 0
    before = cli("key").stdout
    for file in (project / "ci" / "check").iterdir():
        file.write_text(file.read_text() + "# changed\n")
    assert cli("key").stdout == before
    stale = cli("render", "-o", "ci", "--check")
    assert stale.returncode == 1
    assert "stale: ci/check/desktop_check.sh: content" in stale.stdout
