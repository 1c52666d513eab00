"""Tasks that outlive the program that started them: found, read, waited for and stopped by another."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop_bake import Engine, Tasks
from tests.harness.markdown import DOCS, blocks
from tests.harness.restart import Here, story, tasks_of
from tests.harness.tutorial import Shell, steps
from tests.harness.users import NOBODY


@pytest.fixture
def folder(project: Path, base: str) -> Iterator[Path]:
    """A project with its own name, with a desktop and without; its tasks are removed afterwards."""
    own = project / f"tasks-{uuid.uuid4().hex[:8]}"
    own.mkdir()
    (own / "desktop-bake.toml").write_text(
        f'[environments.office]\nbase_image = "{base}"\nheadless_desktop_enabled = true\ncache_desktop_build = true\n'
        f'[environments.plain]\nbase_image = "{base}"\n'
    )
    yield own
    if left := [entry.container_id for entry in tasks_of(own)]:
        subprocess.run(["docker", "rm", "-fv", *left], check=True, capture_output=True)


def test_a_runner_that_was_killed(
    folder: Path, rounds: Callable[[int, int], int], figure: Callable[[str], None]
) -> None:
    """Another program finds its detached tasks, their output from the first line, and their status, also once ended."""
    times, count = rounds(1, 50), rounds(3, 20)
    for _ in range(times):
        assert story(folder, count).endswith(f"found: {count}, first line: {count}, status: {count}")
    figure(f"{times} runners killed, the output and status of all {times * count} tasks found")


def test_the_page(folder: Path) -> None:
    """The session of docs/tasks.md prints what the page shows; its code runs meanwhile, on one of its three tasks."""
    end = uuid.uuid4().hex[:6]
    names = {name: f"{name}-{end}" for name in ("build", "viewer", "office", "plain")}
    config = folder / "desktop-bake.toml"
    config.write_text(config.read_text().replace("[environments.office]", f"[environments.{names['office']}]"))
    config.write_text(config.read_text().replace("[environments.plain]", f"[environments.{names['plain']}]"))
    shell = Shell(folder=folder, instead=names, variables={}, times=[])
    (code,) = (block.text for block in blocks(DOCS / "tasks.md") if block.language == "python")
    words = [sys.executable, "-u", "-c", shell.here(code)]
    script = list(steps("tasks.md", DOCS))
    at = next(n for n, step in enumerate(script) if " cp " in step.command)
    for step in script[:at]:
        shell.run(step)
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        lines = iter(program.stdout.readline, "")
        said = list(itertools.takewhile(lambda line: not line.startswith("http"), lines))
        others(shell)
        for step in script[at:]:
            shell.run(step)
        said += lines
    assert [f"{names['build']} {names['office']} running None\n" in said, said[-1]] == [True, "3\n"]
    assert (
        (folder / "desktop.png").read_bytes()[:4] == (folder / f"{names['viewer']}.png").read_bytes()[:4] == b"\x89PNG"
    )
    assert re.fullmatch("[0-9a-f]{12}\n", (folder / "hostname").read_text())
    assert tasks_of(folder) == []


def others(shell: Shell) -> None:
    """The page's other promises: a missing command, a limit, a table and names for a shell."""
    build, plain = shell.here("build"), shell.here("plain")
    for words, status in (
        (("exec", build, "--", "no-such"), 127),
        (("wait", plain), 127),
        (("wait", build, "--timeout", "1s"), 124),
        (("attach", plain), 7),
        (("exec", build, "--", "sh", "-c", "exit 5"), 5),
    ):
        assert typed(shell.folder, *words).returncode == status, words
    assert Tasks(Here(Engine())).attach(build).execute(["no-such"]).status == 127
    assert max(map(len, typed(shell.folder, "ps").stdout.splitlines())) <= 80
    assert {build, shell.here("viewer")} <= set(typed(shell.folder, "ps", "-q").stdout.split())


def typed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`desktop-bake` in a folder."""
    program = [sys.executable, "-m", "desktop_bake", *words]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def nobody(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`desktop-bake` as another user of this machine, who may use the engine too, and read what we may."""
    own = folder / "of nobody"
    own.mkdir()
    os.chown(own, NOBODY, NOBODY)
    may = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    group = Path(Engine().endpoint.host.removeprefix("unix://")).stat().st_gid
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", f"--groups={group}", *may, "--"]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        program = [*user, sys.executable, "-m", "desktop_bake", *words]
        variables = {**os.environ, "HOME": str(own), "XDG_CACHE_HOME": str(own)}
        return subprocess.run(
            program, cwd=folder, capture_output=True, text=True, check=False, timeout=60, env=variables
        )

    return run


def test_tasks_of_others(folder: Path, nobody: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Of two users of a machine neither lists, reads nor stops the other's task, unless asked for all tasks."""
    name = folder.name
    started = nobody("run", "-d", "--keep", "--name", name, "plain", "--", "sleep", "1000")
    try:
        assert started.returncode == 0, started.stderr
        assert name in nobody("ps", "-q").stdout.split()
        assert name not in typed(folder, "ps", "-q").stdout.split()
        for words in (("stop", name), ("logs", name), ("exec", name, "--", "true")):
            done = typed(folder, *words)
            assert (done.returncode, done.stderr.splitlines()[0]) == (
                7,
                f"error: there is no task '{name}', or not any more",
            )
        assert name in typed(folder, "ps", "--all", "-q").stdout.split()
        assert typed(folder, "exec", "--all", name, "--", "sh", "-c", "exit 5").returncode == 5
        assert typed(folder, "stop", "--all", "-t", "0", "--rm", name).returncode == 0
        assert name not in nobody("ps", "-q").stdout.split()
    finally:
        subprocess.run(["docker", "rm", "-fv", name], check=False, capture_output=True)
