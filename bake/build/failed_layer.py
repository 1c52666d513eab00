"""Which layer of which environment a failed build is about, and which layers are below a desktop that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...generator.target_names import DESKTOP, LAYER
from .failed_step import DESKTOP_STEPS, FinalError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...generator.bakefile import BakeTarget
    from .failed_step import FailedStep


_UNKNOWN = "the package sources have no "  # printed by recipe/layer_packages.sh
_SAYS = "[layer] "


def of_layers(error: FinalError, targets: Sequence[BakeTarget]) -> FinalError:
    """The error of a step, in the names that people use for its layer or desktop.

    Args:
        error: as `failed_step.failure_of` returns it.
        targets: those that were baked.

    Returns:
        The error; the same one if it is neither about a layer nor about a desktop above one.
    """
    name = error.target or (targets[0].name if len(targets) == 1 else None)  # BuildKit does not name a single one
    chain = _chain(name, targets)
    if not chain or error.step is None:
        return error
    target = _whose(error.step, [each for each in chain if each.name in error.named] or chain[-1:], chain)
    kind, _, layer = target.holds[-1].partition(" ")
    below = [held.partition(" ")[2] for held in target.holds if held.startswith(f"{LAYER} ")]
    text, remedy = str(error), error.remedy
    if kind == LAYER:
        whose = f"layer {layer!r} of {_environments(target)}"
        said = error.step.said.removeprefix(_SAYS)
        text = f"build failed: the {error.step.name} of {whose} ended with status {error.step.status}"
        if said.startswith(_UNKNOWN):
            text = f"build failed: {whose}: {said}"
            remedy = "look for the right name in the base: apt-cache search NAME, or pacman -Ss NAME"
        elif lower := [each.holds[-1].partition(" ")[2] for each in chain[: chain.index(target)] if _is_layer(each)]:
            remedy += f"; BuildKit may name a step after what lies on it: look at {_named(lower)} below it, too"
    elif kind == DESKTOP and below:
        text += f"; the desktop of {_environments(target)} stands on {_named(below)}"
        remedy += "; if it installs without below_desktop, that is where the fault is"
    told = FinalError(text, remedy)
    told.target, told.step, told.named = target.name if error.target else None, error.step, error.named
    return told


def _is_layer(target: BakeTarget) -> bool:
    return target.holds[-1].startswith(f"{LAYER} ")


def _chain(name: str | None, targets: Sequence[BakeTarget]) -> list[BakeTarget]:
    """A target and the targets that it lies on, as far as these are baked too; the lowest first."""
    chain: list[BakeTarget] = []
    for target in reversed(targets):  # lower targets come first
        if f"target:{target.name}" == (chain[0].base if chain else f"target:{name}"):
            chain.insert(0, target)
    return chain


def _whose(step: FailedStep, named: Sequence[BakeTarget], chain: Sequence[BakeTarget]) -> BakeTarget:
    """The target that a failed step belongs to: the lowest that has it, or the desktop if it is the desktop's own."""
    if step.name in DESKTOP_STEPS:
        return next((target for target in chain if target.holds[-1] == DESKTOP), named[0])
    return named[0]


def _named(layers: Sequence[str]) -> str:
    return f"layer{'s' * (len(layers) > 1)} {', '.join(map(repr, layers))}"


def _environments(target: BakeTarget) -> str:
    """The environments whose images contain it."""
    ids = sorted({*target.environments, *target.above})
    return f"environment{'s' * (len(ids) > 1)} {', '.join(map(repr, ids[:3]))}{' and others' * (len(ids) > 3)}"
