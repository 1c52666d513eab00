"""The reason of a miss, in one line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ...generator.key import OCI_BASE_NAME
from ...generator.layer_key import key_from_labels
from ...generator.reference import ImageReference
from .difference import Candidate, changes, nearest, reason
from .history import keys_of, read_inputs
from .inputs import StackInputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...generator.environment import Environment
    from ...generator.layer_key import Key
    from ..config.settings import Settings


def reason_of(key: Key, environment: Environment | None, settings: Settings, ours: Iterable[Mapping[str, str]]) -> str:
    """The reason of a miss in one line, against the nearest of these images.

    Args:
        key: the key that was not found.
        environment: whose it is, where that is known.
        settings: where its recipe lies.
        ours: the labels of our images.
    """
    own = keys_of(environment, settings) if environment else frozenset()
    candidates = [replace(c, is_own=str(c.key) in own) for c in map(candidate_of, ours) if c]
    base_name = environment.base_image.named if environment else ""
    near = nearest(key, base_name, candidates)
    if near is None:
        return reason(())
    now = StackInputs.of(environment, settings.stack(environment)) if environment else None
    return reason(changes(key, base_name, now, near, read_inputs(near.key)))


def candidate_of(
    labels: Mapping[str, str], name: str = "", where: str = "here", created_s: float = 0
) -> Candidate | None:
    """The image of these labels; None for one that proves no key, or whose base has no name."""
    try:
        key, base = key_from_labels(labels), ImageReference.parse(labels[OCI_BASE_NAME])
    except ConfigurationError:  # not an image that can be near
        return None
    return Candidate(key=key, base_name=str(base), name=name, where=where, created_s=created_s)
