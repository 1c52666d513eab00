"""The second machine of other tests: separate from the first, and gone without a trace."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.harness.machines import Machine, MachineError, Registry, machine, tool, tool_environment

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


def left(folder: Path) -> set[str]:
    """All parts of machines in this folder; other engines may be busy meanwhile, other machines may not."""
    mounts = Path("/proc/self/mounts").read_text()
    found = set(re.findall(rf"\S*(?:/run/desktop-bake-|/run/netns|{folder})\S*", mounts))
    listening = Path("/proc/net/unix").read_text()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if re.search(rf"/run/desktop-bake-|{folder}|docker-proxy.*-host-port 7777|sleep 4321", command):
                found.add(f"{process.name} {command}")
    for name in ("iptables-save", "ip6tables-save"):
        rules = subprocess.run([tool(name)], env=tool_environment(), capture_output=True, text=True, check=True).stdout
        for line in rules.splitlines():
            # Not the packet counters, nor the rules of the first engine's containers: both change by themselves.
            if not re.match(r"#|-A DOCKER |.* 172\.17\.\d+\.\d+/32 |.* --dport (?!7777 )", line):
                found.add(f"{name} {line.split(' [')[0]}")
    for pattern in ("/sys/class/net/bake*", "/run/*", "/run/netns/*", "/sys/fs/cgroup/**/desktop-*"):
        found |= {str(path) for path in Path("/").glob(pattern[1:])}
    found |= {str(path) for path in Path("/run/containerd/s").glob("*") if str(path) not in listening}
    for state in Path("/run/runc").glob("*/state.json"):
        with suppress(OSError):  # a build step of another engine has ended
            if "/desktop-" in state.read_text():
                found.add(str(state))
    found.add("forwarding " + Path("/proc/sys/net/ipv4/ip_forward").read_text())
    return found


@pytest.mark.alone
def test_nothing_is_left_after_ctrl_c(base: str, tmp_path: Path) -> None:
    """Interrupted with a container, a published port and a running build, a machine leaves nothing at all."""
    before = left(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.harness.busy", tmp_path, base],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as user:
        assert user.stdout
        assert user.stderr
        assert user.stdout.readline() == "busy\n", user.stderr.read()
        during = left(tmp_path)
        user.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in user.stderr.read()
    for what in (
        "sleep 4321",
        "docker-proxy",
        "docker-registry",
        "/run/containerd/s/",
        "/run/runc/",
        "iptables-save -A FORWARD -i bake",
        "/sys/class/net/bake",
        "/desktop-",
    ):
        assert any(what in found for found in during - before), what
    assert left(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["Dockerfile"]


@pytest.mark.alone
def test_nothing_is_left_of_a_failed_start(team: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose registry cannot start, after its engine did, says why and leaves nothing."""
    before = left(tmp_path)
    broken = Registry(storage=team.storage, port=70000, service=team.service)
    with pytest.raises(MachineError, match="registry"), machine(tmp_path / "machine", team=broken):
        pass
    assert left(tmp_path) == before
    assert list(tmp_path.iterdir()) == []
