"""`desktop-bake ps` over many tasks, against `docker ps -a` of the same containers."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.clock import medians, seconds
from desktop_bake.bake.task.labels import labels_of

if TYPE_CHECKING:
    from benchmarks.__main__ import Bench


COUNT = 100


def measure(bench: Bench) -> None:
    """Add the rows of `ps`: the containers have a task's labels and never start, which makes no difference to `ps`."""
    endpoint = bench.engine.endpoint
    labels = labels_of(bench.environment, None, bench.folder)
    body = {"Image": str(bench.environment.base_image), "Cmd": ["true"], "Labels": labels}
    made: list[str] = []
    own = [sys.executable, "-m", "desktop_bake", "ps"]
    docker = ["docker", "ps", "-a", "--filter", f"label={next(iter(labels))}"]

    def run(words: list[str]) -> None:
        done = subprocess.run(words, check=True, capture_output=True)
        assert len(done.stdout.splitlines()) > COUNT, done.stdout

    try:
        while len(made) < COUNT:
            made.append(str(endpoint.ask("POST", "/containers/create", {}, body).content["Id"]))
        ours, theirs = medians(
            max(7, bench.repetitions), lambda: seconds(lambda: run(own)), lambda: seconds(lambda: run(docker))
        )
    finally:
        for container in made:
            endpoint.ask("DELETE", f"/containers/{container}", {"force": "1"})
    bench.row(f"`ps` over {COUNT} tasks / `docker ps -a` of the same", ours, theirs, "<= 1.5")
    bench.rows.append((f"`ps` over {COUNT} tasks", f"{ours:.3f} s", "", "< 0.3 s"))
