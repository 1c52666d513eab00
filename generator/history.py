"""Whether an image's history ends where a recipe ends: labels are inherited, what was done after them shows there.

Every step that is built on an image, and `docker commit`, adds an entry to the history that it inherits. So the steps
of the recipe stand at the end of the history of an image that nothing was built upon, and nowhere before: whatever was
built upon such an image has them further up too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)\s+((?:--[a-z-]+(?:=\S*)?\s+)*)(.*)", re.DOTALL)
_HEREDOC = re.compile(r"<<(-?)([\"']?)([A-Za-z0-9_.-]+)\2")
_ESCAPE = re.compile(r"#\s*escape\s*=\s*(\S)\s*", re.IGNORECASE)
_DIRECTIVE = re.compile(r"#\s*[A-Za-z]+\s*=")
_NO_LAYER = ("ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "SHELL", "STOPSIGNAL",
             "USER", "VOLUME")  # fmt: skip
_STEPS = (*_NO_LAYER, "ADD", "COPY", "RUN", "WORKDIR")  # ONBUILD leaves no entry


@dataclass(frozen=True, kw_only=True)
class Step:
    """An instruction of a Dockerfile that leaves an entry in the history.

    Attributes:
        name: in upper case.
        command: of a `RUN`, what BuildKit writes of it; empty where that is not known.
    """

    name: str
    command: str = ""

    def made(self, created_by: str) -> bool:
        """Whether this may have made an entry (OCI image spec, config.md, "history", `created_by`)."""
        name, _, rest = created_by.partition(" ")
        return name == self.name and _squeezed(rest).removesuffix("#buildkit").endswith(_squeezed(self.command))


def last_stage(dockerfile: bytes) -> tuple[Step, ...]:
    """The steps of a Dockerfile's last stage (Dockerfile reference)."""
    steps: list[Step] = []
    for text in _instructions(dockerfile.decode("utf-8", "replace")):
        found = _INSTRUCTION.fullmatch(text)
        name = found[1].upper() if found else ""
        if name == "FROM":
            steps = []
        elif found and name in _STEPS:
            steps.append(Step(name=name, command=_command(found[3]) if name == "RUN" else ""))
    return tuple(steps)


def _command(text: str) -> str:
    """What BuildKit writes of a `RUN`: the shell's command, or the words of the exec form; empty with a heredoc."""
    if _HEREDOC.search(text):
        return ""
    try:
        words = json.loads(text)
    except ValueError:
        return text
    return " ".join(map(str, words)) if isinstance(words, list) else text


def _instructions(text: str) -> Iterator[str]:
    """Each instruction in one piece, without comments; of a heredoc its first line."""
    lines = text.splitlines()
    escape = "\\"
    for line in lines:
        if not _DIRECTIVE.match(line):
            break
        stated = _ESCAPE.fullmatch(line)
        escape = stated[1] if stated else escape
    whole = ""
    ends: list[str] = []
    for line in lines:
        if ends:
            dashed, end = ends[0][0] == "-", ends[0][1:]
            if (line.lstrip("\t") if dashed else line) == end:
                ends.pop(0)
            continue
        if line.lstrip().startswith("#") or not line.strip():
            continue
        whole += line
        if whole.rstrip().endswith(escape):
            whole = whole.rstrip()[:-1]
            continue
        ends = [(dash or " ") + end for dash, _, end in _HEREDOC.findall(whole)] if _takes_files(whole) else []
        yield whole
        whole = ""
    if whole:
        yield whole


def _takes_files(instruction: str) -> bool:
    return instruction.split(maxsplit=1)[0].upper() in ("ADD", "COPY", "RUN")


def built_upon(history: Sequence[str], layers: int, dockerfile: bytes) -> str | None:
    """Why an image may be more than what a Dockerfile makes; None where its history shows that it is not.

    Args:
        history: `created_by` of each entry, from the oldest.
        layers: how many layers the image has.
        dockerfile: of the recipe whose labels the image has.
    """
    steps = last_stage(dockerfile)
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
