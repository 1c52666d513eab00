"""Faults of the engine, each by its real cause: what the user sees, and that the task runs or is clearly refused."""

from __future__ import annotations

import itertools
import os
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.builders import remote_builder
from tests.harness.engine_task import INSTALLED, Task, task_on, tidy
from tests.harness.fault_page import FALLBACK, rows
from tests.harness.machine_faults import full_disk, hanging, memory_limit
from tests.harness.relay import relay

if TYPE_CHECKING:
    from tests.harness.machines import Machine, Registry


ROWS = rows()
MB = 1_000_000
# Pulls and pushes alone: a build in the same limit could be too slow for it.
TRANSFER_LIMIT = "work = engine.Engine.work; engine.Engine.work = lambda *a, **k: work(*a, **{**k, 'limit_s': 4})"
BIG, LEFT = f"head -c {30 * MB} /dev/urandom >/var/big", 45 * MB  # room for the packages, not for their image too
Rounds = Callable[[int, int], int]
Figure = Callable[[str], None]


@pytest.fixture(scope="module", autouse=True)
def tidied(equipped: Machine, team: Registry) -> Iterator[None]:
    """What these tests build is gone afterwards."""
    yield
    tidy(equipped, team)


@pytest.fixture
def task(equipped: Machine, tmp_path: Path, team: Registry) -> Task:
    """A task on the machine whose engine may break."""
    return task_on(equipped, tmp_path, team)


def end_of(machine: Machine, how: str) -> Callable[[], None]:
    """What ends a machine's engine."""
    return machine.kill_engine if how == "killed" else machine.stop_engine


def publish(task: Task) -> None:
    """Publish its image, and remove it from the machine."""
    status, printed = task.follow(task.start("build", "--push"))
    assert status == 0, printed
    images = task.machine.run("docker", "image", "ls", "-q", task.repository, check=True).stdout.split()
    task.machine.run("docker", "image", "rm", "-f", *images, check=True)
    task.machine.run("docker", "builder", "prune", "-af", check=True)


def test_restarted_in_a_build(task: Task, rounds: Rounds, figure: Figure) -> None:
    """An engine that ends in the middle of a build and comes back builds once more: the task has its image."""
    many = rounds(1, 10)
    for number, how in enumerate(itertools.islice(itertools.cycle(("killed", "stopped")), many)):
        task.write(f"echo under way; sleep 1 # {number}")

        def restart(how: str = how) -> None:
            end_of(task.machine, how)()
            task.machine.start_engine()

        restarting = threading.Thread(target=restart)
        status, printed = task.run({"under way$": restarting.start})
        restarting.join()
        ROWS[f"the engine is {how} during a build and comes back"].compare(status, printed)
        assert INSTALLED in printed
        assert task.containers() == ""
    figure(f"{many} engines killed or stopped in a build and restarted, {many} tasks from their image")


def test_gone_in_a_build(task: Task) -> None:
    """An engine that does not come back refuses the task, and that is no failure of the recipe."""
    task.write("echo under way; sleep 60")
    task.first = ("ensure.RESTART_S = 1",)
    status, printed = task.run({"under way$": task.machine.kill_engine})
    task.machine.start_engine()
    ROWS["the engine is killed during a build and stays away"].compare(status, printed)
    assert not list((task.folder / "cache").glob("desktop-bake/failures/*.json"))


def test_ended_in_a_run(task: Task, rounds: Rounds, figure: Figure) -> None:
    """An engine that ends in the middle of a task ends it: one line says so, and no container is left."""
    many = rounds(1, 10)
    for how in itertools.islice(itertools.cycle(("stopped", "killed")), many):
        status, printed = task.run({"^begun$": end_of(task.machine, how)}, "echo begun >&2; sleep 60")
        task.machine.start_engine()
        ROWS[f"the engine is {how} while the task runs"].compare(status, printed)
        assert task.containers() == ""
    figure(f"{many} engines stopped or killed in a run, {many} tasks ended with one line, no container left")


def test_disk_full_at_export(task: Task, rounds: Rounds, figure: Figure) -> None:
    """If the image does not fit, what the build left makes room for installing at start."""
    many = rounds(1, 5)
    for number in range(many):
        task.write(f"{BIG} # {number}")
        with full_disk(task.machine, LEFT):
            status, printed = task.run()
        ROWS["the disk is full when the image is exported"].compare(status, printed)
        assert INSTALLED in printed
    figure(f"{many} full disks at export, {many} tasks installed at start")


def test_disk_full_at_load(task: Task, tmp_path_factory: pytest.TempPathFactory) -> None:
    """If another builder's image does not fit, the task installs at start."""
    task.write(BIG)
    with (
        remote_builder(os.environ["DOCKER_HOST"], task.machine.run, tmp_path_factory.mktemp("b")) as builder,
        full_disk(task.machine, LEFT),
    ):
        status, printed = task.run(None, "cat /etc/installed", "--builder", builder)
    ROWS["the disk is full when the image is loaded"].compare(status, printed)
    assert INSTALLED in printed


def test_disk_full_at_pull(task: Task, team: Registry) -> None:
    """If the team's image does not fit, the task installs at start."""
    task.repository = f"{team.address}/{task.repository}"
    task.write(BIG)
    publish(task)
    with full_disk(task.machine, LEFT):
        status, printed = task.run()
    ROWS["the disk is full when the image is pulled"].compare(status, printed)
    assert INSTALLED in printed


def test_out_of_memory(task: Task, rounds: Rounds, figure: Figure) -> None:
    """A step that the kernel kills for its memory is said to be; with memory again the task installs at start."""
    many = rounds(1, 5)
    for number in range(many):
        task.write(f"""perl -e '$x = "x" x {400 * MB}; print length $x' || exit # {number}""")
        with ExitStack() as until_later:
            until_later.enter_context(memory_limit(task.machine, 200 * MB))
            status, printed = task.run({re.escape(FALLBACK): until_later.close})
        ROWS["a build step runs out of memory"].compare(status, printed)
        assert INSTALLED in printed
    figure(f"{many} build steps killed by the kernel, {many} tasks installed at start")


def test_limits_of_a_registry(task: Task, team: Registry, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A registry that hangs: at a pull the image is built; look-ups and the push are given up, and the task runs."""
    limits = "registry_timeout_s = 1"
    task.repository = f"{team.address}/{task.repository}"
    task.write(top=limits)
    publish(task)
    other = task_on(task.machine, tmp_path_factory.mktemp("other"), team)
    task.first = other.first = (TRANSFER_LIMIT,)
    other.repository = f"{team.address}/{other.repository}"
    other.write(top=f'{limits}\npull = "always"\npush = true')
    assert task.machine.registry
    with ThreadPoolExecutor() as pool, ExitStack() as until_later:
        later: list[Future[tuple[int, str]]] = []

        def hang() -> None:
            assert task.machine.registry
            until_later.enter_context(hanging(task.machine.registry.service))
            later.append(pool.submit(other.run))

        status, printed = task.run({r"\[desktop-cache\] pulling": hang})
        ROWS["limit: the image is pulled"].compare(status, printed)
        status, printed = later[0].result()
        ROWS["limit: the registry is asked for the base and for the image, and the image is pushed"].compare(
            status, printed
        )


def test_limit_of_the_engine(task: Task) -> None:
    """An engine that hangs when it is asked for the container refuses the task within the limit of a call. What it made
    after we had hung up goes with the next start."""
    task.first = (
        "container._REMOVE_TIMEOUT_S = 1",
        "api.Endpoint.ask.__kwdefaults__.update(timeout_s=1)",
    )
    host = task.machine.environment["DOCKER_HOST"]
    with ExitStack() as until_later, ExitStack() as until_asked:
        hang = partial(until_asked.enter_context, hanging(task.machine.engine))
        task.variables["DOCKER_HOST"] = until_later.enter_context(relay(host, "POST /containers/create", hang))
        status, printed = task.run()
        ROWS["limit: the engine is asked for the container"].compare(status, printed)
        until_asked.close()
        task.first = ()
        assert task.run()[0] == 0
    assert task.containers() == ""
