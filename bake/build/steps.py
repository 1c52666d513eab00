"""The steps of a bake as they come, read from what BuildKit prints (`--progress plain`)."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .failed_step import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Iterator


_LINE = re.compile(r"#(\d+) (.*)")
_POSITION = re.compile(r"(\d+)/(\d+)$")
_DONE = re.compile(r"DONE (\d+\.\d+)s$")
_TIMED = re.compile(r"\d+\.\d+ (.*)")
_ENDS = {"CACHED": "cached", "CANCELED": "cancelled"}
_EXPORT = "exporting to "
_KEPT_LINES, _LONGEST_NAME = 40, 90


@dataclass
class Step:
    """A step of a bake.

    Attributes:
        name: what it does, for people: a script's name, or the instruction.
        target: its target, and its position there; empty if BuildKit names none.
        state: `running`, `done`, `cached`, `failed` or `cancelled`.
        seconds: how long it took, once it is done.
        lines: what it printed last.
    """

    name: str
    target: str = ""
    state: str = "running"
    seconds: float | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))


class Steps:
    """The steps of one bake after the other, in the order in which they began.

    BuildKit's internal work, such as reading the Dockerfile, does not count as a step.
    """

    def __init__(self) -> None:
        self._all: list[Step] = []
        self._known: dict[str, tuple[str, Step | None]] = {}

    def __iter__(self) -> Iterator[Step]:
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def feed(self, line: str) -> None:
        """Read a line of any kind."""
        found = _LINE.match(line)
        if not found:
            return
        number, said = found.groups()
        if said.startswith(("[", _EXPORT)):
            self._begin(number, said)
        elif step := self._known.get(number, ("", None))[1]:
            _go_on(step, said)

    def _begin(self, number: str, head: str) -> None:
        before = self._known.get(number)
        if before and before[0] == head:  # BuildKit comes back to it
            return
        if before:  # another bake, which numbers its steps from 1 again
            self._known.clear()
        step = _step(head)
        self._known[number] = (head, step)
        if step:
            self._all.append(step)


def _step(head: str) -> Step | None:
    """The step of a head such as `[office stage-0 2/3] RUN …`; None for BuildKit's internal work."""
    if head.startswith(_EXPORT):
        return Step(name="export the image")
    where, _, what = head.removeprefix("[").partition("] ")
    words = where.split()
    if "internal" in words or what.startswith("load "):
        return None
    position = _POSITION.search(where)
    own = [word for word in words if not word.startswith("stage-") and not _POSITION.match(word)]
    if "context" in words:
        return Step(name=f"base {what.partition('@')[0]}")
    if what.startswith("FROM "):
        what = what.partition("@")[0]
    name = next((name for file, name in SCRIPTS.items() if f"source={file}" in what), what[:_LONGEST_NAME])
    return Step(name=name, target=" ".join([*own, *([f"{position[1]} of {position[2]}"] if position else [])]))


def _go_on(step: Step, said: str) -> None:
    done = _DONE.match(said)
    if done:
        step.state, step.seconds = "done", float(done[1])
    elif said in _ENDS:
        step.state = _ENDS[said]
    elif said.startswith("ERROR: "):
        step.state = "failed"
    elif timed := _TIMED.match(said):
        step.lines.append(timed[1])
