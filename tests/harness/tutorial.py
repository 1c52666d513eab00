"""The tutorial, word for word: each command of its pages runs in a shell, and has to print what stands below it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .markdown import DOCS, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LIMIT_S = 300
_ANY = re.compile(r"(?P<digits>\b[0-9a-f]{12}\b)|[0-9]+\\ (second|minute|hour)s?$")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command of the tutorial.

    Attributes:
        place: page and line of its block.
        command: as it is typed.
        shown: the lines below it; `…` stands for any text, 12 hex digits and an age for any other of their kind.
    """

    place: str
    command: str
    shown: tuple[str, ...]

    def missing(self, printed: str) -> list[str]:
        """The lines that were not printed, or not in this order."""
        rest = [" ".join(line.split()) for line in printed.splitlines()]
        missing = []
        for line in self.shown:
            pattern = re.compile(_ANY.sub(_any, re.escape(" ".join(line.split()))).replace("…", ".*"))
            found = next((n for n, said in enumerate(rest) if pattern.fullmatch(said)), None)
            if line == "…":
                continue
            if found is None:
                missing.append(line)
            else:
                rest = rest[found + 1 :]
        return missing


def _any(found: re.Match[str]) -> str:
    """A pattern for anything of the same kind."""
    return "[0-9a-f]{12}" if found["digits"] else r"([0-9]+\ [a-z]+|a\ moment)"


def steps(page: str, folder: Path = DOCS / "tutorial") -> Iterator[Step]:
    """The commands of a page of docs/tutorial, or of another folder."""
    for block in blocks(folder / page):
        if block.language != "console":
            continue
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, *shown = part.splitlines()
            yield Step(place=str(block), command=command, shown=tuple(shown))


@dataclass
class Shell:
    """The shell of a person who follows the tutorial.

    Attributes:
        folder: the working directory; `cd` changes it.
        instead: this machine's values for the tutorial's names.
        variables: additions to our environment.
        times: each command with its duration in seconds.
    """

    folder: Path
    instead: Mapping[str, str]
    variables: dict[str, str]
    times: list[tuple[str, float]]

    def here(self, text: str) -> str:
        """A text with this machine's names."""
        for name, ours in self.instead.items():
            text = text.replace(name, ours)
        return text

    def run(self, step: Step) -> None:
        """Run a command; it has to succeed, and to print what the page shows."""
        end = self.folder / ".end"
        environment = {
            **os.environ,
            **self.variables,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        began = time.monotonic()
        done = subprocess.run(
            ["bash", "-c", f"{self.here(step.command)}\nstatus=$?; pwd >{shlex.quote(str(end))}; exit $status"],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
        self.times.append((step.command, time.monotonic() - began))
        self.folder = Path(end.read_text().strip())
        end.unlink()
        assert done.returncode == 0, f"{step.place}: {step.command}\n{done.stdout}"
        shown = Step(place=step.place, command=step.command, shown=tuple(map(self.here, step.shown)))
        assert shown.missing(done.stdout) == [], f"{step.place}: {step.command}\n{done.stdout}"
