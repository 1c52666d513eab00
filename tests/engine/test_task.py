"""Real desktops: the shipped recipe baked, run, pictured."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image as Picture

from desktop_bake import Settings, Status, TaskOptions, ensure_desktop_image, start_task
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.task.mounts import Mount
from desktop_bake.bake.task.novnc import banner
from tests.harness.tasks import tasks

if TYPE_CHECKING:
    from desktop_bake import Environment
    from tests.harness.project import Run


@pytest.fixture
def shipped(project: Path, base: str) -> Path:
    """The project's folder with the shipped recipe in place of the tiny one."""
    (project / "desktop-bake.toml").write_text(
        f'[environments.shipped]\nbase_image = "{base}"\nheadless_desktop_enabled = true\ncache_desktop_build = true\n'
    )
    return project


@pytest.fixture
def equipped_project(project: Path, desktop: Environment, desktop_settings: Settings) -> Path:
    """The project with the baked desktop as its base, the cache off, and this test's own scripts."""
    image = ensure_desktop_image(desktop, desktop_settings).image
    (project / "desktop-bake.toml").write_text(
        f'[environments.shipped]\nbase_image = "{image}"\nheadless_desktop_enabled = true\n'
        'install_script = "install.sh"\nsetup_script = "setup.sh"\npreflight_script = "preflight.sh"\n'
    )
    return project


def test_run(cli: Run, shipped: Path) -> None:
    """A command in a task has a live desktop; its output and status are ours; a picture shows the desktop."""
    done = cli(
        "run",
        "--screenshot",
        "shot.png",
        "--",
        "sh",
        "-c",
        "xterm & until xdotool search --class xterm; do :; done; echo to-stdout; exit 7",
    )
    assert done.returncode == 7, done.stderr
    assert done.stdout.endswith("to-stdout\n")
    assert "[desktop] ready" in done.stderr
    assert "[desktop] http://127.0.0.1:" in done.stderr
    picture = Picture.open(shipped / "shot.png").convert("RGB")
    assert picture.size == (1280, 800)
    colours = picture.getcolors(1 << 24)
    assert colours is not None
    assert len(colours) > 20
    assert tasks("shipped") == []


def test_every_tool_is_there(cli: Run, shipped: Path) -> None:
    """Every program, font and file that the recipe promises is there, in login and other shells."""
    tools = "Xvnc fluxbox xterm websockify import xwininfo xprop wmctrl xdotool xauth dbus-daemon setxkbmap xclip"
    script = f"""set -e
for tool in {tools}; do command -v $tool >/dev/null || echo missing $tool; done
test -s "$(bash -lc 'echo $NOVNC_PATH')/vnc.html" || echo no login path
test -s "$(bash -ic 'echo $NOVNC_PATH' 2>/dev/null)/vnc.html" || echo no interactive path
ls /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf /usr/share/fonts/X11/misc/fonts.dir >/dev/null
xterm -fn fixed -e true
xwininfo -root | grep -q 1280x800
xprop -root _NET_SUPPORTING_WM_CHECK | grep -q window
diff -r -x init /etc/desktop-bake/fluxbox ~/.fluxbox # else fluxbox made a file, and had all disks written out
diff /etc/desktop-bake/fluxbox/init ~/.fluxbox/init | grep -q '> session.screen0.workspaceNames: .shipped.,'
echo complete
"""
    done = cli("run", "--", "bash", "-c", script)
    assert (done.returncode, done.stdout) == (0, "complete\n"), done.stderr


def test_more_can_be_installed(cli: Run, shipped: Path) -> None:
    """The package database is consistent: apt has nothing to repair, and installs what the recipe left out."""
    left_out = "perl nodejs python3-numpy libgl1-mesa-dri libimlib2-dev"
    done = cli(
        "run",
        "--",
        "sh",
        "-c",
        f"""apt-get check && apt-get update && apt-get -s install {left_out} &&
        apt-get install -y perl && perl -e 'print 42'""",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("42")


def test_command_not_found(cli: Run, shipped: Path) -> None:
    """A command that the image does not have is named, with a shell's status for it; the container is gone."""
    done = cli("run", "--", "no-such-command")
    assert done.returncode == 127
    assert "command not found in the image: no-such-command" in done.stderr
    assert tasks("shipped") == []


@pytest.mark.parametrize(("number", "command"), [(signal.SIGINT, []), (signal.SIGTERM, ["--", "sleep", "1000"])])
def test_interrupted(shipped: Path, number: int, command: list[str]) -> None:
    """Ctrl-C ends the task, also a desktop without a command: the status says so, and the container is gone."""
    process = subprocess.Popen(
        [sys.executable, "-m", "desktop_bake", "run", *command],
        cwd=shipped,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    assert process.stderr
    for line in process.stderr:
        if b"http://" in line:
            break
    words = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert (b"/watch.sh\0" in words) == (not command)  # a shell waits for an idle desktop
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, b"interrupted\n")
    assert tasks("shipped") == []


def test_api(desktop: Environment, desktop_settings: Settings, base: str) -> None:
    """The API: an image by its ID, a task, the VNC banner through noVNC, a picture, and nothing left."""
    engine = Engine()
    lines: list[str] = []
    result = ensure_desktop_image(desktop, desktop_settings, engine=engine, log=lines.append)
    assert result.status in (Status.LOCAL_HIT, Status.BUILT)
    assert result.image_id
    assert result.image_id.startswith("sha256:")
    task = start_task(
        desktop, result, desktop_settings, engine=engine, log=lines.append, options=TaskOptions(geometry="800x600")
    )
    try:
        assert task.novnc_url
        assert (banner(task.novnc_url) or "").startswith("RFB 003.")
        done = engine.docker("exec", "-e", "DISPLAY=:1", task.container_id, "import", "-window", "root", "png:-")
        assert Picture.open(io.BytesIO(done.stdout)).size == (800, 600)
        assert "[desktop] ready" in lines
    finally:
        task.stop()
    assert tasks(desktop.env_id) == []


@pytest.mark.parametrize("depth", [16, 24])
def test_the_ground(desktop: Environment, desktop_settings: Settings, tmp_path: Path, depth: int) -> None:
    """At either colour depth the background is painted, as closely as that depth can, and X has no error."""
    image = ensure_desktop_image(desktop, desktop_settings)
    with start_task(desktop, image, desktop_settings, options=TaskOptions(depth=depth)) as task:
        task.screenshot(tmp_path / "shot.png")
        assert [line for line in task.console.last if not line.startswith("[desktop] ")] == []
    found = Picture.open(tmp_path / "shot.png").convert("RGB").getpixel((5, 5))
    assert isinstance(found, tuple)
    assert all(abs(one - other) < 8 for one, other in zip(found, (0x2E, 0x40, 0x57), strict=True)), found


def test_a_working_directory_of_python_files(
    desktop: Environment, desktop_settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    """A task's working directory and its own Python variables do not affect the desktop."""
    for name in ("ssl", "random", "websockify"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)\n")
    image = ensure_desktop_image(desktop, desktop_settings, engine=engine)
    options = TaskOptions(
        mounts=(Mount(kind="bind", source=str(tmp_path), target="/work"),),
        workdir="/work",
        variables={"PYTHONPATH": "/work", "PYTHONHOME": "/work"},
    )
    task = start_task(desktop, image, desktop_settings, engine=engine, options=options)
    try:
        assert task.novnc_url
        assert (banner(task.novnc_url) or "").startswith("RFB 003.")
    finally:
        task.stop()


@pytest.mark.parametrize("length", [100, 150_000, 1_000_000])
def test_any_script_installs_at_start(cli: Run, equipped_project: Path, length: int) -> None:
    """An install at start accepts what a bake accepts: Latin-1, and scripts longer than an argument may be."""
    padding = (b"# caf\xe9 ".ljust(99, b"-") + b"\n") * (length // 100)
    for name in ("install", "setup", "preflight"):
        wanted = f"printf 'caf\xe9 %s\\n' $(wc -c <\"$0\") >/etc/{name}\n".encode("latin-1")
        (equipped_project / f"{name}.sh").write_bytes(padding + wanted)
    cut = "cut -d' ' -f2 /etc/install /etc/setup /etc/preflight; head -c4 /etc/install | tail -c1 | od -An -tx1"
    done = cli("run", "-u", "0", "--", "sh", "-c", cut)
    assert done.returncode == 0, done.stderr
    *lengths, byte = done.stdout.split()
    assert lengths == [str((equipped_project / f"{n}.sh").stat().st_size) for n in ("install", "setup", "preflight")]
    assert byte == "e9"


def test_without_a_desktop(cli: Run, project: Path, base: str) -> None:
    """An environment without a desktop runs the command on the base."""
    (project / "desktop-bake.toml").write_text(f'[environments.plain]\nbase_image = "{base}"\n')
    done = cli("run", "--", "cat", "/etc/debian_version")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("12")
    assert cli("run", "--screenshot", "x.png", "--", "true").returncode == 2


def test_unsupported_base(base: str) -> None:
    """A base of another family is refused with the names of the supported ones."""
    script = (Path(__file__).parents[2] / "recipe" / "desktop_install.sh").read_text()
    fake = 'printf \'ID=alpine\\nPRETTY_NAME="Alpine Linux"\\n\' > /etc/os-release; exec bash -c "$1"'
    done = subprocess.run(
        ["docker", "run", "--rm", base, "bash", "-c", fake, "x", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        "[desktop] unsupported base: Alpine Linux; supported: Debian, Ubuntu (apt) and Arch (pacman or yay)\n"
    )


def test_missing_tool_is_named(base: str) -> None:
    """An install that ends without one of the tools fails with the tool's name."""
    script = (Path(__file__).parents[2] / "recipe" / "desktop_install.sh").read_text()
    script = script.replace('"install_$family"', "true")
    done = subprocess.run(
        ["docker", "run", "--rm", base, "bash", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "[desktop] missing after install: Xvnc" in done.stderr


def test_unchanged_by_its_environment(desktop: Environment, desktop_settings: Settings, base: str) -> None:
    """Two environments with the same inputs share one image."""
    one = ensure_desktop_image(desktop, desktop_settings)
    two = ensure_desktop_image(replace(desktop, env_id="other", name=os.uname().nodename), desktop_settings)
    assert two.status is Status.LOCAL_HIT
    assert one.image_id == two.image_id
