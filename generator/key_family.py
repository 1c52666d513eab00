"""The family of a key: whose images and builds share one cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .key import CacheKey
from .layer_key import LayerKey, chain_of
from .reference import Digest

if TYPE_CHECKING:
    from .layer_key import Key


def family_of(key: Key) -> str:
    """The family of keys that share one cache: the same variant and packages; for a layer, the same layer, too.

    Environments that install different things never evict each other; those that differ only in setup share the layer
    that takes the time.
    """
    if isinstance(key, LayerKey):
        letter = "p" if key.is_preflight else "l"
        return f"{key.variant}-{_below(key)[:12]}-{letter}{key.content.hex[:8]}"
    on = f"-l{_below(key)[:8]}" if key.below else ""
    return f"{key.variant}-{key.install.hex[:12]}{on}"


def _below(key: Key) -> str:
    """Hexadecimal digits that keep the caches of parts on different keys apart."""
    below = chain_of(key)[-2] if key.below else None
    if below is None:
        return key.base.hex
    if isinstance(below, CacheKey) and not below.below:
        return below.install.hex
    return Digest.of(family_of(below).encode()).hex
