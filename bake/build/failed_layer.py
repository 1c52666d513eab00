"""Which layer of which environment a failed build is about, and on which layers a desktop stands that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...generator.target_names import DESKTOP, LAYER
from .failed_step import FinalError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...generator.bakefile import BakeTarget


_UNKNOWN = "the package sources have no "  # as recipe/layer_packages.sh says it
_SAYS = "[layer] "


def of_layers(error: FinalError, targets: Sequence[BakeTarget]) -> FinalError:
    """The error of a step, told with the names that people have for what it is about.

    Args:
        error: as `failed_step.failure_of` returns it.
        targets: those that were baked.

    Returns:
        The same error if it is about no layer, and no desktop above one.
    """
    name = error.target or (targets[0].name if len(targets) == 1 else None)  # of a single one BuildKit tells no name
    target = next((target for target in targets if target.name == name), None)
    if target is None or error.step is None:
        return error
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
    elif kind == DESKTOP and below:
        text += f"; the desktop of {_environments(target)} stands on {_named(below)}"
        remedy += "; if it installs without below_desktop, that is where the fault is"
    told = FinalError(text, remedy)
    told.target, told.step = error.target, error.step
    return told


def _named(layers: Sequence[str]) -> str:
    return f"layer{'s' * (len(layers) > 1)} {', '.join(map(repr, layers))}"


def _environments(target: BakeTarget) -> str:
    """The environments whose images have it."""
    ids = sorted({*target.environments, *target.above})
    return f"environment{'s' * (len(ids) > 1)} {', '.join(map(repr, ids[:3]))}{' and others' * (len(ids) > 3)}"
