"""A runner that is killed and restarted: `python -m tests.harness.restart [TASKS [ROUNDS]]` in a project.

A runner starts detached tasks and is killed with SIGKILL. Half of the tasks end before another runner starts: a process
that knows nothing of the first, and finds all of them, what they printed from the first line, and their status.
The project has two environments: `office`, which has a desktop, and `plain`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from desktop_bake import (
    Engine,
    TaskEntry,
    TaskGoneError,
    TaskOptions,
    Tasks,
    ensure_desktop_image,
    load_settings,
    start_task,
)

AT_ONCE = 4  # starts and waits of a runner


@dataclass(frozen=True)
class Here:
    """An object that has an engine."""

    engine: Engine


def tasks_of(folder: Path) -> list[TaskEntry]:
    """The tasks of a project, the oldest first."""
    return [entry for entry in reversed(Tasks(Here(Engine())).list()) if entry.project_name == folder.name]


def _begin(count: int) -> None:
    """The first runner: start this many tasks, report it, and stay."""
    settings = load_settings(Path("desktop-bake.toml"), {})

    def one(number: int) -> None:
        environment = settings.environment("plain" if number else "office")
        waits = "" if number % 2 else "until [ -e /go ]; do sleep 0.05; done; "  # the others end with no runner
        script = f"echo first {number}; {waits}echo last >&2; exit {number + 3}"
        image = ensure_desktop_image(environment, settings)
        options = TaskOptions(detach=True, keep=True)
        start_task(environment, image, settings, options=options, command=["sh", "-c", script])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(count)))
    print("started", flush=True)
    sys.stdin.read()


def _go_on() -> None:
    """The second runner: find the tasks, let each end, wait for it, report what it printed, and remove it."""
    engine = Engine()

    def one(entry: TaskEntry) -> dict[str, object]:
        task = Tasks(Here(engine)).attach(entry.container_id)
        with contextlib.suppress(TaskGoneError):  # it has ended, or does so before its touch does
            task.execute(["touch", "/go"])
        status = task.wait(60)
        said = engine.docker("logs", task.container_id)
        task.container.remove()
        errors = [line for line in said.stderr.decode().splitlines() if not line.startswith("[desktop] ")]
        return {"status": status, "stdout": said.stdout.decode(), "stderr": errors, "url": task.novnc_url}

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for found in pool.map(one, tasks_of(Path.cwd())):
            print(json.dumps(found))


def story(folder: Path, count: int) -> str:
    """Run one round and describe it in a line; fail if the second runner does not find all tasks of the first.

    Args:
        folder: the project.
        count: how many tasks.
    """
    words = [sys.executable, "-m", "tests.harness.restart"]
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [*words, "begin", str(count)], cwd=folder, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout
        try:
            assert first.stdout.readline() == b"started\n"
        finally:
            first.kill()  # SIGKILL: it can do nothing about its tasks
    second = subprocess.run([*words, "go-on"], cwd=folder, env=variables, stdout=subprocess.PIPE, check=True)
    found = sorted(map(json.loads, second.stdout.splitlines()), key=lambda each: int(each["status"]))
    assert [each["status"] for each in found] == [number + 3 for number in range(count)], found
    assert [each["stdout"] for each in found] == [f"first {number}\n" for number in range(count)]
    assert all(each["stderr"] == ["last"] for each in found)
    assert [bool(each["url"]) for each in found] == [True] + [False] * (count - 1)
    assert tasks_of(folder) == []
    return f"runner killed with SIGKILL; of {count} tasks found: {count}, first line: {count}, status: {count}"


def main(words: list[str]) -> None:
    """Run the rounds, or one of their runners."""
    if words[:1] == ["begin"]:
        _begin(int(words[1]))
    elif words == ["go-on"]:
        _go_on()
    else:
        count, rounds = (int(word) for word in (*words, *("20", "1")[len(words) :]))
        for number in range(1, rounds + 1):
            print(f"round {number} of {rounds}: {story(Path.cwd(), count)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
