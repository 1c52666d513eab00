"""A rendered folder's desktops under Docker Compose, on a machine that has Docker and nothing of ours."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from desktop_bake.bake.task.novnc import novnc_url
from tests.harness.bake_files import called_in
from tests.harness.machines import tool

SECRET = "0123456789-abcdefghij._~ABCDEF"


def _client() -> dict[str, str]:
    """The docker client's variables; this PATH has no other program, neither Python nor ours."""
    client = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
    return {**client, "PATH": "/nonexistent", "HOME": "/"}


@functools.cache
def compose_command() -> list[str]:
    """Compose: the client's plugin or, if it has none, the program that `scripts/engine` unpacked."""
    docker = shutil.which("docker") or "docker"
    asked = subprocess.run([docker, "compose", "version"], env=_client(), capture_output=True, check=False)
    return [docker, "compose"] if asked.returncode == 0 else [tool("docker-compose")]


@dataclass(kw_only=True)
class Compose:
    """The project of a rendered folder, under a name that no other test uses.

    Attributes:
        folder: the rendered folder.
        name: the project's.
        variables: all variables besides the docker client's.
    """

    folder: Path
    name: str = field(default_factory=lambda: f"compose-{uuid.uuid4().hex[:8]}")
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `docker compose` from another folder, with nothing of ours in reach."""
        variables = {**_client(), "COMPOSE_PROJECT_NAME": self.name, **self.variables}
        file = str(self.folder / "run/compose.yaml")
        return subprocess.run(
            [*compose_command(), "-f", file, *words],
            cwd="/",
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=300,
        )

    def up(self, service: str, *flags: str) -> subprocess.CompletedProcess[str]:
        """Start a desktop, and wait until it is ready."""
        return self.run("up", "--detach", "--wait", *flags, service)

    def url(self, service: str, secret: str = SECRET) -> str:
        """The address of its page with this secret."""
        address = self.run("port", service, "6080").stdout.strip()
        host, _, port = address.rpartition(":")
        assert host == "127.0.0.1"
        return novnc_url(int(port), secret)

    def container(self, service: str) -> str:
        """The container's ID."""
        return self.run("ps", "--all", "--quiet", service).stdout.strip()

    def left(self) -> list[str]:
        """The project's containers, networks and volumes."""
        lists = (["ps", "-aq"], ["network", "ls", "-q"], ["volume", "ls", "-q"])
        mine = ["--filter", f"label=com.docker.compose.project={self.name}"]
        found = (
            subprocess.run(["docker", *words, *mine], capture_output=True, check=True, text=True) for words in lists
        )
        return [line for done in found for line in done.stdout.splitlines()]


@contextmanager
def composed(folder: Path, **variables: str) -> Iterator[Compose]:
    """A folder's project, removed at the end."""
    compose = Compose(folder=folder, variables=variables)
    try:
        yield compose
    finally:
        done = compose.run("down", "--timeout", "1")
    assert done.returncode == 0, done.stderr
    assert compose.left() == []


def shipped_desktops(project: Path, *env_ids: str) -> None:
    """Configure environments that share the shipped desktop, and one with only a preflight."""
    config = project / "desktop-bake.toml"
    top, _, table = config.read_text().partition("[environments.default]\n")
    desktop = "".join(line for line in table.splitlines(keepends=True) if "script" not in line)
    (project / "preflight.sh").write_text("echo preflight >/etc/preflight\n")
    alone = desktop.replace("headless_desktop_enabled = true", 'preflight_script = "preflight.sh"')
    tables = [f"[environments.{env_id}]\n{desktop}" for env_id in env_ids]
    config.write_text("\n".join((top, *tables, f"[environments.tools]\n{alone}")))


def bake(folder: Path, target: str) -> None:
    """What CI runs with plain Docker."""
    words = ["docker", "buildx", "bake", "-f", "docker-bake.hcl", target, "--load", "--set", "*.cache-to="]
    done = subprocess.run(words, cwd=folder, env=called_in(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
