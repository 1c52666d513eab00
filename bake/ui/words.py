"""Texts for people: the status of an environment, the result of a build, the summary of a pruning plan."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...generator.errors import ScriptFailedError
from ..images.result import Disabled, LocalHit, Miss, RegistryHit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .builds import Build
    from .world import Row


READY, THERE, WILL, OFF, FAILED, LOOKING, BUILDING = (
    "ready",
    "registry",
    "will-build",
    "off",
    "failed",
    "looking",
    "building",
)
_SUMMARY = {
    READY: ("is ready", "are ready"),
    BUILDING: ("is being built", "are being built"),
    THERE: ("is in the registry", "are in the registry"),
    WILL: ("will be built", "will be built"),
    FAILED: ("needs attention", "need attention"),
    OFF: ("is off", "are off"),
    LOOKING: ("is being looked for", "are being looked for"),
}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The status of an environment.

    Attributes:
        kind: one of the constants above, each with a colour and a mark.
        title: two or three words.
        detail: a sentence on why, and what happens next.
        remedy: what to do; empty if nothing has to be done.
    """

    kind: str
    title: str
    detail: str = ""
    remedy: str = ""


def standing(row: Row, build: Build | None) -> Standing:
    """The status of an environment.

    Args:
        row: what is known of it.
        build: its newest build here, or None.
    """
    if build and build.is_running:
        return Standing(kind=BUILDING, title="Being built", detail=progress(build))
    error = build and (build.errors.get(row.environment.env_id) or build.errors.get(""))
    if row.error:
        return Standing(kind=FAILED, title="Cannot be told", detail=str(row.error), remedy=row.error.remedy)
    result = row.result
    if isinstance(result, Disabled):
        return Standing(kind=OFF, title="Off", detail=_off(result))
    if isinstance(result, LocalHit):
        return Standing(kind=READY, title="Ready here", detail="tasks start at once")
    if isinstance(result, RegistryHit):
        return Standing(kind=THERE, title="In the registry", detail="the next task pulls it")
    if not isinstance(result, Miss) or not result.reason:
        return Standing(kind=LOOKING, title="Looking", detail="asking the engine and the registry")
    if error:
        return Standing(kind=FAILED, title="Build failed", detail=str(error).removeprefix("build failed: "))
    return Standing(kind=WILL, title="Will be built", detail=result.reason, remedy=result.registry_error or "")


def _off(result: Disabled) -> str:
    return "nothing is cached: tasks install it at every start" if result.install_at_start else "tasks have no desktop"


def progress(build: Build) -> str:
    """The progress of a build: the running step, or that it begins, ends or is being cancelled."""
    steps = tuple(build.steps)
    running = [step for step in steps if step.state == "running"]
    if not running:
        return "cancelling" if build.is_cancelled else ("begins" if not steps else "ends")
    return f"step {len(steps)}, {running[-1].name}"


def summary(standings: Iterable[Standing]) -> str:
    """A sentence about all environments."""
    counts = Counter(s.kind for s in standings)
    parts = [f"{counts[kind]} {words[counts[kind] != 1]}" for kind, words in _SUMMARY.items() if counts[kind]]
    if not parts:
        return "There is no environment yet."
    said = ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]
    return f"{said}."


def meanwhile(build: Build) -> str:
    """What happens to tasks while a build fails."""
    failed = sorted(build.errors.keys() - {""}) or sorted(build.env_ids)
    if not build.falls_back:
        return f"Meanwhile tasks of {_list(failed)} do not start: fallback is off in the configuration."
    own = [name for name in failed if isinstance(build.errors.get(name), ScriptFailedError)]
    refused = [] if build.installs_at_start else own
    others = [name for name in failed if name not in refused]
    said = []
    if others:
        said.append(f"Meanwhile tasks of {_list(others)} install their desktop at every start: slower, but they run.")
    if refused:
        said.append(f"Meanwhile tasks of {_list(refused)} do not start: the same script would fail again.")
    return " ".join(said)


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def outcome(build: Build) -> str:
    """The state or result of a build, in a few words."""
    names = _list(build.env_ids) if len(build.env_ids) <= 3 else f"{len(build.env_ids)} environments"
    if build.is_running:
        return f"Cancelling {names}" if build.is_cancelled else f"Building {names}"
    if build.is_cancelled:
        return f"Cancelled: {names}"
    if build.errors:
        return f"{names} failed" if not build.results else f"{len(build.errors)} of {len(build.env_ids)} failed"
    return f"{names}: ready"
