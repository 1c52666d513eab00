"""Today's recipe against that of another revision, in one run: `--only recipes --before REVISION`.

Scripts come from Git; each recipe's image is started by its own start script, only through the engine's API.
"""

from __future__ import annotations

import concurrent.futures
import statistics
import subprocess
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.clock import medians
from desktop_bake import Settings, TaskOptions, ensure_desktop_image
from desktop_bake.bake.config.shipped import GATE, gate_of, gate_text, shipped
from desktop_bake.bake.task.console import READY
from desktop_bake.bake.task.container import Container
from desktop_bake.bake.task.container_request import ContainerRequest
from desktop_bake.bake.task.program import with_bash

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.__main__ import Bench
    from desktop_bake.bake.task.console import Console


AT_ONCE = 20
_LIMIT_S = 120.0
_BAKED = {"install_script": "desktop_install.sh", "setup_script": "desktop_setup.sh", "dockerfile": "Dockerfile"}
# The container's CPU time so far, in microseconds or nanoseconds, by the kernel's interface.
_USED = """cd /sys/fs/cgroup
sed -n 's/^usage_usec /us /p' cpu.stat 2>/dev/null || echo ns $(cat cpuacct/cpuacct.usage)"""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A recipe: its image, and its start script."""

    image_id: str
    command: tuple[str, ...]

    def begun(self, bench: Bench) -> tuple[Container, Console]:
        """A container whose desktop is ready."""
        container = Container(bench.engine.endpoint)
        request = ContainerRequest(
            image=self.image_id, command=self.command, labels={}, options=TaskOptions(), desktop=True, publish=True
        )
        container.create(request.body())
        console = container.attach()
        console.write(b"- \n")
        container.start()
        if not console.until(READY, time.monotonic() + _LIMIT_S):
            raise SystemExit(f"the desktop ended: {list(console.last)}")
        return container, console

    def starts(self, bench: Bench, count: int) -> float:
        """Seconds until the last of this many at once is ready."""
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            start = time.perf_counter()
            begun = list(pool.map(lambda _: self.begun(bench), range(count)))
            took = time.perf_counter() - start
            list(pool.map(lambda one: one[0].remove(), begun))
        return took

    def processor(self, bench: Bench) -> float:
        """Seconds of CPU time that a start has taken when the desktop is ready."""
        container, _ = self.begun(bench)
        try:
            words = ["docker", "exec", container.container_id, "sh", "-c", _USED]
            used = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
        finally:
            container.remove()
        unit, ticks = used.split()
        return int(ticks) / (1e6 if unit == "us" else 1e9)


def measure(bench: Bench) -> None:
    """Add the rows of both recipes."""
    if not bench.before:
        raise SystemExit("recipes are compared with those of a revision: --before REVISION")
    before = _of(bench, bench.before)
    run = shipped("recipe/desktop_run.sh").read_text(encoding="utf-8")
    now = Recipe(image_id=str(bench.image.image_id), command=tuple(with_bash(run, "desktop", gate_text(), "held")))

    def compare(what: str, work: Callable[[Recipe], float]) -> None:
        ours, theirs = medians(bench.repetitions, lambda: work(now), lambda: work(before))
        bench.row(f"{what}: the recipe / that of {bench.before}", ours, theirs, "")

    compare("until ready", lambda recipe: statistics.median(recipe.starts(bench, 1) for _ in range(3)))
    compare(f"{AT_ONCE} at once until the last is ready", lambda recipe: recipe.starts(bench, AT_ONCE))
    compare("processor until ready", lambda recipe: recipe.processor(bench))


def _of(bench: Bench, revision: str) -> Recipe:
    """The recipe of a revision, baked."""

    def text(name: str) -> str:
        words = ["git", "show", f"{revision}:recipe/{name}"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    folder = bench.folder / "before"
    folder.mkdir()
    for name in _BAKED.values():
        (folder / name).write_text(text(name), encoding="utf-8")
    settings = Settings(root=folder, repository=bench.settings.repository, cache="none", fallback=False)
    image = ensure_desktop_image(replace(bench.environment, env_id="before", **_BAKED), settings)  # type: ignore[arg-type]
    words = ["git", "ls-tree", "--name-only", f"{revision}:recipe"]
    there = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    gate = gate_of(text(name) for name in GATE if name in there)
    command = with_bash(text("desktop_run.sh"), "desktop", gate, "held")
    return Recipe(image_id=str(image.image_id), command=tuple(command))
