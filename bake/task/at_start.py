"""What a task installs when it starts: the parts of its environment that its image lacks, the lowest first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...generator.recipe import INSTALL, SETUP
from .program import program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...generator.environment import Environment
    from ...generator.stack import LayerRecipe, Stack
    from ..config.settings import Settings
    from ..images.result import ImageResult


FOLDER = "/etc/desktop-bake"  # the folder of the scripts in the container
ROOT = "0"
_RUN, _NAMES = "install.sh", "packages"


@dataclass(frozen=True, kw_only=True)
class AtStart:
    """What a task installs when it starts.

    Attributes:
        names: the names of the parts for people, the lowest first.
        before: the scripts in `FOLDER` that are run before the desktop starts, in order.
        after: the scripts that are run once it is ready, by name, in order.
        files: the files that must be in `FOLDER`.
        executables: which of them are executable.
        user: the user who installs it, `user[:group]`: the image's user, as in a bake, not the task's.
    """

    names: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: Mapping[str, bytes] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    executables: tuple[str, ...] = ()
    user: str = ROOT


def at_start(environment: Environment, image: ImageResult, settings: Settings) -> AtStart:
    """What a task of this image lacks.

    If the desktop is installed, the layers below it are installed before it. All others wait until the desktop is
    ready; so does the preflight, which comes last.

    Args:
        environment: the environment.
        image: the task's image.
        settings: where its files are.

    Raises:
        ConfigurationError: a file is missing or wrong.
    """
    lacks_desktop = environment.headless_desktop_enabled and image.lacks_desktop
    lacks_preflight = environment.preflight_script is not None and image.lacks_preflight
    lacking = [layer.name for layer in environment.all_layers if layer.name not in image.baked_layers]
    whole = settings.files.whole(environment) if lacks_desktop or lacks_preflight or lacking else None
    if whole is None:
        return AtStart()
    files: dict[str, bytes] = {}
    before: list[str] = []
    after: dict[str, bytes] = {}
    executables: list[str] = []
    for number, layer in enumerate((layer for layer in whole.layers if layer.name in lacking), 1):
        folder = f"layer-{number}"
        files |= {f"{folder}/{path}": content for path, content in _files(layer).items()}
        executables += [f"{folder}/{path}" for path, file in layer.context() if file.executable]
        if lacks_desktop and layer in whole.below:
            before.append(f"{folder}/{_RUN}")
        else:
            after[f"layer {layer.name!r}"] = f"exec /bin/sh {FOLDER}/{folder}/{_RUN}\n".encode()
    if lacks_desktop and whole.desktop:
        files |= {INSTALL: whole.desktop.install, SETUP: whole.desktop.setup}
        before += [INSTALL, SETUP]
    if lacks_preflight and whole.preflight:
        after["preflight_script"] = whole.preflight.script
    return AtStart(
        names=_names(whole, lacking, desktop=lacks_desktop, preflight=lacks_preflight),
        before=tuple(before),
        after=after,
        files=files,
        executables=tuple(executables),
    )


def _files(layer: LayerRecipe) -> dict[str, bytes]:
    """What a layer is installed from: its context, the names of its packages, and the script that installs it."""
    context = {path: file.content for path, file in layer.context()}
    names = "".join(f"{name}\n" for name in layer.names).encode()
    return {**context, **({_NAMES: names} if names else {}), _RUN: program("layer").encode()}


def _names(whole: Stack, lacking: list[str], *, desktop: bool, preflight: bool) -> tuple[str, ...]:
    below, above = (
        [f"layer {layer.name!r}" for layer in layers if layer.name in lacking] for layers in (whole.below, whole.above)
    )
    return (*below, *["desktop"] * desktop, *above, *["preflight"] * preflight)


def said_of(environment: Environment, lacking: AtStart) -> str | None:
    """The message about what a task of an environment with layers installs; None if there is nothing to say."""
    if not environment.all_layers or not lacking.names:
        return None
    first = next((layer for layer in environment.all_layers if layer not in environment.baked_layers), None)
    lies = len(lacking.names) > 1 and lacking.names[0] == f"layer {first.name!r}" if first else False
    why = f"; what lies on {lacking.names[0]}, which is not baked, is not baked either" if lies else ""
    return f"[desktop] installing at start: {', '.join(lacking.names)}{why}"
