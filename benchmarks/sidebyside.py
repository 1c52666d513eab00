"""What people do instead, in the same run: one layer with everything, desktop-lite's packages, `apt-get` at each start.

Each is written as people would: a Dockerfile of one step that installs and sets up, built cold, built again after a
change of its setup, its size over the base, and `docker run` until the banner. Ours is measured the same way.
"""

from __future__ import annotations

import subprocess
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop_bake.bake.task.novnc import NO_SECRET, novnc_url, wait_for_banner

if TYPE_CHECKING:
    from collections.abc import Callable

    Add = Callable[[str, str, str, str], None]


_APT = "export DEBIAN_FRONTEND=noninteractive; apt-get update && apt-get install -y"
_SETUP = "mkdir -p ~/.fluxbox && echo 'session.screen0.toolbar.visible: true' >~/.fluxbox/init"
# A task's tools, with all that apt recommends, as in a first Dockerfile.
_NAIVE = (
    "tigervnc-standalone-server fluxbox xterm websockify novnc imagemagick x11-utils wmctrl xdotool xauth "
    "fonts-dejavu xfonts-base"
)
# The packages of the dev container feature ghcr.io/devcontainers/features/desktop-lite, as its install.sh names them;
# noVNC and websockify from Debian's packages instead of archives from other hosts, and without its font from one.
_LITE = (
    "tigervnc-standalone-server tigervnc-common fluxbox dbus-x11 x11-utils x11-xserver-utils xdg-utils fbautostart "
    "at-spi2-core xterm nautilus mousepad seahorse gnome-icon-theme gnome-keyring libx11-dev libxkbfile-dev "
    "libsecret-1-dev libgbm-dev libnotify4 libnss3 libxss1 xfonts-base xfonts-terminus fonts-noto fonts-wqy-microhei "
    "fonts-droid-fallback htop ncdu curl ca-certificates unzip nano locales tilix libasound2 tigervnc-tools "
    "fonts-noto-color-emoji python3-minimal python3-numpy novnc websockify procps"
)
_BRIDGE = "exec websockify --web /usr/share/novnc 6080 localhost:5901"
_START = (
    "Xtigervnc :1 -SecurityTypes None -rfbport 5901 -localhost & "
    f"until [ -S /tmp/.X11-unix/X1 ]; do sleep 0.1; done; DISPLAY=:1 fluxbox & {_BRIDGE}"
)
# The feature's start script checks once a second whether its programs run, one after another.
_LITE_START = (
    "/etc/init.d/dbus start; until pgrep -x dbus-daemon; do sleep 1; done; "
    "tigervncserver :1 -geometry 1440x768 -depth 16 -rfbport 5901 -localhost -SecurityTypes None -desktop fluxbox "
    "-fg & "
    f"until pgrep -x Xtigervnc; do sleep 1; done; {_BRIDGE}"
)


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to have a desktop.

    Attributes:
        name: its name in the table.
        install: the shell command that installs it.
        start: the shell command that starts it.
    """

    name: str
    install: str
    start: str


WAYS = (
    Way(name="one layer, the naive package list", install=f"{_APT} {_NAIVE}", start=_START),
    Way(
        name="desktop-lite's packages and start",
        install=f"{_APT} --no-install-recommends {_LITE} && rm -rf /var/lib/apt/lists/*",
        start=_LITE_START,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The cost of a way; None if it has no such figure.

    Attributes:
        cold_s: a build without any cache.
        again_s: a build after a change of the setup.
        size_mb: over the base, unpacked.
        start_s: from `docker run` to the banner.
    """

    cold_s: float | None
    again_s: float | None
    size_mb: float | None
    start_s: float


def _seconds(*words: str, stdin: str = "") -> float:
    began = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True, input=stdin.encode())
    return time.perf_counter() - began


def _check_runs(name: str) -> None:
    """Check that a container runs."""
    subprocess.run(["docker", "exec", name, "true"], check=True, capture_output=True)


def start_s(image: str, command: str, limit_s: float = 900) -> float:
    """Seconds from `docker run` of a command to the banner of the program on port 6080."""
    began = time.perf_counter()
    words = ["docker", "run", "-d", "--init", "-p", "127.0.0.1::6080", "--entrypoint", "bash", image, "-c", command]
    name = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    try:
        port = subprocess.run(["docker", "port", name, "6080"], check=True, capture_output=True, text=True).stdout
        url = novnc_url(int(port.split()[0].rpartition(":")[2]), NO_SECRET)
        wait_for_banner(url, limit_s, lambda: _check_runs(name))
        return time.perf_counter() - began
    finally:
        subprocess.run(["docker", "rm", "-f", name], check=True, capture_output=True)


def size_mb(image: str, base: str) -> float:
    """Megabytes that an image adds to its base, as `docker history` shows them."""

    def steps(name: str) -> list[int]:
        words = ["docker", "history", "--human=false", "--format", "{{.Size}}", name]
        return list(map(int, subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()))

    whole, below = steps(image), steps(base)
    return sum(whole[: len(whole) - len(below)]) / 1e6


def built(way: Way, base: str) -> Figures:
    """Build a way's one layer twice, and start it."""
    name = f"sidebyside-{uuid.uuid4().hex[:8]}"

    def build() -> float:
        setup = f"{_SETUP} && echo '# {uuid.uuid4()}' >>~/.fluxbox/init"
        words = ("docker", "buildx", "build", "-q", "--load", "-t", name, "-")
        return _seconds(*words, stdin=f"FROM {base}\nRUN {way.install} && {setup}\n")

    try:
        cold_s, again_s = build(), build()
        return Figures(cold_s=cold_s, again_s=again_s, size_mb=size_mb(name, base), start_s=start_s(name, way.start))
    finally:
        subprocess.run(["docker", "image", "rm", "-f", name], check=False, capture_output=True)


def measure(ours: Figures, base: str, add: Add) -> None:
    """Add the rows: each figure of ours against that of every other way.

    Args:
        ours: our figures from the same run.
        base: the base image of all.
        add: takes the four cells of a row.
    """
    found = {way.name: built(way, base) for way in WAYS}
    at_start = start_s(base, f"{_APT} {_NAIVE} && {_SETUP}; {_START}")
    found["bare `apt-get` at start"] = Figures(cold_s=None, again_s=None, size_mb=None, start_s=at_start)
    columns = (
        ("cold build", "cold_s", "{:.1f} s"),
        ("after a setup change", "again_s", "{:.1f} s"),
        ("over the base", "size_mb", "{:,.0f} MB"),
        ("start to the banner", "start_s", "{:.2f} s"),
    )
    for name, theirs in found.items():
        for what, attribute, form in columns:
            mine, other = getattr(ours, attribute), getattr(theirs, attribute)
            if other is not None:
                measured = f"{form.format(mine)} / {form.format(other)}"
                add(f"{what}: ours / {name}", measured, f"{mine / other:.3f}", "< 1")
