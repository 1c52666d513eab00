"""Tasks that outlive the program that started them: found, read, waited for and stopped by another."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Engine, TaskEntry, TaskGoneError, Tasks
from desktop_bake.bake.task.labels import OWNER_LABEL
from desktop_bake.bake.task.novnc import banner

if TYPE_CHECKING:
    from tests.harness.project import Run

RUNNER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from desktop_bake import TaskOptions, ensure_desktop_image, load_settings, start_task
settings = load_settings(Path("desktop-bake.toml"), {})
def start(number):
    environment = settings.environment("plain" if number else "office")
    script = f"echo first {number}; until [ -e /go ]; do sleep 0.05; done; echo last >&2; exit {number + 3}"
    image = ensure_desktop_image(environment, settings)
    options = TaskOptions(detach=True, keep=True)
    start_task(environment, image, settings, options=options, command=["sh", "-c", script])
with ThreadPoolExecutor(4) as pool:
    list(pool.map(start, range(int(sys.argv[1]))))
print("started", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Here:
    """What has an engine."""

    engine: Engine


@pytest.fixture
def folder(project: Path, base: str) -> Iterator[Path]:
    """A project of its own name, with a desktop and without; its tasks are gone afterwards."""
    own = project / f"tasks-{uuid.uuid4().hex[:8]}"
    own.mkdir()
    (own / "runner.py").write_text(RUNNER)
    (own / "desktop-bake.toml").write_text(
        f'[environments.office]\nbase_image = "{base}"\nheadless_desktop_enabled = true\ncache_desktop_build = true\n'
        f'[environments.plain]\nbase_image = "{base}"\n'
    )
    yield own
    if left := [entry.container_id for entry in of(own)]:
        subprocess.run(["docker", "rm", "-fv", *left], check=True, capture_output=True)


def of(folder: Path) -> list[TaskEntry]:
    """The tasks of a project, the oldest first."""
    return [entry for entry in reversed(Tasks(Here(Engine())).list()) if entry.project_name == folder.name]


def killed_runner(folder: Path, count: int) -> None:
    """A runner that started so many tasks and was killed."""
    words = [sys.executable, "runner.py", str(count)]
    with subprocess.Popen(words, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as runner:
        assert runner.stdout
        assert runner.stdout.readline() == b"started\n"
        runner.kill()


def test_a_runner_that_was_killed(
    folder: Path, rounds: Callable[[int, int], int], figure: Callable[[str], None]
) -> None:
    """Another finds its detached tasks, what they printed from the first line, and their status, also once ended."""
    times, count = rounds(1, 50), rounds(3, 20)
    engine = Engine()

    def found(entry: TaskEntry) -> tuple[int, str | None]:
        task = Tasks(Here(engine)).attach(entry.container_id)
        with contextlib.suppress(TaskGoneError):  # it may end before its touch does
            assert task.execute(["touch", "/go"]).status == 0
        number = task.wait(60) - 3
        assert task.wait(60) == number + 3  # of one that has ended long since
        said = engine.docker("logs", task.container_id)
        assert said.stdout == b"first %d\n" % number
        assert [line for line in said.stderr.splitlines() if not line.startswith(b"[desktop] ")] == [b"last"]
        task.container.remove()
        return number, task.novnc_url

    for _ in range(times):
        killed_runner(folder, count)
        entries = of(folder)
        (office,) = [entry for entry in entries if entry.environment == "office"]
        assert banner(Tasks(Here(engine)).attach(office.container_id).novnc_url or "")
        with ThreadPoolExecutor(4) as pool:
            numbers, urls = zip(*pool.map(found, entries), strict=True)
        assert sorted(numbers) == list(range(count))
        assert sum(url is not None for url in urls) == 1
    figure(f"{times} runners killed, the output and status of all {times * count} tasks found")


def test_verbs(folder: Path, cli: Run) -> None:
    """A task is started by one process; others list it, look at it, run commands, copy, picture, wait and stop."""
    config = ("--config", str(folder / "desktop-bake.toml"))
    name = folder.name
    script = "echo out; echo err >&2; until [ -e /go ]; do sleep 0.05; done; exit 7"
    started = cli("run", *config, "-d", "--keep", "--name", name, "office", "--", "sh", "-c", script)
    assert started.returncode == 0, started.stderr
    (listed,) = [e for e in json.loads(cli("ps", "--json").stdout)["tasks"] if e["name"] == name]
    assert (listed["container_id"], listed["state"], listed["environment"]) == (
        started.stdout.strip(),
        "running",
        "office",
    )
    table = cli("ps").stdout.splitlines()
    assert any(line.startswith(f"{name} ") for line in table)
    assert max(map(len, table)) <= 80
    url = cli("url", name)
    assert url.returncode == 0, url.stderr
    assert url.stdout.strip() == started.stderr.splitlines()[-1].removeprefix("[desktop] ")
    done = cli("exec", name, "--", "sh", "-c", "xdotool getdisplaygeometry; exit 5")
    assert (done.returncode, done.stdout) == (5, "1280 800\n")
    assert cli("exec", name, "--", "no-such").returncode == 127
    picture = cli("screenshot", name, "-o", str(folder / "a.png"))
    assert (picture.returncode, (folder / "a.png").read_bytes()[:4]) == (0, b"\x89PNG"), picture.stderr
    assert cli("wait", name, "--timeout", "1s").returncode == 124
    assert cli("cp", str(folder / "a.png"), f"{name}:/go").returncode == 0
    assert cli("wait", name).returncode == 7
    logs = cli("logs", name)
    assert (logs.stdout, logs.stderr.splitlines()[-1]) == ("out\n", "err")
    assert cli("cp", f"{name}:/go", str(folder / "b.png")).returncode == 0
    assert (folder / "a.png").read_bytes() == (folder / "b.png").read_bytes()
    assert cli("stop", "--rm", name).returncode == 0
    gone = cli("wait", name)
    assert (gone.returncode, gone.stderr.splitlines()[0]) == (7, f"error: there is no task '{name}', or not any more")


def test_tasks_of_others(folder: Path, cli: Run, base: str) -> None:
    """Another user's task is neither listed nor stopped, unless it is asked for."""
    name = folder.name
    labels = ("--label", f"desktop-bake-task={name}", "--label", f"{OWNER_LABEL}=somebody")
    docker = ["docker", "run", "-d", "--name", name, "--label", "desktop-bake-task.project-name=other", *labels]
    subprocess.run([*docker, base, "sleep", "1000"], check=True, capture_output=True)
    try:
        with pytest.raises(TaskGoneError):
            Tasks(Here(Engine())).find(name)
        assert name not in cli("ps").stdout
        assert cli("stop", name).returncode == 7
        assert name in cli("ps", "--all").stdout
        assert cli("stop", "--all", "-t", "0", name).returncode == 0
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            subprocess.run(["docker", "rm", "-fv", name], check=True, capture_output=True)
