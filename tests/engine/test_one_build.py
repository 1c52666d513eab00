"""One build of a key at a time on one machine: which process builds, which wait, for whom, and how long."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Settings, Status, ensure_desktop_image, load_settings
from desktop_bake.bake.build.machine_lock import Turn
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.images.order import key_of
from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.generator.errors import CancelledError, TimeLimitError
from tests.harness.gate import Gate, gate
from tests.harness.log_lines import WAITING
from tests.harness.project import ENVIRONMENT, base_name
from tests.harness.watched import Watch, Watched
from tests.harness.work import work

if TYPE_CHECKING:
    from desktop_bake import Environment
    from desktop_bake.generator.layer_key import Key
    from tests.harness.project import Run


BUILDING = "[desktop-cache] building "


def start(watch: Watch, project: Path, *flags: str, **variables: str) -> Watched:
    """`desktop-bake build`, watched."""
    process = subprocess.Popen(
        [sys.executable, "-m", "desktop_bake", "build", "--json", *flags],
        env={**os.environ, **variables},
        cwd=project,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return watch.add(process)


def are_installing(watch: Watch) -> bool:
    """Whether the install step of each has begun: it is one step for all."""
    step = re.compile(r"#\d+ \[.*RUN .*desktop_install\.sh")
    return all(any(map(step.match, tuple(one.lines))) for one in watch.all)


def waits_for(one: Watched) -> list[int]:
    """The processes that it says it waits for."""
    said = [line.partition(": process ")[2] for line in one.says(WAITING)]
    return [int(line.split()[0]) for line in said if " of this user, environment 'default', since " in line]


def builder(watch: Watch, among: list[Watched], way: Gate, arrivals: int) -> Watched:
    """The process that builds, once its build is at the gate and all others report that they wait for it."""

    def at_work() -> bool:
        building = watch.saying(BUILDING, among)
        return len(building) == 1 and all(building[0].process.pid in waits_for(o) for o in among if o != building[0])

    watch.until(at_work, 240)
    assert len(way.arrivals) <= arrivals
    return watch.saying(BUILDING, among)[0]


def test_many_at_once(
    project: Path, engine: Engine, rounds: Callable[[int, int], int], figure: Callable[[str], None]
) -> None:
    """Processes that miss the same key at once make one build; the others name it, wait, and get its image."""
    count = rounds(6, 50)
    with gate() as way, Watch() as watch:
        (project / "install.sh").write_text(way.script() + "echo installed >/etc/installed\n")
        for _ in range(count):
            start(watch, project)
        one = builder(watch, watch.all, way, 1)
        way.is_open.set()
        answers = [each.answer() for each in watch.all]
        assert watch.saying(BUILDING) == [one]
        assert len(way.arrivals) == 1
    assert one.answer()["status"] == "built"
    assert sorted(a["status"] for a in answers) == ["built"] + ["local-hit"] * (count - 1)
    (image_id,) = {a["image_id"] for a in answers}
    image = engine.image(image_id)
    assert image
    assert image.labels["desktop-bake.cache-key"] == answers[0]["cache_key"]
    figure(f"{count} processes, {len(way.arrivals)} build, {len(answers)} right images")


def test_the_builder_is_killed(project: Path) -> None:
    """After SIGKILL of the building process exactly one waiting process builds, and the others wait for that one."""
    with gate() as way, Watch() as watch:
        (project / "install.sh").write_text(way.script() + "echo installed >/etc/installed\n")
        three = [start(watch, project) for _ in range(3)]
        first = builder(watch, three, way, 1)
        first.process.kill()
        left = [one for one in three if one != first]
        second = builder(watch, left, way, 2)
        way.is_open.set()
        answers = [one.answer() for one in left]
        assert watch.saying(BUILDING) == [one for one in three if one in (first, second)]
    assert sorted(a["status"] for a in answers) == ["built", "local-hit"]
    assert len({a["image_id"] for a in answers}) == 1
    assert not list((cache_folder() / "locks").glob("*.owner"))


@pytest.mark.parametrize(
    "flags",
    [
        [],
        pytest.param(["--all"], marks=pytest.mark.soak),
        pytest.param(["--no-cache"], marks=pytest.mark.soak),
    ],
    ids=" ".join,
)
def test_users_of_one_engine(
    project: Path, flags: list[str], rounds: Callable[[int, int], int], figure: Callable[[str], None]
) -> None:
    """Users with separate cache folders share no lock: if they bake one key at the same moment, each gets an image."""
    many, users, count = "--all" in flags, rounds(3, 4), rounds(1, 10)
    if many:
        (project / "other.sh").write_text("echo other >/etc/other\n")
        with (project / "desktop-bake.toml").open("a") as file:
            file.write(ENVIRONMENT.format(name="other", base=base_name()))
    for number in range(count):
        with gate() as way, Watch() as watch:
            (project / "install.sh").write_text(f"{way.script()}echo {number} >/etc/installed\n")
            for user in range(users):
                start(watch, project, *flags, XDG_CACHE_HOME=str(project / f"cache-{user}"))
            watch.until(partial(are_installing, watch))
            way.is_open.set()
            assert [len(one.images()) for one in watch.all] == [1 + many] * users
    figure(f"{count} times {users} users at once, every one with the images")


@pytest.fixture
def missing(project: Path, engine: Engine) -> tuple[Environment, Settings, Key]:
    """An environment that is a miss, its settings, and its key."""
    settings = load_settings(project / "desktop-bake.toml", {})
    environment = settings.environment(None)
    return environment, settings, key_of(environment, work(engine, settings))


def test_the_limit_of_a_wait(missing: tuple[Environment, Settings, Key], cli: Run) -> None:
    """A process that waits beyond the build's limit fails soon after it and names the builder; a task falls back."""
    environment, settings, key = missing
    with Turn(key, environment.env_id, work(Engine(), settings, print)) as turn:
        turn.announce()
        lines: list[str] = []
        began = time.monotonic()
        result = ensure_desktop_image(environment, replace(settings, build_timeout_s=1), log=lines.append)
        assert time.monotonic() - began < 6
        assert result.status is Status.FALLBACK
        assert "[desktop-cache] falling back to runtime install" in lines
        done = cli("build", "--timeout", "1")
    assert done.returncode == 124
    assert (
        f"error: another process was still building {key} after 1 s\n  wait for its end, or raise build_timeout_s\n"
        in done.stderr
    )
    assert f"{WAITING}{key}: process {os.getpid()} of this user, environment 'default', since " in done.stderr
    assert BUILDING not in done.stderr


def test_cancelled_while_it_waits(missing: tuple[Environment, Settings, Key]) -> None:
    """Cancelled by another thread, a waiting process ends at once, and the lock stays as it was."""
    environment, settings, key = missing
    cancel = threading.Event()
    said: list[float] = []

    def log(line: str) -> None:
        if line.startswith(WAITING):
            said.append(time.monotonic())
            cancel.set()

    with Turn(key, environment.env_id, work(Engine(), settings, print)) as turn:
        turn.announce()
        with pytest.raises(CancelledError):
            ensure_desktop_image(environment, settings, log=log, cancel=cancel)
        assert time.monotonic() - said[0] < 2
        soon = replace(settings, build_timeout_s=1)
        with pytest.raises(TimeLimitError), Turn(key, environment.env_id, work(Engine(), soon, print)):
            pass
