"""Bases of every kind that the recipe supports, each made from Debian's packages, and checks of a desktop on one."""

from __future__ import annotations

import functools
import re
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image as Picture

from desktop_bake import Environment, ImageReference, Settings, Status, TaskOptions, ensure_desktop_image, start_task
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.task.novnc import banner
from tests.harness.project import base_name, remove_images

if TYPE_CHECKING:
    from desktop_bake import DesktopTask


HERE = Path(__file__).parents[1]
INSTALL = HERE.parent / "recipe" / "desktop_install.sh"
REPOSITORY = f"desktop-bake-bases-{uuid.uuid4().hex[:8]}"
SETTINGS = Settings(
    repository=ImageReference.parse(REPOSITORY), cache="none", compression="uncompressed", fallback=False
)
SMALL = TaskOptions(geometry="800x600")
# The package database is consistent: apt would install what was left out, and what needs an exact version of it.
LEFT_OUT = """apt-get -qq check; apt-get -qq update
apt-get -qq -s install perl nodejs python3-numpy libgl1-mesa-dri libimlib2-dev >/dev/null"""
# Targets of bases/Dockerfile, each with a script that prints what is wrong with a task in it.
BASES = {
    "trixie": LEFT_OUT,
    "ubuntu": f"{LEFT_OUT}; ls /etc/apt/apt.conf.d/docker-clean >/dev/null",
    "arch": "pacman -Dkq; [ $(id -un) = root ] || id",
    "sudo": "pacman -Dkq; [ $(id -un) = worker ] || id",
    "yay": "pacman -Dkq; [ $(id -un) = worker ] || id; pacman -Q novnc websockify >/dev/null",
}
# Prints what is missing; for core fonts, by one that is not built into the X server.
COMPLETE = """
for tool in Xvnc fluxbox xterm websockify import xwininfo xprop wmctrl xdotool xauth; do
  command -v $tool >/dev/null || echo "missing: $tool"
done
test -s "$(bash -lc 'echo $NOVNC_PATH')/vnc.html" || echo "no noVNC in a login shell"
test -s "$(bash -ic 'echo $NOVNC_PATH' 2>/dev/null)/vnc.html" || echo "no noVNC in an interactive shell"
find /usr/share/fonts -name DejaVuSans.ttf | grep -q . || echo "no DejaVu"
xterm -fn 10x20 -e true 2>&1
wmctrl -m | grep -q Fluxbox || echo "no window manager"
xwininfo -root | grep -q 'Width: 800' || echo "another screen"
xterm -T demo -fa 'DejaVu Sans Mono' -fs 10 -e sh -c 'cat /etc/os-release; sleep 100' &
until xdotool search --name demo >/dev/null; do sleep 0.1; done
sleep 1
"""
DOWNLOADS = {"trixie": "find /var/lib/apt/lists -type f; ls /var/cache/apt/archives | grep 'deb$'"}


@contextmanager
def stand_ins(folder: Path) -> Iterator[Settings]:
    """The settings of stand-ins, with a folder for their scripts; the images are removed afterwards."""
    yield replace(SETTINGS, root=folder)
    remove_stand_ins()


def remove_stand_ins() -> None:
    """Remove what was made, at once when no test needs it: for each miss of any test the engine reads every image."""
    if _stand_in.cache_info().currsize:
        _stand_in.cache_clear()
        remove_images(REPOSITORY, check=True)


def stand_in(name: str, settings: Settings) -> Environment:
    """An environment on its own base, with the cache on; the second call returns the same."""
    return _stand_in(name, settings.root)


@functools.cache  # another build of an image would have another digest
def _stand_in(name: str, folder: Path) -> Environment:
    """Make it.

    The stand-ins for Arch have the files of the desktop that is baked on the one for Ubuntu, and Debian's releases of
    noVNC and websockify: the script has to expect those.
    """
    image, contexts = f"{REPOSITORY}:{name}", ["--build-context", f"recipe={INSTALL.parent}"]
    arch = name in ("arch", "sudo", "yay")
    if arch:
        desktop = ensure_desktop_image(_stand_in("ubuntu", folder), replace(SETTINGS, root=folder))
        contexts += ["--build-context", f"desktop=docker-image://{desktop.image}"]
    words = ["docker", "buildx", "build", "-q", "--target", name, "--build-arg", f"BASE={base_name()}", *contexts]
    output = "type=image,compression=uncompressed"  # to pack it takes as long as to install it
    subprocess.run([*words, "--output", output, "-t", image, HERE / "bases"], check=True)
    if arch:
        (folder / "install.sh").write_text(_expecting(image))
    return Environment(
        env_id=name,
        base_image=ImageReference.parse(image),
        headless_desktop_enabled=True,
        cache_desktop_build=True,
        install_script="install.sh" if arch else None,
    )


def _expecting(image: str) -> str:
    """The recipe's script, with the digests of a stand-in's releases."""
    words = ["docker", "run", "--rm", image, "sh", "-c", "sha256sum /srv/github/novnc/*/archive/refs/tags/*"]
    script = INSTALL.read_text()
    for line in subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines():
        digest, path = line.split()
        constant = f"{Path(path).parts[4].upper()}_SHA256"
        script, changed = re.subn(rf"^{constant}=[0-9a-f]{{64}}$", f"{constant}={digest}", script, flags=re.MULTILINE)
        assert changed == 1
    return script


def bakes(environment: Environment, settings: Settings, folder: Path) -> None:
    """The recipe bakes, adds at most 400 MB, and a task has every tool, font and noVNC on a live desktop."""
    engine = Engine()
    image = ensure_desktop_image(environment, settings, engine=engine, log=print)
    assert image.status in (Status.BUILT, Status.LOCAL_HIT)  # Arch's packer may have had it baked
    layers = engine.docker("history", "--human=false", "--format", "{{.Size}}", str(image.image_id)).stdout.split()
    added_mb = sum(map(int, layers[:2])) / 1e6
    print(f"{environment.env_id}: {added_mb:.0f} MB added")
    assert added_mb <= 400
    task = start_task(environment, image, settings, engine=engine, log=print, options=SMALL)
    try:
        assert task.novnc_url
        assert (banner(task.novnc_url) or "").startswith("RFB 003.")
        with urllib.request.urlopen(task.novnc_url) as page:
            assert b"noVNC" in page.read()
        assert output(task, COMPLETE) == ""
        assert output(task, BASES[environment.env_id]) == ""
        task.screenshot(folder / "desktop.png")
        picture = Picture.open(folder / "desktop.png").convert("RGB")
        assert picture.size == (800, 600)
        assert len(picture.getcolors(1 << 24) or ()) > 20
    finally:
        task.stop()


def installs_at_start(environment: Environment, settings: Settings) -> None:
    """The fallback: the same desktop, installed at start, with no download left behind."""
    engine = Engine()
    image = ensure_desktop_image(replace(environment, cache_desktop_build=False), settings, engine=engine)
    assert image.install_at_start
    task = start_task(environment, image, settings, engine=engine, log=print, options=SMALL)
    try:
        assert output(task, COMPLETE) == ""
        assert output(task, DOWNLOADS.get(environment.env_id, "find /var/cache/pacman/pkg -type f")) == ""
    finally:
        task.stop()


def output(task: DesktopTask, script: str) -> str:
    """What a script prints in a task."""
    done = task.engine.docker("exec", "-e", "DISPLAY=:1", task.container_id, "bash", "-c", script)
    return (done.stdout + done.stderr).decode()
