"""What environments need from a lock: the images that they name without a digest, and the packages date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...generator.dockerfile import declares, named_images
from ...generator.recipe import BASE_ARGUMENT
from .lock_names import BASE, KINDS, TOOL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...generator.environment import Environment
    from ...generator.reference import ImageReference
    from .settings import Settings


@dataclass(frozen=True, kw_only=True)
class Use:
    """An image that environments name without a digest.

    Attributes:
        kind: `base` or `tool`.
        reference: the name.
        environments: the IDs of the environments that name it.
    """

    kind: str
    reference: ImageReference
    environments: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """The key of its block in `Lock.entries`."""
        return self.kind, self.reference.named


@dataclass(frozen=True, kw_only=True)
class Uses:
    """What environments need from a lock.

    Attributes:
        images: the images, in the order of the lock.
        dated: the IDs of the environments whose packages are installed again if the date moves.
        undated: the IDs of those with a desktop from their own Dockerfile that uses no date.
    """

    images: tuple[Use, ...]
    dated: tuple[str, ...]
    undated: tuple[str, ...]


def uses_of(environments: Iterable[Environment], settings: Settings) -> Uses:
    """What these environments need from a lock.

    Raises:
        ConfigurationError: a recipe is wrong.
    """
    found: dict[tuple[str, str], tuple[ImageReference, list[str]]] = {}
    dated: list[str] = []
    undated: list[str] = []
    for environment in environments:
        named = [(BASE, environment.base_image)]
        stack = settings.stack(environment)
        desktop = stack.desktop
        if desktop and environment.dockerfile is not None:
            images = named_images(desktop.dockerfile, environment.build_args).references.values()
            named += [(TOOL, image) for image in images]
        if desktop:
            takes = environment.dockerfile is None or declares(desktop.dockerfile, BASE_ARGUMENT)
            (dated if takes else undated).append(environment.env_id)
        elif any(layer.packages for layer in stack.layers):
            dated.append(environment.env_id)
        for kind, reference in named:
            if not reference.digest:
                ids = found.setdefault((kind, reference.named), (reference, []))[1]
                ids.append(environment.env_id)
    in_order = sorted(found, key=lambda key: (KINDS.index(key[0]), key[1]))
    return Uses(
        images=tuple(
            Use(kind=kind, reference=found[kind, name][0], environments=tuple(dict.fromkeys(found[kind, name][1])))
            for kind, name in in_order
        ),
        dated=tuple(dated),
        undated=tuple(undated),
    )
