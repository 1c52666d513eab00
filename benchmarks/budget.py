"""The parts of a hit's time: `desktop-bake run` from its process's start to its end, and each program's CPU time."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

_STARTED = time.time()  # before anything of ours is loaded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Add = Callable[[str, str, str, str], None]


_TICKS = os.sysconf("SC_CLK_TCK")
_PROCESSES = "cat /proc/[0-9]*/stat"  # the task's command prints the CPU time of each process of the task
_PHASES = (
    "interpreter",
    "imports and settings",
    "questions to the engine",
    "container made",
    "console attached",
    "container started",
    "X and gate",
    "banner",
    "window manager",
    "command",
    "removal",
)


class Clock:
    """Attributes the time between two calls to phases; a call within a phase counts to that phase.

    Attributes:
        taken: seconds by phase.
    """

    def __init__(self, spawned: float) -> None:
        self.taken = {"interpreter": _STARTED - spawned}
        self._inside = False

    def timed(self, owner: Any, name: str, phase: Callable[..., str]) -> None:
        """Measure every call of a function or method."""
        whole = getattr(owner, name)

        def call(*arguments: Any, **keywords: Any) -> Any:
            if self._inside:
                return whole(*arguments, **keywords)
            self._inside, began = True, time.time()
            self.taken.setdefault("imports and settings", began - _STARTED)
            try:
                return whole(*arguments, **keywords)
            finally:
                self._inside = False
                what = phase(*arguments)
                self.taken[what] = self.taken.get(what, 0.0) + time.time() - began

        setattr(owner, name, call)


def run_one(spawned: float, config: str) -> None:
    """Run the command in this process; print its budget as JSON on standard error."""
    from desktop_bake.bake.cli.main import main
    from desktop_bake.bake.engine.api import Endpoint
    from desktop_bake.bake.task import start
    from desktop_bake.bake.task.console import LISTENS, Console
    from desktop_bake.bake.task.container import Container
    from desktop_bake.bake.task.task import DesktopTask

    clock = Clock(spawned)
    clock.timed(Container, "create", lambda *_: "container made")
    clock.timed(Container, "attach", lambda *_: "console attached")
    clock.timed(Container, "start", lambda *_: "container started")
    clock.timed(Console, "until", lambda _, text, *__: "X and gate" if text == LISTENS else "window manager")
    clock.timed(start, "wait_for_banner", lambda *_: "banner")
    clock.timed(DesktopTask, "execute", lambda *_: "command")
    clock.timed(DesktopTask, "stop", lambda *_: "removal")
    clock.timed(Endpoint, "ask", lambda *_: "questions to the engine")
    status = main(["run", "-q", "--config", config, "--", "sh", "-c", _PROCESSES])
    own = os.times()
    sys.stdout.flush()
    print(json.dumps({"taken": clock.taken, "cpu_s": own.user + own.system, "status": status}), file=sys.stderr)


def _processors(stat: str) -> dict[str, float]:
    """Seconds of CPU time by program, from `/proc/PID/stat` of each process (proc(5))."""
    found: dict[str, float] = {}
    for name, rest in re.findall(r"^[0-9]+ \((.*)\) (.*)$", stat, re.MULTILINE):
        fields = rest.split()
        found[name] = found.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / _TICKS
    return found


def measure(repetitions: int, config: Path, add: Add) -> None:
    """Add a row for each phase, and one for each program in the container.

    Args:
        repetitions: the number of runs.
        config: the configuration of an environment whose image is here.
        add: takes the four cells of a row.
    """
    budgets: list[dict[str, float]] = []
    cpus: list[dict[str, float]] = []
    for _ in range(repetitions + 1):
        words = [sys.executable, "-m", "benchmarks.budget", str(time.time()), str(config)]
        began = time.time()
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        whole = time.time() - began
        said = json.loads(done.stderr.splitlines()[-1])
        assert said["status"] == 0, done.stderr
        budgets.append({**said["taken"], "whole": whole, "rest": whole - sum(said["taken"].values())})
        cpus.append({"desktop-bake": said["cpu_s"], **_processors(done.stdout)})
    budgets, cpus = budgets[1:], cpus[1:]  # the first one warms up
    whole_s = statistics.median(budget["whole"] for budget in budgets)
    for phase in (*_PHASES, "rest", "whole"):
        median = statistics.median(budget.get(phase, 0.0) for budget in budgets)
        add(f"budget of a hit: {phase}", f"{median:.3f} s", f"{median / whole_s:.2f}", "")
    programs = sorted({name for cpu in cpus for name in cpu}, key=lambda name: -sum(c.get(name, 0.0) for c in cpus))
    for name in programs:
        median = statistics.median(cpu.get(name, 0.0) for cpu in cpus)
        if median:
            add(f"processor of a hit: {name}", f"{median:.3f} s", "", "")


if __name__ == "__main__":
    run_one(float(sys.argv[1]), sys.argv[2])
