"""Why a build failed: which target, which of its steps, and what that said, from what BuildKit prints at the end."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...generator.errors import BuildFailedError
from ...generator.recipe import INSTALL, SETUP
from ...generator.stack import LAYER, PACKAGES, PREFLIGHT
from ..engine.shortage import DISK, shortage
from ..system.text import last_line

if TYPE_CHECKING:
    from collections.abc import Sequence


_FAILED = re.compile(r"(?:#(\d+) )?ERROR: .*did not complete successfully: exit code: (\d+)")
_TARGET = re.compile(r"ERROR: target ([\w-]+): ")
_VERTEX = re.compile(r"#(\d+) \[([\w-]+)[ \]]")
_BLOCK = re.compile(r"\s*> \[([\w-]+)[ \]]")
_OF_LAYERS = {PACKAGES: "packages", LAYER: "script"}
DESKTOP_STEPS = ("install script", "setup script")
SCRIPTS = {INSTALL: "install script", SETUP: "setup script", PREFLIGHT: "preflight script", **_OF_LAYERS}
_STEP = re.compile(r"\s*> \[.*")
_NO_SHELL = re.compile(r'exec: "/bin/sh": .*no such file')
_NETWORK = re.compile(
    r"could not resolve|could not connect|cannot initiate the connection|temporary failure|failed to fetch"
    r"|name resolution|(network|host) is unreachable|no route to host|tls handshake|(bad|service) (gateway|unavailable)"
    r"|connection (timed out|refused|reset|closed)|failed to connect|operation timed out|failed retrieving file"
    r"|network unreachable|failed to establish a new connection|returned error: (408|429|5\d\d)",
    re.IGNORECASE,
)
_ERROR = re.compile(
    r"^(\[layer\]|e:) |\b(err(or)?|fatal|fail(ed|ure)?|cannot|can't|could not|unable|denied|not found|no such|forbidden"
    r"|invalid|unknown|has no|have no|must)\b",
    re.IGNORECASE,
)
_TOGETHER_S = 0.05  # the most time between lines that were printed one after the other
_TIMED = re.compile(r"\s*(\d+\.\d+) ")
_PROGRESS = re.compile(r"(Reading package lists|Building dependency tree|Reading state information)\.\.\.( Done)?")


class FinalError(BuildFailedError):
    """A failure that is not tried again: a step of the recipe ended with its own status, or the machine ran short.

    Attributes:
        target: the target that failed; None if BuildKit did not say.
        step: its step that ended with its own status, or None.
        named: the targets that BuildKit named that step after; they may be below the one that failed.
    """

    target: str | None = None
    step: FailedStep | None = None
    named: frozenset[str] = frozenset()


class DiskFullError(FinalError):
    """No space was left."""


@dataclass(frozen=True, kw_only=True)
class FailedStep:
    """A step that ended with its own status.

    Attributes:
        name: the script that it ran, or `a step of the Dockerfile`.
        status: its exit status.
        said: the last line that it printed; empty if it printed none. It may contain what nobody else should see.
        blames_network: whether it printed that a download or a connection failed.
    """

    name: str
    status: int
    said: str
    blames_network: bool = False


def failure_of(lines: Sequence[str]) -> BuildFailedError:
    """Why a bake failed, from what it printed last."""
    target = failed_target(lines)
    own = lines_of(target, lines) if target else lines
    short, step = shortage(own), failed_step(own)
    error: BuildFailedError
    if short:
        error = (DiskFullError if short is DISK else FinalError)(f"build failed: {short.said}", short.remedy)
    elif step:
        article = "" if step.name.startswith("a ") else "the "
        whose = f" of {target or 'a layer'}" if step.name in _OF_LAYERS.values() else ""
        remedy = f"it said: {step.said}" if step.said else "see the build's output above"
        error = FinalError(f"build failed: {article}{step.name}{whose} ended with status {step.status}", remedy)
    else:
        said = [line for line in own if "ERROR" in line or "error:" in line.lower()] or own
        reason = last_line("\n".join(said)).removeprefix("ERROR: ")
        return BuildFailedError(f"build failed: {reason}", "see the build's output above")
    error.target, error.step, error.named = target, None if short else step, named_by(lines)
    return error


def named_by(lines: Sequence[str]) -> frozenset[str]:
    """The targets that the failed steps are named after: a step of several targets is printed as one target's."""
    failed = {found[1] for line in lines if (found := _FAILED.search(line)) and found[1]}
    vertices = {found[2] for line in lines if (found := _VERTEX.match(line)) and found[1] in failed}
    return frozenset(vertices | {found[1] for line in lines if (found := _BLOCK.match(line))})


def failed_target(lines: Sequence[str]) -> str | None:
    """The target whose failure ended a bake, which then gives up the others; None if the output does not say."""
    found = [match[1] for line in lines if (match := _TARGET.match(line))]
    return found[-1] if found else None


def lines_of(target: str, lines: Sequence[str]) -> Sequence[str]:
    """What a bake of several targets printed about this one; all of its output if that names no failed step.

    A step that targets share is printed as one target's.
    """
    theirs = {found[1] for line in lines if (found := _VERTEX.match(line)) and found[2] != target}
    kept: list[str] = []
    is_others = False
    for line in lines:
        block = _BLOCK.match(line)
        if block or line.startswith("---"):
            is_others = block is not None and block[1] != target
        number = line.partition(" ")[0].removeprefix("#")
        if not is_others and not (line.startswith("#") and number in theirs):
            kept.append(line)
    return kept if any(_BLOCK.match(line) for line in kept) else lines


def failed_step(lines: Sequence[str]) -> FailedStep | None:
    """The step that failed, or None if the build failed otherwise.

    Args:
        lines: what BuildKit printed; it ends with the failed step between two lines of dashes, and the error.
    """
    errors = [found for line in lines if (found := _FAILED.search(line))]
    if not errors:
        return None
    vertex = next((found[1] for found in errors if found[1]), None)
    at = max((n for n, line in enumerate(lines) if _STEP.match(line)), default=len(lines))
    step = lines[at] if at < len(lines) else ""
    own = [line.partition(" ")[2] for line in lines if vertex and line.startswith(f"#{vertex} ")]
    timed = [line for line in own if _TIMED.match(line)] or _block(lines[at + 1 :])
    printed = [_TIMED.sub("", line, count=1) for line in timed]
    said, blames = _blamed(timed) or last_words(printed), _NETWORK.search("\n".join(printed)) is not None
    name = next((name for file, name in SCRIPTS.items() if file in step), "a step of the Dockerfile")
    for file in SCRIPTS:
        said = said.removeprefix(f"/tmp/{file}: ").removeprefix(f"./{file}: ")
    if _NO_SHELL.search(said):
        said = "unsupported base: it has no shell (/bin/sh); install one in the base"
    return FailedStep(name=name, status=int(errors[-1][2]), said=said, blames_network=blames)


def last_words(lines: Sequence[str]) -> str:
    """What a program said last, shortened to a line's length; empty if it said nothing.

    Args:
        lines: what it printed. apt prints its progress late, after its error.
    """
    pieces = [piece.strip() for line in lines for piece in line.split("\r")]
    return next((piece[:300] for piece in reversed(pieces) if piece and not _PROGRESS.fullmatch(piece)), "")


def _blamed(timed: Sequence[str]) -> str:
    """The last line that looks like an error among those that a step printed together at its end; empty if none does.

    BuildKit reads a step's two streams separately: what was printed first may come last.
    """
    times = [float(found[1]) if (found := _TIMED.match(line)) else None for line in timed]
    end = max((time for time in times if time is not None), default=0.0)
    late = [n for n, time in enumerate(times) if time is not None and time >= end - _TOGETHER_S]
    for line in reversed(timed[late[0] :] if late else timed[:0]):
        said = last_words([_TIMED.sub("", line, count=1)])
        if _ERROR.search(said):
            return said
    return ""


def _block(lines: Sequence[str]) -> list[str]:
    """The last lines of a step as BuildKit repeats them at the end, in the order in which they were printed.

    It keeps them in a ring, which may begin anywhere, and a line that was printed in pieces has no time.
    """
    end = next((n for n, line in enumerate(lines) if line.strip().startswith("---")), len(lines))
    times = [float(found[1]) if (found := _TIMED.match(line)) else None for line in lines[:end]]
    known = [(n, time) for n, time in enumerate(times) if time is not None]
    begin = next((n for (_, before), (n, time) in itertools.pairwise(known) if time < before), 0)
    return [*lines[begin:end], *lines[:begin]]
