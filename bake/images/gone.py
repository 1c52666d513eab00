"""Locked images that their registry no longer has: the reason to give if a build fails because of it."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.errors import RegistryError
from ...generator.reference import ImageReference
from ..config.lock_names import BASE, TOOL
from ..registry.client import digest_of
from .locked import NAMES, locked

if TYPE_CHECKING:
    from ..context import Context
    from .order import Order


def gone(order: Order, context: Context) -> str | None:
    """Which locked image of an order its registry no longer has, such as a garbage-collected base; or None."""
    settings, base = context.settings, order.environment.base_image
    wanted = [(BASE, base, order.key.base)] if locked(base, BASE, settings) else []
    tools = order.stack.desktop.images if order.stack.desktop else {}
    references = [(ImageReference.parse(name), digest) for name, digest in tools.items()]
    wanted += [(TOOL, reference, digest) for reference, digest in references if locked(reference, TOOL, settings)]
    for kind, reference, digest in wanted:
        with contextlib.suppress(RegistryError):
            if digest_of(replace(reference, digest=digest), context.access()) is None:
                return f"{NAMES[kind]} {reference} is locked at {digest}, which its registry no longer has"
    return None
