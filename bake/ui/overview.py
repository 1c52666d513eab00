"""The page of the environments, drawn part by part: the rows at the top at once, the others soon after."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING

from ..system.text import age
from . import words
from .switches import layer_switches, switches
from .world import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..build.steps import Step
    from .builds import Build, Builds
    from .pages import Pages
    from .world import Row, World


_AT_FIRST = 24  # rows; no screen is that high
_TOGETHER = 50
_SHOWN_STEPS = 6
_SHOWN_LINES = {"running": 8, "failed": 40}


class Overview:
    """The environments, and what is built for them.

    Args:
        pages: the templates.
        world: what is known of the environments.
        builds: the builds that people asked for.
    """

    def __init__(self, pages: Pages, world: World, builds: Builds) -> None:
        self._pages, self._world, self._builds_of = pages, world, builds

    def page(self) -> str:
        """The whole page; rows far below are brief."""
        rows = [self._row(row) if n < _AT_FIRST else self._brief(row) for n, row in enumerate(self._world.rows)]
        parts = {"notice": self.notice(), "summary": self.summary(), "builds": self.builds()}
        return self._pages.draw("environments", {**parts, "rows": rows})

    def rest(self) -> Iterator[str]:
        """The rows that were brief, a few at a time."""
        rows = islice(self._world.rows, _AT_FIRST, None)
        while several := list(islice(rows, _TOGETHER)):
            yield "".join(map(self._row, several))

    def part(self, name: str) -> str:
        """A build or a row; empty if it is not shown any more."""
        if name.startswith("b"):
            build = next((b for b in self._builds_of.shown if f"b{b.number}" == name), None)
            return self._build(build) if build else ""
        row = self._world.named(name)
        return self._row(row) if row else ""

    def notice(self) -> str:
        """What is wrong with the file or the engine."""
        errors = [error for error in (self._world.error, self._world.engine_error) if error]
        return self._pages.draw("notice", {"errors": errors})

    def summary(self) -> str:
        """A sentence about all environments, and the actions for all."""
        standings = [(row, self._standing(row)) for row in self._world.rows]
        said = words.summary(standing for _, standing in standings)
        return self._pages.draw("summary", {"said": said, "missing": len(_missing(standings))})

    def missing(self) -> list[str]:
        """The environments that want an image but have none here."""
        return _missing([(row, self._standing(row)) for row in self._world.rows])

    def builds(self) -> str:
        """The builds that people asked for, the newest first."""
        return self._pages.draw("builds", {"builds": [self._build(build) for build in self._builds_of.shown]})

    def _standing(self, row: Row) -> words.Standing:
        return words.standing(row, self._builds_of.of(row.environment.env_id))

    def _row(self, row: Row) -> str:
        environment = row.environment
        return self._pages.draw(
            "row",
            {
                "id": name_of(environment.env_id),
                "env": environment,
                "state": self._standing(row),
                "notes": row.notes,
                "stored": row.stored,
                "switches": switches(environment),
                "layers": layer_switches(environment, self._world.layers),
            },
        )

    def _brief(self, row: Row) -> str:
        return self._pages.draw("brief", {"id": name_of(row.environment.env_id), "env": row.environment})

    def _build(self, build: Build) -> str:
        kind = words.BUILDING if build.is_running else words.OFF if build.is_cancelled else words.READY
        if build.errors and not build.is_running:
            kind = words.FAILED
        return self._pages.draw(
            "build",
            {
                "build": build,
                "kind": kind,
                "title": words.outcome(build),
                "took": age((build.ended or time.time()) - build.began),
                "errors": sorted(build.errors.items()),
                "meanwhile": words.meanwhile(build),
                "again": sorted(build.errors.keys() - {""}) or list(build.env_ids),
                **_shown(tuple(build.steps), is_over=kind == words.READY),
                "tail": _tail,
            },
        )


def _missing(standings: Iterable[tuple[Row, words.Standing]]) -> list[str]:
    wanted = (words.WILL, words.THERE, words.FAILED)
    return [
        row.environment.env_id
        for row, standing in standings
        if row.environment.cache_enabled and standing.kind in wanted
    ]


def _shown(steps: Sequence[Step], *, is_over: bool) -> dict[str, list[Step]]:
    """The steps that matter now, and the earlier ones that succeeded; once the build is over, all of them."""
    if is_over:
        return {"earlier": list(steps), "steps": []}
    last = len(steps) - _SHOWN_STEPS
    matters = [n >= last or step.state in ("failed", "running") for n, step in enumerate(steps)]
    earlier = [step for step, does in zip(steps, matters, strict=True) if not does]
    if len(earlier) < 3:
        return {"earlier": [], "steps": list(steps)}
    return {"earlier": earlier, "steps": [step for step, does in zip(steps, matters, strict=True) if does]}


def _tail(step: Step) -> Iterable[str]:
    return tuple(step.lines)[-_SHOWN_LINES.get(step.state, 0) :]
