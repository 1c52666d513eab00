"""The task runner: how soon a task's desktop answers, many at once, and our process's memory meanwhile."""

from __future__ import annotations

import concurrent.futures
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.clock import medians, quiet
from desktop_bake import Started, TaskOptions, ensure_desktop_image, start_task

if TYPE_CHECKING:
    from benchmarks.__main__ import Bench
    from desktop_bake import DesktopTask, TaskEvent


AT_ONCE = 20


def measure(bench: Bench) -> None:
    """Add the rows of the task runner."""
    times = bench.repetitions * 2
    names: list[str] = []
    try:
        many, one = medians(
            times,
            lambda: _at_once(bench, AT_ONCE, names),
            lambda: statistics.median(_at_once(bench, 1, names) for _ in range(5)),  # one alone varies by a tenth
        )
    finally:
        if names:
            quiet("docker", "rm", "-f", *names)
    bench.row(f"{AT_ONCE} tasks at once until the last is ready / one task", many, one, "<= 10")
    begun: list[float] = []
    api, bare = medians(times, lambda: _api(bench, begun), bench.bare)
    bench.row("hit, API call until ready in a warm process / bare docker run to the banner", api, bare, "<= 1.2")
    bench.row("hit, API call until the event Started / until ready", statistics.median(begun), api, "< 0.6")
    own, shared = zip(*(_memory(bench) for _ in range(bench.repetitions)), strict=True)
    measured = f"{statistics.median(own):.0f} MB ({statistics.median(shared):.0f} MB)"
    bench.rows.append(("idle memory of `desktop-bake run` (of it shared by several)", measured, "", "< 40 MB"))


def _api(bench: Bench, begun: list[float]) -> float:
    """One call of the API after the other, as a runner makes them, until it is ready; and the time of its start."""
    start = time.perf_counter()

    def on_event(event: TaskEvent) -> None:
        if isinstance(event, Started):
            begun.append(time.perf_counter() - start)

    image = ensure_desktop_image(bench.environment, bench.settings, engine=bench.engine)
    task = start_task(bench.environment, image, bench.settings, engine=bench.engine, on_event=on_event)
    took = time.perf_counter() - start
    task.stop()
    return took


def _at_once(bench: Bench, count: int, names: list[str]) -> float:
    """This many tasks from threads of one process, until the last one's desktop is ready.

    The containers are stopped and kept; the caller removes `names` after the last measurement: ext4 creates files
    slowly for minutes after thousands were removed, and the next start would be charged for that.
    """

    def one(_number: int) -> DesktopTask:
        image = ensure_desktop_image(bench.environment, bench.settings, engine=bench.engine)
        options = TaskOptions(keep=True)
        task = start_task(bench.environment, image, bench.settings, engine=bench.engine, options=options)
        names.append(task.container_id)  # at once: it is removed even if another fails
        return task

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        start = time.perf_counter()
        tasks = list(pool.map(one, range(count)))  # raises if one failed
        took = time.perf_counter() - start
        list(pool.map(lambda task: task.stop(), tasks))
    return took


def _memory(bench: Bench) -> tuple[float, float]:
    """The memory of `desktop-bake run` while its task runs, in MB: resident, and the part that others map too."""
    process = subprocess.Popen(
        [sys.executable, "-m", "desktop_bake", "run", "--config", str(bench.config)],
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    assert process.stderr
    while not process.stderr.readline().startswith(b"[desktop] http://"):
        pass
    status = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    process.terminate()
    process.communicate()

    def megabytes(name: str) -> float:
        return sum(int(kb) for kb in re.findall(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)) / 1000

    return megabytes("Rss"), megabytes("Rss") - megabytes("Pss")
