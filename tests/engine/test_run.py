"""`desktop-bake run`: how it ends, and what people expect of a task's container."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Exited, Output, TaskEvent, TaskOptions, ensure_desktop_image, load_settings, start_task
from desktop_bake.bake.task.console import LISTENS, READY
from desktop_bake.bake.task.novnc import banner
from tests.harness.relay import relay
from tests.harness.tasks import tasks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.project import Run


# this process's own: others may run these tests on the same engine
ENV, PLAIN = f"desktop-{os.getpid()}", f"plain-{os.getpid()}"


@pytest.fixture
def folder(project: Path, base: str) -> Path:
    """A folder with one environment that has the shipped desktop, and one without a desktop."""
    (project / "desktop-bake.toml").write_text(
        f'[environments.{ENV}]\nbase_image = "{base}"\nheadless_desktop_enabled = true\ncache_desktop_build = true\n'
        f'[environments.{PLAIN}]\nbase_image = "{base}"\n'
    )
    return project


@pytest.mark.parametrize(
    ("command", "status"),
    [("exit 3", 3), ("kill -9 $$", 137), ("kill -TERM $$", 143), ("trap '' TERM; kill $$; exit 4", 4)],
)
def test_status(cli: Run, folder: Path, command: str, status: int) -> None:
    """A command that fails, is killed, or ignores SIGTERM: we exit with its status, and the container is gone."""
    done = cli("run", ENV, "--", "bash", "-c", command)
    assert done.returncode == status, done.stderr
    assert tasks(ENV) == []


def test_a_setup_script_of_ones_own(cli: Run, folder: Path) -> None:
    """A setup script that replaces the shipped one, and knows nothing of noVNC or fluxbox, makes a desktop."""
    config = folder / "desktop-bake.toml"
    config.write_text('cache = "none"\n' + config.read_text().replace("\nhead", '\nsetup_script = "own.sh"\nhead', 1))
    (folder / "own.sh").write_text("echo own > /etc/own\n")
    try:
        done = cli("run", ENV, "--", "sh", "-c", "cat /etc/own && wmctrl -m")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("own\nName: Fluxbox\n")
    finally:
        image = json.loads(cli("resolve", ENV, "--json").stdout)["image"]
        subprocess.run(["docker", "image", "rm", "-f", image], check=False, capture_output=True)


def test_flags_after_the_environment(cli: Run, folder: Path) -> None:
    """A flag after the environment is not taken for the command."""
    done = cli("run", ENV, "-q", "--", "true")
    assert done.returncode == 2
    assert done.stderr.startswith("error: -q comes where the command should begin\n  flags go first")


def interrupted(folder: Path, on: str, at: Callable[[subprocess.Popen[bytes]], object], *command: str) -> None:
    """A task with an action at this moment (like `relay`), which then ends by Ctrl-C."""
    came = threading.Event()

    def event() -> None:
        at(process)
        came.set()

    with relay(os.environ["DOCKER_HOST"], on, event) as host:
        process = subprocess.Popen(
            [sys.executable, "-m", "desktop_bake", "run", ENV, "--", *command],
            cwd=folder,
            env={**os.environ, "DOCKER_HOST": host},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.stdout
        if process.stdout.readline() == b"up\n":
            ctrl_c(process)
        _, stderr = process.communicate(timeout=60)
    assert came.is_set(), stderr
    assert process.returncode == 130, stderr
    assert b"Traceback" not in stderr
    assert tasks(ENV) == []


def ctrl_c(process: subprocess.Popen[bytes]) -> None:
    """Signal the whole foreground process group, as a terminal does."""
    os.killpg(process.pid, signal.SIGINT)


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("command", ["sleep 1000", "trap '' TERM INT HUP; while :; do sleep 1; done"])
def test_interrupted(folder: Path, times: int, command: str) -> None:
    """Ctrl-C once, and again while the container is removed, even with a command that ignores everything: 130, and the
    container is gone."""

    def again(process: subprocess.Popen[bytes]) -> None:
        for _ in range(times - 1):
            ctrl_c(process)

    interrupted(folder, "DELETE /containers/", again, "bash", "-c", f"echo up; {command}")


MOMENTS = {
    "its container is made": "POST /containers/create",
    "it is attached to": "POST /containers/[0-9a-f]+/attach",
    "it is started": "POST /containers/[0-9a-f]+/start",
    "its port is asked for": "GET /containers/[0-9a-f]+/json",
    "its desktop begins to listen": f"< {re.escape(LISTENS)}",
    "its desktop is ready": f"< {re.escape(READY)}",
    "its command is made": "POST /containers/[0-9a-f]+/exec",
    "its command is started": "POST /exec/[0-9a-f]+/start",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_interrupted_while_starting(folder: Path, cli: Run, moment: str) -> None:
    """Ctrl-C at each moment of the start leaves no container."""
    assert cli("build", ENV).returncode == 0
    interrupted(folder, MOMENTS[moment], ctrl_c, "sleep", "1000")


def test_a_container_that_is_removed_under_us(folder: Path) -> None:
    """Somebody removes the container: that is reported, with its own exit status, and nothing hangs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "desktop_bake", "run", ENV], cwd=folder, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert process.stderr
    for line in process.stderr:
        if b"http://" in line:
            break
    subprocess.run(["docker", "rm", "-f", *tasks(ENV)], check=True, capture_output=True)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 7
    assert b" is gone: it was stopped or removed\n  start another: desktop-bake run\n" in errors


def test_what_people_expect(cli: Run, folder: Path) -> None:
    """Mounts, variables, working directory, user, name, screen, memory: all of them reach the command."""
    (folder / "data").mkdir()
    (folder / "data" / "file").write_text("from outside\n")
    (folder / "variables").write_text("# comment\nFROM_FILE=1 2\nOURS\n")
    script = "cat /data/file; echo x 2>/dev/null >/data/new || echo read-only; pwd; id -u; echo $FROM_FILE-$OURS-$GIVEN"
    script += (
        "; xdotool getdisplaygeometry; echo $(df -k --output=size /dev/shm); hostname; echo $(df --output=fstype /t)"
    )
    done = cli(
        "run",
        "-v",
        "./data:/data:ro",
        "--mount",
        "type=tmpfs,target=/t",
        "--env-file",
        "variables",
        "-e",
        "GIVEN=yes",
        "-w",
        "/tmp",
        "-u",
        "1234",
        "--geometry",
        "640x480",
        "--depth",
        "16",
        "--docker=--shm-size=96m",
        "--docker=--hostname=mine",
        "-e",
        "NOT_SET_HERE",
        ENV,
        "--",
        "bash",
        "-c",
        script,
        OURS="a secret",
    )
    assert done.returncode == 0, done.stderr
    assert "[desktop] WARNING: -e NOT_SET_HERE: it is not set here" in done.stderr
    assert done.stdout.splitlines() == [
        "from outside",
        "read-only",
        "/tmp",
        "1234",
        "1 2-a secret-yes",
        "640 480",
        "1K-blocks 98304",
        "mine",
        "Type tmpfs",
    ]
    assert tasks(ENV) == []


def test_limits(cli: Run, folder: Path) -> None:
    """A task has limits by default, its desktop runs with no-new-privileges, and a fork bomb ends at its limit."""
    script = (
        "df --output=size -BM /dev/shm | tail -1; cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null"
    )
    done = cli("run", ENV, "--", "sh", "-c", f"{script}; grep NoNewPrivs /proc/self/status")
    assert done.stdout.split() == ["1024M", "4096", "NoNewPrivs:", "0"], done.stderr
    bomb = f"{script}; grep NoNewPrivs /proc/self/status; for i in $(seq 200); do sleep 9 & done; echo survived"
    flags = ("--pids-limit", "100", "--shm-size=96m", "--security-opt", "no-new-privileges")
    done = cli("run", *flags, ENV, "--", "sh", "-c", bomb)  # bash would retry for a long time
    assert done.stdout.split()[:4] == ["96M", "100", "NoNewPrivs:", "1"], done.stderr
    assert "survived" not in done.stdout
    assert "Cannot fork" in done.stderr


def test_ports(cli: Run, folder: Path) -> None:
    """A published port is on the loopback; a port in use is reported, and nothing is left."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = cli("run", "-p", f"{port}:8000", ENV, "--", "true")
        assert done.returncode == 1
        assert str(port) in done.stderr.splitlines()[-2]
    left = cli("run", "-d", "-p", f"{port}:8000", ENV, "--", "sleep", "100")
    try:
        assert left.returncode == 0, left.stderr
        shown = subprocess.run(
            ["docker", "port", left.stdout.strip(), "8000"], capture_output=True, text=True, check=True
        )
        assert shown.stdout == f"127.0.0.1:{port}\n"
    finally:
        subprocess.run(["docker", "rm", "-f", *tasks(ENV)], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--geometry", "big"), "bad geometry 'big'"),
        (("--depth", "8"), "bad depth 8"),
        (("-p", "99999:1"), "malformed port '99999:1'"),
        (("-v", "./not-there:/data"), "it does not exist"),
        (("--network", "host"), "would share the desktop's ports"),
        (("--docker=--pid=host",), "'--pid' is not allowed"),
        (("-p", "8080:6080"), "port 6080 is noVNC's, and published already"),
        (("-v", "/srv:/data", "--mount", "type=tmpfs,target=/data/"), "two mounts have the target /data"),
        (("--json",), "--json tells how to reach a detached task"),
    ],
)
def test_refused(cli: Run, folder: Path, words: tuple[str, ...], said: str) -> None:
    """Impossible requests are refused before anything starts: exit status 2, one line, and the remedy."""
    done = cli("run", "-q", *words, ENV, "--", "true")
    assert done.returncode == 2, done.stderr
    first, remedy = done.stderr.splitlines()
    assert said in first
    assert remedy.startswith("  ")
    assert tasks(ENV) == []


def test_names(cli: Run, folder: Path) -> None:
    """A name in use is refused, and its owner is left alone; detached, the task has the requested limits, and ends with
    its command."""
    name = f"desktop-bake-test-{os.getpid()}"
    limits = ("--memory", "512m", "--cpus", "1.5", "--shm-size", "96m")
    waits = "until [ -e /tmp/end ]; do sleep 0.05; done"
    left = cli("run", "--detach", "--json", *limits, "--name", name, ENV, "--", "sh", "-c", waits)
    try:
        assert left.returncode == 0, left.stderr
        told = json.loads(left.stdout)
        assert (told["schema"], told["name"]) == (1, name)
        assert banner(told["novnc_url"])
        shown = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.ShmSize}}"
        inspected = subprocess.run(["docker", "inspect", "-f", shown, name], capture_output=True, text=True, check=True)
        assert inspected.stdout.split() == [str(512 << 20), "1500000000", str(96 << 20)]
        again = cli("run", "--name", name, ENV, "--", "true")
        assert again.returncode == 2
        assert f"error: the container name '{name}' is taken" in again.stderr
        assert tasks(ENV) == [told["container_id"][:12]]
        subprocess.run(["docker", "exec", name, "touch", "/tmp/end"], check=True)
        end = time.monotonic() + 30
        while tasks(ENV):
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        subprocess.run(["docker", "rm", "-f", name], check=False, capture_output=True)


def test_keep(cli: Run, folder: Path) -> None:
    """`--keep` leaves the stopped container with the command's status, its output by stream, and its files."""
    for env_id in (ENV, PLAIN):
        done = cli("run", "--keep", env_id, "--", "sh", "-c", "echo kept >/kept; echo out; echo err >&2; exit 3")
        assert (done.returncode, done.stdout, done.stderr.splitlines()[-1]) == (3, "out\n", "err"), done.stderr
        (left,) = tasks(env_id)
        try:
            state = subprocess.run(
                ["docker", "inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", left],
                capture_output=True,
                check=True,
            )
            assert state.stdout == b"exited 3\n"
            logs = cli("logs", left)
            assert (logs.stdout, logs.stderr.splitlines()[-1]) == ("out\n", "err")
            copied = subprocess.run(["docker", "cp", f"{left}:/kept", "-"], capture_output=True, check=True)
            assert b"kept\n" in copied.stdout
        finally:
            subprocess.run(["docker", "rm", "-f", left], check=True, capture_output=True)


def test_a_terminal(cli: Run, folder: Path) -> None:
    """`-t`: the command has a terminal, though there is none here, detached and from Python; the log has its output."""
    words = ("sh", "-c", "test -t 0 && test -t 1 && stty size; exit 3")
    done = cli("run", "-t", ENV, "--", *words)
    assert (done.returncode, done.stdout) == (3, "24 80\n"), done.stderr
    try:
        left = cli("run", "-dit", "--keep", ENV, "--", *words)
        task = left.stdout.strip()
        assert (cli("wait", task).returncode, cli("logs", task).stdout) == (3, "24 80\n"), left.stderr
        settings, told = load_settings(folder / "desktop-bake.toml", {}), list[TaskEvent]()
        environment = settings.environment(ENV)
        image = ensure_desktop_image(environment, settings)
        options = TaskOptions(tty=True, keep=True)
        with start_task(environment, image, settings, options=options, command=words, on_event=told.append) as task_:
            assert task_.wait(60) == 3
            assert told[-2:] == [Output("stdout", "24 80"), Exited(3)]
            assert cli("logs", task_.container_id).stdout == "24 80\n"
    finally:
        subprocess.run(["docker", "rm", "-f", *tasks(ENV)], check=True, capture_output=True)


def test_gpus_where_there_are_none(cli: Run, folder: Path) -> None:
    """The engine's own message if it has no such device, and no container is left."""
    if subprocess.run(["which", "nvidia-container-runtime"], capture_output=True, check=False).returncode == 0:
        assert cli("run", "--gpus", "all", ENV, "--", "true").returncode == 0
        return
    done = cli("run", "--gpus", "all", ENV, "--", "true")
    assert done.returncode == 1
    assert "error: the container did not start: could not select device driver" in done.stderr
    assert tasks(ENV) == []
