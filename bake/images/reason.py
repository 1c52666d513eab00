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

    from ..config.settings import Settings
    from .order import Order


def reason_of(order: Order, settings: Settings, ours: Iterable[Mapping[str, str]]) -> str:
    """The reason of a miss in one line, against the nearest of these images.

    Args:
        order: what was not found.
        settings: the settings of its project.
        ours: the labels of our images.
    """
    own = keys_of(order.environment, settings)
    candidates = [replace(c, is_own=str(c.key) in own) for c in map(candidate_of, ours) if c]
    base_name = order.environment.base_image.named
    near = nearest(order.key, base_name, candidates)
    if near is None:
        return reason(())
    now = StackInputs.of(order.environment, order.stack)
    return reason(changes(order.key, base_name, now, near, read_inputs(near.key)))


def candidate_of(
    labels: Mapping[str, str], name: str = "", where: str = "here", created_s: float = 0
) -> Candidate | None:
    """The image of these labels; None if they prove no key or name no base."""
    try:
        key, base = key_from_labels(labels), ImageReference.parse(labels[OCI_BASE_NAME])
    except ConfigurationError:  # not an image that can be near
        return None
    return Candidate(key=key, base_name=str(base), name=name, where=where, created_s=created_s)
