"""The shipped desktop by `docker compose` and `docker run` alone: rendered, baked by plain Docker, and started."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.task.novnc import NO_SECRET, banner, novnc_url
from tests.harness.compose import SECRET, Compose, bake, compose_command, composed, shipped_desktops

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.project import Run


DOCUMENT = (Path(__file__).parents[2] / "docs/compose.md").read_text()


def docker(*words: str) -> str:
    """The output of a docker command, on both streams."""
    return shell(shlex.join(["docker", *words]), Path())


def shell(command: str, folder: Path, *, check: bool = True) -> str:
    """The output of a command that people type in a folder, on both streams."""
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def folder(cli: Run, project: Path) -> Path:
    """A rendered folder of two environments that share the shipped desktop, which plain Docker has baked."""
    shipped_desktops(project, "office", "twin")
    done = cli("render", "-o", "ci")
    assert done.returncode == 0, done.stderr
    bake(project / "ci", "office")
    return project / "ci"


@pytest.fixture
def compose(folder: Path) -> Iterator[Compose]:
    """Its project; the secret is in a variable."""
    with composed(folder, DESKTOP_BAKE_SECRET=SECRET) as project:
        yield project


def test_up(compose: Compose) -> None:
    """Once Compose reports it ready, only people who know the secret see the screen; the secret is in no log, process
    list or description of the container; no file of this machine is mounted there; programs find display and window
    manager."""
    done = compose.up("office")
    assert done.returncode == 0, done.stderr
    assert banner(compose.url("office"))
    for wrong in (SECRET[:-1], SECRET + "x", "x", NO_SECRET):
        assert banner(compose.url("office", wrong)) is None
    container = compose.container("office")
    mounted = docker("inspect", "--format", "{{range .Mounts}}{{.Type}} {{.Destination}} {{end}}", container)
    assert mounted.split() == ["tmpfs", "/tmp/.X11-unix"]  # no file of this machine, which another engine does not have
    log = compose.run("logs", "--no-log-prefix", "office").stdout
    page = "vnc.html#autoconnect=1&resize=remote&path=websockify%3Ftoken%3DSECRET"
    assert f"[desktop] open http://127.0.0.1:PORT/{page} (docker port tells PORT; no log has SECRET)\n" in log
    assert "[desktop] ready\n" in log
    for told in (log, docker("inspect", container), docker("top", container), compose.run("config").stdout):
        assert SECRET not in told
    environments = "cat /proc/[0-9]*/environ | tr '\\0' '\\n'"
    found = compose.run(
        "exec", "-T", "office", "sh", "-c", f"{environments}; stat -c '%A %U' /run/secrets/*; wmctrl -m"
    )
    assert SECRET not in found.stdout
    assert "-r-------- root" in found.stdout
    assert "Name: Fluxbox" in found.stdout


def test_environments_that_share_an_image(compose: Compose) -> None:
    """Each has its own service; one with only a preflight has none."""
    assert sorted(compose.run("config", "--services").stdout.split()) == ["office", "twin"]
    done = compose.up("twin")
    assert done.returncode == 0, done.stderr
    assert banner(compose.url("twin"))
    assert compose.run("ps", "--services").stdout.split() == ["twin"]


def test_a_file_of_variables(folder: Path) -> None:
    """A file `.env` beside the Compose file sets the secret, the port and the screen's size, and Git ignores it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "run/.env").write_text(
        f"DESKTOP_BAKE_SECRET={SECRET}\nDESKTOP_BAKE_PORT={port}\nDESKTOP_BAKE_GEOMETRY=1024x768\n"
    )
    subprocess.run(["git", "init", "-q"], cwd=folder.parent, check=True)
    assert subprocess.run(["git", "check-ignore", "-q", "ci/run/.env"], cwd=folder.parent, check=False).returncode == 0
    with composed(folder) as compose:
        done = compose.up("office")
        assert done.returncode == 0, done.stderr
        assert banner(novnc_url(port, SECRET))
        assert f"[desktop] open http://127.0.0.1:{port}/vnc.html" in compose.run("logs", "office").stdout
        assert "1024x768" in compose.run("exec", "-T", "office", "xwininfo", "-root").stdout


def test_a_restart(compose: Compose) -> None:
    """A restarted desktop still has its secret, and is reported ready only when it is."""
    assert compose.up("office").returncode == 0
    assert compose.run("stop", "office").returncode == 0
    done = compose.up("office")
    assert done.returncode == 0, done.stderr
    assert banner(compose.url("office"))


def test_no_secret(folder: Path) -> None:
    """Without a secret nothing starts, and a line says so; with one it starts at once."""
    with composed(folder) as compose:
        done = compose.up("office")
        assert done.returncode != 0
        assert 'environment variable "DESKTOP_BAKE_SECRET" required' in done.stderr.splitlines()[-1]
        compose.variables["DESKTOP_BAKE_SECRET"] = ""
        assert compose.up("office").returncode != 0
        assert "[desktop] refused: no secret: set DESKTOP_BAKE_SECRET" in compose.run("logs", "office").stdout
        compose.variables["DESKTOP_BAKE_SECRET"] = SECRET
        done = compose.up("office")
        assert done.returncode == 0, done.stderr
        assert banner(compose.url("office"))


@pytest.mark.parametrize("secret", ["short", f"{SECRET}\n{SECRET}"], ids=["short", "two lines"])
def test_a_bad_secret(secret: str, folder: Path) -> None:
    """A secret that is easy to guess, or cannot be in a URL, starts nothing."""
    with composed(folder, DESKTOP_BAKE_SECRET=secret) as compose:
        assert compose.up("office").returncode != 0
        log = compose.run("logs", "--no-log-prefix", "office").stdout
        assert log.startswith("[desktop] refused: the secret is not one line of 16 to 128 letters")


def test_a_port_that_is_taken(compose: Compose) -> None:
    """The engine names the port, and nothing runs."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        compose.variables["DESKTOP_BAKE_PORT"] = str(port)
        done = compose.up("office")
    assert done.returncode != 0
    assert f"127.0.0.1:{port}" in done.stderr.splitlines()[-1]
    assert compose.run("ps", "--quiet").stdout == ""


def test_the_documented_address(compose: Compose) -> None:
    """The commands of docs/compose.md print the address of their desktop."""
    assert compose.up("office").returncode == 0
    commands = DOCUMENT[DOCUMENT.index('echo "http://$(docker compose') :].split("\n```")[0]
    variables = {**os.environ, "COMPOSE_PROJECT_NAME": compose.name, "DESKTOP_BAKE_SECRET": SECRET}
    words = ["bash", "-c", f'docker() {{ command {shlex.join(compose_command())} "${{@:2}}"; }}; {commands}']
    done = subprocess.run(words, cwd=compose.folder.parent, env=variables, capture_output=True, text=True, check=True)
    assert banner(done.stdout.strip())
    assert done.stdout.partition("#")[0] == compose.url("office").partition("#")[0]


def test_docker_run(folder: Path) -> None:
    """The commands of docs/compose.md without Compose: the secret is in a file, and the same script starts the same
    desktop, but not without a secret, and not if X's sockets are not the container's own."""
    name = f"compose-run-{uuid.uuid4().hex[:8]}"
    image = Compose(folder=folder).run("config", "--images").stdout.splitlines()[0]
    (folder.parent / "secret").write_text(f"{SECRET}\n")
    command = DOCUMENT[DOCUMENT.index("docker run -d ") :].split("\n```")[0]
    for here, there in (
        ("--name office", f"--name {name}"),
        ("127.0.0.1:6080:6080", "127.0.0.1::6080"),
        ("registry.example.com/team/desktop:KEY", image),
    ):
        assert here in command
        command = command.replace(here, there)
    try:
        shell(command, folder.parent)
        docker("exec", name, "sh", "-c", "until [ -d /tmp/.X11-unix/ready ]; do sleep 0.1; done")
        port = int(docker("port", name, "6080").rpartition(":")[2])
        assert banner(novnc_url(port, SECRET))
        assert banner(novnc_url(port, NO_SECRET)) is None
        assert SECRET not in docker("inspect", name) + docker("logs", name)
    finally:
        docker("rm", "-f", name)
    once = command.replace("run -d", "run --rm").replace(f"--name {name}", "")
    bare = re.sub(r"-v \S+", "", once)
    assert bare != once
    said = shell(bare, folder.parent, check=False)
    assert said.startswith("[desktop] refused: no secret: set DESKTOP_BAKE_SECRET, or DESKTOP_BAKE_SECRET_FILE")
    said = shell(re.sub(r"--mount \S+", "-v /tmp:/tmp", once), folder.parent, check=False)
    assert said.startswith("[desktop] refused: /tmp/.X11-unix is no tmpfs")
