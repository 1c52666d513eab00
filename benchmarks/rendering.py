"""What rendering costs, by the number of environments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.clock import medians, seconds
from desktop_bake import BakeOptions, Digest, Stack, bake_targets, compute_key, render_bake_file
from desktop_bake.bake.config.shipped import shipped

if TYPE_CHECKING:
    from benchmarks.__main__ import Bench


def measure(bench: Bench) -> None:
    """Add the row of rendering 10, 100 and 1,000 environments, keys included."""
    template = shipped("docker-bake.hcl.j2").read_text()
    recipe = bench.settings.recipe(bench.environment)

    def render(count: int) -> float:
        def work() -> None:
            wanted = []
            for number in range(count):
                environment = replace(bench.environment, env_id=str(number), build_args={"N": str(number)})
                wanted.append(
                    (environment, Stack(desktop=recipe), compute_key(environment, recipe, Digest.of(b"base")))
                )
            options = BakeOptions(repository=bench.settings.repository)
            render_bake_file(template, bake_targets(wanted, options), options)

        return seconds(work)

    ten, hundred, thousand = medians(bench.repetitions, *(lambda n=n: render(n) for n in (10, 100, 1000)))
    bench.rows.append(
        (
            "rendering 10 / 100 / 1,000 environments",
            f"{ten:.3f} / {hundred:.3f} / {thousand:.3f} s",
            f"{thousand / hundred:.1f}",
            "1,000 < 1 s, ratio to 100 about 10",
        )
    )
