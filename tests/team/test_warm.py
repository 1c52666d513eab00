"""`warm`: what a round does and prints, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.team import Project, here

if TYPE_CHECKING:
    from tests.harness.machines import Registry
    from tests.harness.project import Run


def test_rounds_of_one_machine(cli: Run, project: Path) -> None:
    """The first round builds, the second finds all fresh; a failure does not keep the others from being warmed."""
    first = cli("warm")
    assert first.returncode == 0, first.stderr
    assert "round 1: 1 built in " in first.stdout
    again = json.loads(cli("warm", "--json").stdout)
    assert [e["action"] for e in again["environments"]] == ["fresh"]
    assert again["environments"][0]["image_id"]
    assert (
        cli(
            "env",
            "set",
            "--create",
            "bad",
            "base_image=127.0.0.1:9/nowhere:1",
            "headless_desktop_enabled=on",
            "cache_desktop_build=on",
        ).returncode
        == 0
    )
    (project / "setup.sh").write_text("echo new\n")
    mixed = cli("warm")
    assert mixed.returncode == 5
    assert "round 1: 1 built, 1 failed in " in mixed.stdout
    assert "; bad: base image 127.0.0.1:9/nowhere:1: " in mixed.stdout
    assert len(mixed.stdout.splitlines()) == 1
    assert "1 fresh in" in cli("warm", "default").stdout
    assert cli("warm", "no-such").returncode == 2
    for words in (("--watch", "soon"), ("--watch", "0"), ("--watch", "30"), ("--older-than", "30")):
        assert cli("warm", *words).returncode == 2


def test_a_moved_base(shared: Project, team: Registry) -> None:
    """A base that changed is baked and published, and tasks of this machine use the new desktop from then on."""
    moving = f"{team.address}/{shared.path}-base:moving"

    def move(number: int) -> None:
        (shared.folder / "base").mkdir(exist_ok=True)
        (shared.folder / "base" / "Dockerfile").write_text(f"FROM {team.base}\nRUN echo {number} > /moved\n")
        done = here("docker", "buildx", "build", "-q", "--push", "-t", moving, str(shared.folder / "base"))
        assert done.returncode == 0, done.stderr

    move(1)
    kept = moving.replace(":moving", ":kept")
    assert here("docker", "pull", "-q", moving).returncode == 0
    assert here("docker", "tag", moving, kept).returncode == 0
    shared.base = moving
    shared.change()
    first = shared.bake("warm")
    assert first.returncode == 0, first.stderr
    assert "pushed" in first.stderr
    before = json.loads(shared.bake("resolve", "--json").stdout)
    move(2)
    assert here("docker", "tag", kept, moving).returncode == 0  # this machine's copy is the old one again
    assert json.loads(shared.bake("resolve", "--json").stdout)["cache_key"] == before["cache_key"]
    second = shared.bake("warm", "--json")
    warmed = json.loads(second.stdout)["environments"][0]
    assert (warmed["action"], warmed["error"]) == ("built", None), second.stderr
    assert second.stderr.index("pushed") < second.stderr.index(f"pulling {moving}, which moved")
    after = json.loads(shared.bake("resolve", "--json").stdout)
    assert after["status"] == "local-hit"
    assert after["cache_key"] == warmed["cache_key"] != before["cache_key"]
    assert here("docker", "image", "rm", "-f", after["image_id"]).returncode == 0
    command = f"{sys.executable} -m desktop_bake warm"
    drawn = subprocess.run(
        ["script", "-qec", command, "/dev/null"], cwd=shared.folder, capture_output=True, text=True, check=False
    ).stdout
    assert "round 1: 1 pulled in " in drawn
    assert "\033[" in drawn[: drawn.index("Pull complete")]  # docker draws its progress on a terminal


def test_a_push_is_made_up_for(shared: Project, team: Registry) -> None:
    """With the registry gone the desktop is still baked, exit status 5; the next round publishes it."""
    assert here("docker", "pull", "-q", team.base).returncode == 0
    team.stop()
    try:
        offline = shared.bake("warm", "--json")
    finally:
        team.start()
    assert offline.returncode == 5
    (warmed,) = json.loads(offline.stdout)["environments"]
    assert warmed["action"] == "built"
    assert warmed["error"].startswith("cannot push ")
    online = shared.bake("warm")
    assert (online.returncode, "1 fresh" in online.stdout) == (0, True)
    assert "[desktop-cache] pushed " in online.stderr
    assert "in the registry already" in shared.bake("warm").stderr
    assert "in the registry already" not in shared.bake("warm", "--no-push").stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.soak)])
def test_watch_ends_cleanly(cli: Run, project: Path, number: signal.Signals) -> None:
    """Rounds use a changed configuration, survive a wrong one, and a signal ends them with exit status 0."""
    config = project / "desktop-bake.toml"
    right = config.read_text()
    with watching(project) as process:
        assert next_round(process)["environments"][0]["action"] == "built"
        assert next_round(process)["environments"][0]["action"] == "fresh"
        config.write_text("wrong = 1\n" + right)
        assert "unknown key 'wrong'" in until(process, lambda r: bool(r["error"]))["error"]
        config.write_text(right + 'name = "a new one"\n[environments.default.build_args]\nA = "1"\n')
        assert until(process, lambda r: not r["error"])["environments"][0]["action"] == "built"
        process.send_signal(number)
        assert process.wait(timeout=20) == 0


def test_watch_is_stopped_in_a_build(cli: Run, project: Path) -> None:
    """SIGTERM in the middle of a build: the build ends, nothing is left behind, exit status 0."""
    (project / "setup.sh").write_text("exec sleep 98764\n")
    with watching(project) as process:
        deadline = time.monotonic() + 30
        while not sleeping() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert sleeping()
        process.terminate()
        assert process.wait(timeout=30) == 0
    deadline = time.monotonic() + 15
    while sleeping() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not sleeping()


def sleeping() -> bool:
    """Whether that build's step runs on this machine."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if entry.read_bytes().startswith(b"sleep\x0098764"):
                return True
        except OSError:
            continue
    return False


def watching(project: Path) -> subprocess.Popen[str]:
    """`warm --watch` with a round every second."""
    words = [sys.executable, "-m", "desktop_bake", "warm", "--watch", "1s", "--json"]
    return subprocess.Popen(words, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def next_round(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The next line it prints."""
    assert process.stdout
    value: dict[str, Any] = json.loads(process.stdout.readline())
    return value


def until(process: subprocess.Popen[str], wanted: Any) -> dict[str, Any]:
    """The first suitable one of the next few rounds."""
    for _ in range(10):
        found = next_round(process)
        if wanted(found):
            return found
    pytest.fail("no such round")


def test_prune(cli: Run, project: Path) -> None:
    """`--prune` removes, after a round without failures, what is stale and no longer young; what it leaves, `prune`
    would leave too."""

    def round_of(*words: str, status: int = 0) -> dict[str, Any]:
        done = cli("warm", "--json", *words)
        assert done.returncode == status, done.stderr
        value: dict[str, Any] = json.loads(done.stdout)
        return value

    def images() -> int:
        return len(json.loads(cli("images", "--json").stdout)["images"])

    for number in range(2):
        (project / "setup.sh").write_text(f"echo {number} # {project}\n")
        assert round_of()["removed"] is None
    assert round_of("--prune")["removed"] == 0  # young, and the last of its family
    config = project / "desktop-bake.toml"
    right = config.read_text()
    config.write_text(
        right + '[environments.bad]\nbase_image = "127.0.0.1:9/nowhere:1"\n'
        "headless_desktop_enabled = true\ncache_desktop_build = true\n"
    )
    every = ("--prune", "--keep", "0", "--older-than", "0")
    assert round_of(*every, status=5)["removed"] is None  # one failed
    alone = round_of("default", *every, status=5)  # all went well, but it is unknown what the other one uses
    assert (alone["removed"], alone["error"]) == (0, None)
    assert "127.0.0.1:9/nowhere:1" in alone["prune_error"]
    assert images() == 2
    config.write_text(right)
    assert round_of(*every)["removed"] == 1
    assert images() == 1
    assert cli("warm", "--older-than", "soon").returncode == 2
