"""`scripts/engine`: it uses an engine that answers, starts only what is missing, and refuses in one line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def other_checkout(tmp_path: Path) -> Path:
    """Another checkout of the project, with nothing started in it, that any user may write to."""
    shutil.copytree(ROOT / "scripts", tmp_path / "checkout" / "scripts")
    (tmp_path / "checkout").chmod(0o777)
    for folder in tmp_path.parents:  # pytest's own folders are for their owner alone
        if folder.stat().st_uid == os.getuid() and folder.name.startswith(("pytest-", "popen-")):
            folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o755)
    return tmp_path / "checkout"


def engine(checkout: Path, *words: str, path: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script there."""
    return subprocess.run(
        [*words[:-1], "/bin/bash", checkout / "scripts" / "engine", words[-1]],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={"PATH": path or os.environ["PATH"], "HOME": str(checkout), **variables},
    )


def ids() -> set[str]:
    """Every image, container and network of the tests' engine."""
    listed = ""
    for what in (["image", "ls", "-aq"], ["container", "ls", "-aq"], ["network", "ls", "-q"]):
        listed += subprocess.run(["docker", *what], capture_output=True, text=True, check=True).stdout
    return set(listed.split())


@pytest.fixture
def provided(other_checkout: Path) -> Path:
    """The other checkout with all that this one's script fetched and made to start the tests' engine."""
    ours, theirs = Path(os.environ["DESKTOP_BAKE_TEST_TOOLS"]).parent, other_checkout / ".engine"
    theirs.mkdir()
    for name in ("unpacked", "bin", "docker", "base.tar"):
        (theirs / name).symlink_to(ours / name)
    return other_checkout


@pytest.mark.alone
def test_an_engine_that_answers_is_used(provided: Path) -> None:
    """If an engine answers, only a registry with a base image is started; `down` leaves that engine as it was."""
    before = ids()
    own = {name: os.environ[name] for name in ("DOCKER_HOST", "DOCKER_CONFIG")}
    up = engine(provided, "up", **own)
    try:
        assert up.returncode == 0, up.stderr
        assert "using the Docker Engine that answers already" in up.stderr
        settings = engine(provided, "env", **own).stdout
        assert "DOCKER_HOST" not in settings
        base = settings.split("DESKTOP_BAKE_TEST_BASE=")[1].split()[0]
        inspect = ["docker", "buildx", "imagetools", "inspect", base]
        assert subprocess.run(inspect, capture_output=True, check=False).returncode == 0
        assert engine(provided, "status", **own).returncode == 0
    finally:
        down = engine(provided, "down", **own)
    assert down.returncode == 0, down.stderr
    assert down.stderr == "[engine] down\n"
    assert engine(provided, "status", **own).returncode == 3
    assert subprocess.run(inspect, capture_output=True, check=False).returncode != 0
    assert ids() == before


def test_an_engine_without_buildx(other_checkout: Path, tmp_path: Path) -> None:
    """An engine whose client has no buildx: what to install."""
    done = engine(other_checkout, "up", DOCKER_HOST=os.environ["DOCKER_HOST"], DOCKER_CONFIG=str(tmp_path))
    assert done.returncode == 4
    assert done.stderr == ("error: this Docker Engine's client has no buildx\n  install the docker-buildx plugin\n")


def test_another_engine_that_does_not_answer(other_checkout: Path, tmp_path: Path) -> None:
    """Another engine in the same network, such as another checkout's, would use the same bridge: it is left alone."""
    shutil.copy("/bin/sleep", tmp_path / "dockerd")
    with subprocess.Popen([tmp_path / "dockerd", "100"]) as other:
        try:
            done = engine(other_checkout, "up", DOCKER_HOST="unix:///nowhere")
            assert done.returncode == 4, done.stderr
            error, remedy = done.stderr.splitlines()
            assert error.startswith("error: a Docker Engine runs here, process ")
            assert "make clean" in remedy
            assert sorted(path.name for path in (other_checkout / ".engine").iterdir()) == ["lock", "log"]
            assert other.poll() is None
        finally:
            other.kill()


def test_without_root(other_checkout: Path) -> None:
    """No engine and not root: a remedy."""
    done = engine(
        other_checkout,
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "up",
        DOCKER_HOST="unix:///nowhere",
    )
    assert done.returncode == 4, done.stderr
    error, remedy = done.stderr.splitlines()
    assert error == "error: no Docker Engine answers, and only root can start one"
    assert remedy == "  start Docker, or run this as root"


def test_off_debian(other_checkout: Path, tmp_path: Path) -> None:
    """No engine and no Debian: what to install."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("cat", "cksum", "cut", "dirname", "flock", "grep", "id", "mkdir", "mv", "sed", "tail"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    done = engine(other_checkout, "up", path=str(tools))
    assert done.returncode == 4, done.stderr
    error, remedy = done.stderr.splitlines()
    assert error == "error: no Docker Engine answers, and this is no Debian"
    assert remedy.startswith("  install Docker Engine")


ENGINE = """#!/bin/sh
case $1 in status) exit 3 ;; down) echo down >>log ;; esac
"""
COMMAND = """trap 'sleep 0.5; echo ended >>log; exit' TERM
echo begun >>log
while :; do sleep 0.01; done"""


@pytest.mark.parametrize("group", [False, True])
def test_the_engine_ends_after_the_command(tmp_path: Path, group: bool) -> None:
    """SIGTERM to `scripts/with-engine`, alone or with its group, ends the command, and only then the engine: tests
    still need it to remove what they made."""
    for name, text in {"engine": ENGINE, "make": "#!/bin/sh\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    shutil.copy(ROOT / "scripts" / "with-engine", tmp_path)
    log, path = tmp_path / "log", f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    words = [str(tmp_path / "with-engine"), "sh", "-c", COMMAND]
    with subprocess.Popen(words, cwd=tmp_path, env={**os.environ, "PATH": path}, start_new_session=True) as run:
        while not log.exists() or not log.read_text():
            assert run.poll() is None
            time.sleep(0.02)
        (os.killpg if group else os.kill)(run.pid, signal.SIGTERM)
        run.wait(30)
    assert log.read_text().split() == ["begun", "ended", "down"]
