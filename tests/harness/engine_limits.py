"""What an engine can lack, and what a task does then."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.harness.builders import remote_builder
from tests.harness.fault_page import FALLBACK, rows
from tests.harness.machine_faults import cut_off
from tests.harness.registries import real_registry
from tests.harness.relay import relay

if TYPE_CHECKING:
    from tests.harness.engine_task import Task

Outcome = tuple[int, str]
ROWS = rows()

ONE_CUT = threading.Lock()  # a task that installs at start needs the network that another task's fault would cut
IN_BUILDS = '[ -z "${DESKTOP_KEEP_DOWNLOADS:-}" ] ||'  # the Dockerfile sets these, a task's start does not


def called(task: Task, *words: str) -> Outcome:
    """A task of a program that calls the API."""
    return task.follow(task.program("caller", *words))


# --- one task each ---------------------------------------------------------------------------------------------


def network_cut(task: Task) -> Outcome:
    """Packages that stop arriving delay a build only up to its limit."""
    slowly = f"slowly=; {IN_BUILDS} slowly='-o Acquire::http::Dl-Limit=1000'"
    apt = "apt-get -q update && cd /tmp && apt-get -q $slowly download perl-doc || exit"
    task.write(f"{slowly}\n{apt}", top="build_timeout_s = 20")
    with ONE_CUT, ExitStack() as until_later:
        return task.run(
            {
                r"Get:1 .* perl-doc": lambda: until_later.enter_context(cut_off(task.machine)),
                re.escape(FALLBACK): until_later.close,
            }
        )


def removed(task: Task) -> Outcome:
    """The image is removed before `run` creates its container."""

    def remove() -> None:
        images = task.machine.run("docker", "image", "ls", "-q", task.repository, check=True).stdout.split()
        assert images
        task.machine.run("docker", "image", "rm", "-f", *images, check=True)

    with relay(task.machine.environment["DOCKER_HOST"], "POST /containers/create", remove) as host:
        task.variables["DOCKER_HOST"] = host
        return task.run()


def removed_from_a_caller(task: Task) -> Outcome:
    """The image is removed between two calls of a program."""
    return called(task, "remove", "cat /etc/installed", "60")


def jumping(task: Task, by: str) -> Path:
    """Let a task's clock be set by a file: https://github.com/wolfcw/libfaketime."""
    file = task.folder / "clock"
    file.write_text(by)
    library = Path(os.environ["DESKTOP_BAKE_TEST_LIBRARIES"].split(":")[0], "faketime", "libfaketime.so.1")
    assert library.exists(), library
    task.variables |= {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # a clock that no setting moves
    }
    task.first += ("time.sleep = lambda seconds: select.select([], [], [], seconds)",)  # its clock_nanosleep() fails
    return file


def forget_clocks() -> None:
    """Remove what libfaketime left in shared memory for processes that were killed."""
    for file in Path("/dev/shm").glob("*faketime_*_*"):
        if not Path("/proc", file.name.rpartition("_")[2]).exists():
            file.unlink(missing_ok=True)


def clock_in_a_build(task: Task) -> Outcome:
    """The clock jumps while one task builds and another waits for it; both get the image."""
    task.write("echo under way; sleep 3")
    clock = jumping(task, "+0")
    others: list[Outcome] = []

    def other() -> None:
        others.append(task.run({"waiting: ": lambda: clock.write_text("+1y")}))

    waiting = threading.Thread(target=other)
    first = task.run({"under way$": waiting.start, r"\[desktop\] http": lambda: clock.write_text("-1y")})
    waiting.join()
    ROWS["the clock jumps by a year during a build"].compare(*others[0])
    return first


def clock_in_a_pause(task: Task) -> Outcome:
    """A pause after failed builds ends with the clock a year ahead, and with the clock set back."""
    task.first = ("pause.IN_A_ROW = 1",)
    task.write(f"{IN_BUILDS} exit 3", top="install_at_start = true")
    clock = jumping(task, "+1y")
    task.run()
    clock.write_text("-1y")
    return task.run()


def clock_and_certificate(task: Task) -> Outcome:
    """A registry's certificate, valid for a month, has expired a year later, and the error says so."""
    with real_registry(task.folder / "tls", tls=True, address=task.machine.first_address) as registry:
        task.repository = f"{registry.host}/{task.repository}"
        task.write()
        jumping(task, "+1y")
        task.variables["SSL_CERT_FILE"] = str(registry.ca)
        return task.run()


def lock_limit(task: Task) -> Outcome:
    """Another process builds for longer than this one waits."""
    task.write(f"{IN_BUILDS} {{ echo under way; sleep 60; }}", top="build_timeout_s = 2")
    other = replace(task, variables={"DESKTOP_BAKE_BUILD_TIMEOUT_S": "60"})
    process = other.start("build")
    outcomes: list[Outcome] = []

    def wait() -> None:
        outcomes.append(task.run())
        process.send_signal(signal.SIGINT)

    waiting = threading.Thread(target=wait)
    other.follow(process, {"under way$": waiting.start})
    waiting.join()
    return outcomes[0]


def build_limit(task: Task) -> Outcome:
    """A step takes longer than a build may."""
    task.write(f"{IN_BUILDS} sleep 60", top="build_timeout_s = 3")
    return task.run()


def load_limit(task: Task) -> Outcome:
    """The way to the engine stalls while another builder's image is handed over."""
    task.write(top="build_timeout_s = 5")
    given_up = threading.Event()
    (task.folder / "b").mkdir()
    stalls = relay(task.machine.environment["DOCKER_HOST"], "POST /images/load", given_up.wait)
    with remote_builder(os.environ["DOCKER_HOST"], task.machine.run, task.folder / "b") as builder, stalls as host:
        task.variables["DOCKER_HOST"] = host
        return task.run({re.escape(FALLBACK): given_up.set}, "cat /etc/installed", "--builder", builder)


def desktop_limit(task: Task) -> Outcome:
    """An X server that never takes clients."""
    task.first = ("start.READY_TIMEOUT_S = 2",)
    task.write(setup="printf '#!/bin/sh\\nsleep 60\\n' >$(command -v Xvnc)")
    return task.run()


def command_limit(task: Task) -> Outcome:
    """A command that takes longer than its caller waits."""
    return called(task, "keep", "sleep 60", "1")


FAULTS: dict[str, Callable[[Task], Outcome]] = {
    "the network is cut while packages are downloaded": network_cut,
    "the image is removed between its look-up and the start": removed,
    "the image is removed between a caller's look-up and its start": removed_from_a_caller,
    "the clock jumps by a year during a build": clock_in_a_build,
    "the clock jumps by a year in the pause after failed builds": clock_in_a_pause,
    "the clock is a year ahead of the registry's certificate": clock_and_certificate,
    "limit: another process's build is waited for": lock_limit,
    "limit: the build": build_limit,
    "limit: the image is loaded": load_limit,
    "limit: the desktop gets ready": desktop_limit,
    "limit: the command": command_limit,
}
