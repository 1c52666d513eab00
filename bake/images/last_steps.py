"""Whether an image's history ends where a recipe ends: labels are inherited, but the history shows later steps.

Every step that is built on an image, and `docker commit`, adds an entry to the history that it inherits. So if nothing
was built upon an image, the steps of the recipe are at the end of its history, and nowhere before. Any image that was
built upon it has them further up too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...generator.dockerfile import WORD, instructions
from ...generator.stack import LayerRecipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...generator.stack import Part, Stack


_FLAGS = re.compile(rf"\s*(?:--[a-z-]+(?:=(?:{WORD})?)?\s+)*")
_NO_LAYER = (
    "ARG",
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
)
_STEPS = (*_NO_LAYER, "ADD", "COPY", "RUN", "WORKDIR")  # ONBUILD leaves no entry


@dataclass(frozen=True, kw_only=True)
class Step:
    """An instruction of a Dockerfile that leaves an entry in the history.

    Attributes:
        name: in upper case.
        command: what BuildKit writes for a `RUN`; empty if that is not known.
    """

    name: str
    command: str = ""

    def made(self, created_by: str) -> bool:
        """Whether this may have made an entry (OCI image spec, config.md, "history", `created_by`)."""
        name, _, rest = created_by.partition(" ")
        return name == self.name and _squeezed(rest).removesuffix("#buildkit").endswith(_squeezed(self.command))


def steps_of(stack: Stack) -> tuple[Step, ...]:
    """The steps at the end of the history of an image of these parts.

    Layers are made by the same steps, whether below or above a desktop. To tell their steps from what was built upon
    them, the history has to show every part. Without layers, the topmost part is enough.
    """
    if not stack.layers:
        return last_stage(stack.top.dockerfile)
    return tuple(step for part in stack.parts for step in _steps_of(part))


def _steps_of(part: Part) -> tuple[Step, ...]:
    stages = _stages(part.dockerfile)
    both = isinstance(part, LayerRecipe) and part.packages  # its stage of packages, and the stage of its script on that
    return tuple(step for stage in (stages if both else stages[-1:]) for step in stage)


def last_stage(dockerfile: bytes) -> tuple[Step, ...]:
    """The steps of a Dockerfile's last stage (Dockerfile reference)."""
    return next(reversed(_stages(dockerfile)), ())


def _stages(dockerfile: bytes) -> list[tuple[Step, ...]]:
    """The steps of each stage of a Dockerfile."""
    stages: list[tuple[Step, ...]] = []
    for name, rest in instructions(dockerfile):
        if name == "from":
            stages.append(())
        elif stages and name.upper() in _STEPS:
            command = _command(_FLAGS.sub("", rest, count=1)) if name == "run" else ""
            stages[-1] = (*stages[-1], Step(name=name.upper(), command=command))
    return stages


def _command(text: str) -> str:
    """What BuildKit writes for a `RUN`: the shell's command, or the words of the exec form; empty with a heredoc."""
    if "<<" in text:
        return ""
    try:
        words = json.loads(text)
    except ValueError:
        return text
    return " ".join(map(str, words)) if isinstance(words, list) else text


def built_upon(history: Sequence[str], layers: int, steps: Sequence[Step]) -> str | None:
    """Why an image may be more than what a Dockerfile makes; None if its history shows that it is not.

    Args:
        history: `created_by` of each entry, from the oldest.
        layers: how many layers the image has.
        steps: the steps of the recipe whose labels the image has.
    """
    if not steps:
        return "its Dockerfile's last stage has no step that its history could show"
    if not _ends_with(history, steps):
        return "its history does not end with the recipe's steps: something was built upon it"
    if any(_ends_with(history[:end], steps) for end in range(len(steps), len(history))):
        return "its history has the recipe's steps more than once: something may have been built upon it"
    if layers > sum(entry.partition(" ")[0] not in _NO_LAYER for entry in history):
        return "it has layers that its history does not tell of"
    return None


def _ends_with(history: Sequence[str], steps: Sequence[Step]) -> bool:
    return len(history) >= len(steps) and all(
        step.made(entry) for step, entry in zip(steps, history[len(history) - len(steps) :], strict=True)
    )


def _squeezed(text: str) -> str:
    return "".join(text.split())
