"""The shipped recipe on each kind of base that it supports; tests/soak has the two combinations of these."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import BuildFailedError, Layer, Status, ensure_desktop_image
from tests.harness.bases import INSTALL, bakes, installs_at_start, stand_in

if TYPE_CHECKING:
    from desktop_bake import Environment, Settings


@pytest.fixture(scope="module", params=["ubuntu", "arch", "yay"])
def environment(request: pytest.FixtureRequest, stand_in_settings: Settings) -> Environment:
    """An environment on a base of this kind."""
    return stand_in(request.param, stand_in_settings)


def test_baked(environment: Environment, stand_in_settings: Settings, tmp_path: Path) -> None:
    """The recipe bakes, adds at most 400 MB, and a task has every tool, font and noVNC on a live desktop."""
    bakes(environment, stand_in_settings, tmp_path)


@pytest.mark.parametrize("environment", ["yay"], indirect=True)
def test_installed_at_start(environment: Environment, stand_in_settings: Settings) -> None:
    """The fallback on Arch: the same desktop, installed at start."""
    installs_at_start(environment, stand_in_settings)


@pytest.mark.parametrize("environment", ["yay"], indirect=True)
def test_a_layer(environment: Environment, stand_in_settings: Settings, tmp_path: Path) -> None:
    """A user's yay installs a layer's packages, even from outside the repositories; the script runs as the image's
    user, beside its files; an unknown package is reported with its layer and environment."""
    (tmp_path / "tools.sh").write_text("set -e\n. ./common.sh\nwho >note\nsudo -n cp note /etc/tools\n")
    (tmp_path / "common.sh").write_text('who() { echo "$(id -un) $(pacman -Qq wmctrl novnc | xargs)"; }\n')
    tools = Layer(
        name="tools",
        packages=("wmctrl", "novnc"),
        script=tmp_path / "tools.sh",
        files=(tmp_path / "common.sh",),
    )
    layered = replace(environment, headless_desktop_enabled=False, layers=(tools,))
    image = ensure_desktop_image(layered, stand_in_settings, log=print)
    assert image.status is Status.BUILT
    words = [
        "docker",
        "run",
        "--rm",
        str(image.image_id),
        "sh",
        "-c",
        "id -un; cat /etc/tools; ls -d /tmp/desktop-bake-*",
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["worker", "worker wmctrl novnc"]
    told = "build failed: layer 'packages' of environment 'yay': the package sources have no wmctlr"
    with pytest.raises(BuildFailedError, match=f"^{told}$"):
        ensure_desktop_image(replace(layered, layers=(), packages=("wmctrl", "wmctlr")), stand_in_settings, log=print)


@pytest.mark.parametrize("environment", ["arch"], indirect=True)
def test_a_changed_release(environment: Environment) -> None:
    """A release with another SHA-256 than the script's is refused at once, and nothing of it is unpacked."""
    script = 'bash -c "$1"; ls /opt'
    done = subprocess.run(
        ["docker", "run", "--rm", str(environment.base_image), "bash", "-c", script, "x", INSTALL.read_text()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "error: the archive of websockify 0.13.0 is another than this script" in done.stderr.splitlines()[-1]
    assert "attempt 1: release websockify" in done.stderr
    assert done.stdout.splitlines()[-1].startswith("[desktop] installing") or "websockify" not in done.stdout


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ('ID=fedora\nPRETTY_NAME="Fedora Linux 41"', "unsupported base: Fedora Linux 41"),
        ("ID=opensuse-leap\nID_LIKE='suse opensuse'", "unsupported base: opensuse-leap"),
        (None, "unsupported base: no /etc/os-release"),
    ],
)
def test_refused(base: str, release: str | None, said: str) -> None:
    """A base of another family is refused at once; the error names it and the supported ones."""
    other = "rm -f /etc/os-release /usr/lib/os-release" if release is None else 'echo "$2" > /etc/os-release'
    done = subprocess.run(
        [
            "docker",
            "run",
            "--rm",
            base,
            "bash",
            "-c",
            f'{other}; exec bash -c "$1"',
            "x",
            INSTALL.read_text(),
            release or "",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == f"[desktop] {said}; supported: Debian, Ubuntu (apt) and Arch (pacman or yay)\n"


def test_without_universe(base: str) -> None:
    """Package sources without the desktop's packages, as Ubuntu's without universe, are an error with a remedy."""
    script = ': > /etc/apt/sources.list; exec bash -c "$1"'
    done = subprocess.run(
        ["docker", "run", "--rm", base, "bash", "-c", script, "x", INSTALL.read_text()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "the base's package sources have no fluxbox; on Ubuntu, add the component universe" in done.stderr
