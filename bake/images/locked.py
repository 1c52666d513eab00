"""What is known without asking a registry: the digest in a reference itself, or in the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..config.lock_names import BASE, LOCK_NAME, TOOL

if TYPE_CHECKING:
    from ...generator.layer_key import Key
    from ...generator.reference import Digest, ImageReference
    from ..config.lock import LockedImage
    from ..config.settings import Settings


NAMES = {BASE: "base image", TOOL: "the Dockerfile's image"}


def locked(reference: ImageReference, kind: str, settings: Settings) -> LockedImage | None:
    """What the lock says of an image.

    Args:
        reference: the image.
        kind: `base` or `tool`.
        settings: the settings that have the lock.
    """
    if settings.lock is None:
        return None
    return (settings.lock.bases if kind == BASE else settings.lock.tools).get(reference.named)


def fixed_digest(reference: ImageReference, kind: str, settings: Settings) -> Digest | None:
    """The digest of an image if no registry has to be asked; None if its tag has to be resolved.

    Args: as `locked`.

    Raises:
        ConfigurationError: its tag would have to be resolved, and `frozen` forbids that.
    """
    if reference.digest:
        return reference.digest
    entry = locked(reference, kind, settings)
    if entry:
        return entry.digest
    if settings.frozen:
        raise ConfigurationError(
            f"{NAMES[kind]} {reference} is not in {LOCK_NAME}, and frozen resolves no tag",
            f"run desktop-bake lock on a machine that may ask the registry, and commit {LOCK_NAME}",
        )
    return None


def pinned_base(reference: ImageReference, settings: Settings) -> str:
    """The name by which a task that installs at start runs a base: by the lock's digest, if that is known.

    Raises:
        ConfigurationError: as `fixed_digest`.
    """
    digest = fixed_digest(reference, BASE, settings)
    return reference.pinned(digest) if digest and not reference.digest else str(reference)


def published_digest(key: Key, settings: Settings) -> Digest | None:
    """The only digest at which the registry's image of a key counts; None if any digest does that proves the key."""
    return settings.lock.images.get(str(key)) if settings.lock else None
