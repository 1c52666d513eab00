"""A task: a container with a live desktop, and commands run in it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bake.engine import Engine, first_line, last_line
from bake.resolve import silent
from bake.shipped import shipped
from generator.errors import ConfigurationError, TaskError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bake.forward import Forward
    from bake.resolve import ImageResult, Log
    from bake.settings import Settings
    from generator.environment import Environment

TASK_LABEL = "desktop-bake-task"
NOVNC_PORT = 6080
DISPLAY = "1"
READY_TIMEOUT_S = 60.0
INSTALL_TIMEOUT_S = 1200.0
# VNC answers some 50 ms before the window manager does; windows opened in between would stay without a frame
_ONCE_MANAGED = """i=0
until xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null | grep -q window || [ $i -ge 250 ]; do
  i=$((i + 1)); sleep 0.02
done
exec "$@"
"""
_AT_START = 'set -e; bash -c "$1"; bash -c "$2"; echo "[desktop] installed"; exec bash -c "$3"'


@dataclass(frozen=True, kw_only=True)
class DesktopTask:
    """A running container with its desktop.

    Attributes:
        engine: the engine it runs on.
        container_id: the container.
        novnc_url: where a browser on this machine sees the desktop; None without one.
        forward: what carries that port here from a remote engine, or None.
    """

    engine: Engine
    container_id: str
    novnc_url: str | None
    forward: Forward | None = None

    def execute(self, command: Sequence[str], *, interactive: bool = False, terminal: bool = False) -> int:
        """Run a command in the task, its streams being this process's own.

        Args:
            command: program and arguments.
            interactive: whether it reads this process's standard input.
            terminal: whether it gets a terminal.

        Returns:
            The command's exit status.

        Raises:
            ConfigurationError: the image has no such command.
        """
        program = command[0]
        flags = ["-i"] * interactive + ["-t"] * terminal
        if self.novnc_url:
            flags += ["-e", f"DISPLAY=:{DISPLAY}"]
            command = ["sh", "-c", _ONCE_MANAGED, "sh", *command]
        status = subprocess.run(["docker", "exec", *flags, self.container_id, *command], check=False).returncode
        if status in (126, 127):
            there = self.engine.docker("exec", self.container_id, "sh", "-c", 'command -v "$1"', "sh", program)
            if there.returncode:
                raise ConfigurationError(
                    f"command not found in the image: {program}",
                    "install it in the setup script or the base",
                )
        return status

    def screenshot(self, file: Path) -> None:
        """Save the whole desktop as PNG.

        Raises:
            TaskError: the desktop is gone or shows nothing to take.
            ConfigurationError: the file cannot be written.
        """
        done = self.engine.docker(
            "exec", "-e", f"DISPLAY=:{DISPLAY}", self.container_id, "import", "-window", "root", "png:-"
        )
        if done.returncode or not done.stdout.startswith(b"\x89PNG"):
            raise TaskError(f"no screenshot: {last_line(done.stderr.decode(errors='replace'))}", "is the desktop on?")
        try:
            file.write_bytes(done.stdout)
        except OSError as error:
            raise ConfigurationError(f"cannot write {file}: {error.strerror}", "choose another file") from error

    def stop(self) -> None:
        """Remove the container; a container that is gone already is no error."""
        if self.forward:
            self.forward.close()
        self.engine.docker("rm", "-f", "-v", self.container_id)


def start_task(
    environment: Environment,
    image: ImageResult,
    settings: Settings,
    *,
    engine: Engine | None = None,
    log: Log = silent,
    geometry: str = "1280x800",
) -> DesktopTask:
    """Start a container of this image and wait until its desktop answers through noVNC.

    Args:
        image: from `ensure_desktop_image`.
        log: gets one line at a time; while installing at start, the install's own lines.
        geometry: screen size in pixels, `WIDTHxHEIGHT`.

    Raises:
        TaskError: the container or the desktop did not start.
        TimeLimitError: the desktop did not answer in time.
    """
    engine = engine or Engine()
    run = shipped("recipe/desktop_run.sh").read_text(encoding="utf-8")
    desktop = environment.headless_desktop_enabled
    if not desktop:
        command = ["sleep", "infinity"]
    elif image.install_at_start:
        recipe = settings.recipe(environment)
        command = ["bash", "-c", _AT_START, "desktop", recipe.install.decode(), recipe.setup.decode(), run]
    else:
        command = ["bash", "-c", run]
    remote = desktop and engine.is_remote()
    publish = ["-e", f"DESKTOP_GEOMETRY={geometry}"] if desktop else []
    if desktop and not remote:
        publish += ["-p", f"127.0.0.1::{NOVNC_PORT}"]
    done = engine.docker(
        "run", "-d", "--init", "--label", f"{TASK_LABEL}={environment.env_id}", *publish, "--entrypoint", command[0],
        image.image_id or image.image, *command[1:], timeout_s=INSTALL_TIMEOUT_S,
    )  # fmt: skip
    container = done.stdout.decode().strip()
    if done.returncode:
        if container:
            engine.docker("rm", "-f", container)
        said = first_line(done.stderr.decode(errors="replace"))
        raise TaskError(f"the container did not start: {said}", f"check: docker run {image.image}")
    forward = None
    if remote:
        from bake.forward import Forward

        forward = Forward(container, NOVNC_PORT)
    task = DesktopTask(engine=engine, container_id=container, novnc_url=None, forward=forward)
    try:
        return _with_desktop(task, image, log) if desktop else task
    except BaseException:  # Ctrl-C too: the container goes with us
        task.stop()
        raise


def _with_desktop(task: DesktopTask, image: ImageResult, log: Log) -> DesktopTask:
    from bake.novnc import wait_for_banner

    engine, container = task.engine, task.container_id
    if task.forward:
        port = task.forward.local_port
    else:
        shown = engine.docker("port", container, str(NOVNC_PORT))
        if shown.returncode:
            raise _died(task)
        port = int(shown.stdout.decode().split()[0].rsplit(":", 1)[1])

    def alive() -> None:
        state = engine.docker("container", "inspect", "--format", "{{.State.Running}}", container)
        if state.stdout.strip() != b"true":
            raise _died(task)

    limit_s = READY_TIMEOUT_S
    if image.install_at_start:
        import threading

        limit_s = INSTALL_TIMEOUT_S
        threading.Thread(target=_follow, args=(container, log), daemon=True).start()
    wait_for_banner("127.0.0.1", port, limit_s, alive)
    log("[desktop] ready")
    url = f"http://127.0.0.1:{port}/vnc.html?autoconnect=1&resize=scale"
    return replace(task, novnc_url=url)


def _died(task: DesktopTask) -> TaskError:
    logs = task.engine.docker("logs", "--tail", "20", task.container_id)
    said = last_line((logs.stdout + b"\n" + logs.stderr).decode(errors="replace"))
    return TaskError(f"the desktop ended before it was ready: {said}", "check the base image and the scripts")


def _follow(container: str, log: Log) -> None:
    with subprocess.Popen(
        ["docker", "logs", "-f", container],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        for raw in process.stdout or ():
            log(raw.decode(errors="replace").rstrip())
            if raw.startswith(b"[desktop] installed"):
                process.terminate()
