"""What the second machine of other tests does: its store, its network, its registry, its restarts."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.machines import Machine, Registry, machine, tool

if TYPE_CHECKING:
    from collections.abc import Iterator


# Needs the network while it builds, not only the base.
DOCKERFILE = 'FROM {0}\nRUN apt-get update -qq && test -n "$(ls /var/lib/apt/lists/*Packages*)"\n'


def docker(*words: str, **variables: str) -> str:
    """The output of a docker command on the first machine."""
    return subprocess.run(
        ["docker", *words], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    ).stdout.strip()


def digests(inspected: str) -> list[str]:
    """The digests by which a registry knows an image, from the output of `docker image inspect`."""
    names: list[str] = json.loads(inspected)[0]["RepoDigests"]
    return names


@pytest.fixture(scope="module")
def second(team: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A second machine with the containerd image store."""
    with machine(tmp_path_factory.mktemp("machines") / "second", team=team) as started:
        yield started


def test_a_second_machine(second: Machine, team: Registry, tmp_path: Path) -> None:
    """It has none of the first one's images, gets the base from the team, builds with the network and publishes a port
    only on its own loopback."""
    assert second.run("docker", "image", "ls", "-aq", check=True).stdout == ""
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.format(team.base))
    built = second.run("docker", "buildx", "build", "--load", "-t", "built-on-the-second", ".", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    assert docker("image", "ls", "-q", "built-on-the-second") == ""

    script = "exec 3<>/dev/tcp/127.0.0.1/7777 && timeout 5 grep -m1 hello <&3"
    listen = "use Socket; socket S,2,1,6; setsockopt S,1,2,1; bind S,sockaddr_in(7,INADDR_ANY); listen S,9;"
    answer = 'while (accept C,S) { syswrite C,"hello\\n"; close C }'
    perl = ["perl", "-e", listen + answer]
    second.run("docker", "run", "-d", "--name", "hello", "-p", "127.0.0.1:7777:7", team.base, *perl, check=True)
    heard = second.run("bash", "-c", f"for try in $(seq 100); do {script} && break; sleep 0.05; done")
    assert heard.stdout == "hello\n"
    assert subprocess.run(["bash", "-c", script], capture_output=True, check=False).returncode != 0
    second.run("docker", "rm", "-f", "hello", check=True)


def test_the_same_digest_on_both(second: Machine, team: Registry) -> None:
    """Both machines know the base by the same name and the same digest of the team's registry."""
    second.run("docker", "pull", "-q", team.base, check=True)
    docker("pull", "-q", team.base)
    there = digests(second.run("docker", "image", "inspect", team.base, check=True).stdout)
    try:
        assert set(there) <= set(digests(docker("image", "inspect", team.base)))
    finally:
        docker("image", "rm", team.base)
    (name,) = there
    assert name.startswith(f"{team.address}/debian@sha256:")


def test_the_registry_of_one_machine(second: Machine, team: Registry) -> None:
    """If the second machine's registry is down, the first one's answers as before."""
    inspect = ["docker", "buildx", "imagetools", "inspect", team.base]
    second.stop_registry()
    try:
        assert second.run(*inspect).returncode != 0
        assert team.base in docker(*inspect[1:])
    finally:
        second.start_registry()
    assert second.run(*inspect).returncode == 0


def test_a_remote_engine(second: Machine, team: Registry, tmp_path: Path) -> None:
    """The first machine uses the second one's engine over TCP; images that it builds are there."""
    (tmp_path / "Dockerfile").write_text(f"FROM {team.base}\nRUN echo remote >/where\n")
    docker("buildx", "build", "-q", "-t", "built-from-afar", str(tmp_path), DOCKER_HOST=second.remote)
    assert second.run("docker", "run", "--rm", "built-from-afar", "cat", "/where", check=True).stdout == "remote\n"


def test_desktop_bake_on_it(second: Machine, team: Registry, tmp_path: Path) -> None:
    """`desktop-bake` on the second machine uses its engine and its home."""
    for name in ("install.sh", "setup.sh"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} >/etc/{name}\n")
    (tmp_path / "desktop-bake.toml").write_text(
        f"""repository = "baked-on-the-second"
[environments.default]
base_image = "{team.base}"
headless_desktop_enabled = true
cache_desktop_build = true
install_script = "install.sh"
setup_script = "setup.sh"
"""
    )
    assert second.desktop_bake("resolve", cwd=tmp_path).returncode == 3
    built = second.desktop_bake("build", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    assert second.desktop_bake("resolve", cwd=tmp_path).returncode == 0
    assert docker("image", "ls", "-q", "baked-on-the-second") == ""
    assert [path.name for path in Path(second.environment["XDG_CACHE_HOME"]).iterdir()] == ["desktop-bake"]


def test_a_restart(second: Machine, team: Registry) -> None:
    """An engine that was stopped, or killed under a running container, has its images again."""
    second.run("docker", "pull", "-q", team.base, check=True)
    before = second.run("docker", "image", "ls", "-q", check=True).stdout
    second.stop_engine()
    assert second.run("docker", "version").returncode != 0
    second.start_engine()
    assert second.run("docker", "image", "ls", "-q", check=True).stdout == before
    second.run("docker", "run", "-d", "--init", "--name", "survivor", team.base, "sleep", "600", check=True)
    second.kill_engine()
    assert second.run("docker", "version").returncode != 0
    second.start_engine()
    assert second.run("docker", "image", "ls", "-q", check=True).stdout == before
    second.run("docker", "rm", "-f", "survivor", check=True)


def test_the_classic_store(team: Registry, tmp_path: Path) -> None:
    """A machine with the classic image store says so, builds, and names the base by its registry's digest too."""
    (tmp_path / "Dockerfile").write_text(f"FROM {team.base}\nRUN echo classic >/store\n")
    with machine(tmp_path / "classic", containerd=False, team=team) as classic:
        info = classic.run("docker", "info", "--format", "{{.Driver}} {{json .DriverStatus}}", check=True).stdout
        assert info.startswith("overlay2 ")
        assert "containerd.snapshotter" not in info
        built = classic.run("docker", "buildx", "build", "-t", "built", ".", cwd=tmp_path)
        assert built.returncode == 0, built.stderr
        assert classic.run("docker", "run", "--rm", "built", "cat", "/store", check=True).stdout == "classic\n"
        classic.run("docker", "pull", "-q", team.base, check=True)
        inspected = classic.run("docker", "image", "inspect", team.base, check=True).stdout
        digest = subprocess.run([tool("crane"), "digest", team.base], capture_output=True, text=True, check=True).stdout
        assert digests(inspected) == [f"{team.address}/debian@{digest.strip()}"]
        assert json.loads(inspected)[0]["Id"] != digest.strip()
