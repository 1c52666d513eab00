"""The digests that registries last gave for images that are not in the local store, such as a Dockerfile's frontend.

They are used if a registry cannot be asked. They are kept beside the cache, for this user alone, and bounded.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ...generator.reference import Digest
from ..system.files import write_note
from ..system.folders import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ...generator.reference import ImageReference


_KEPT = 500


def known_digest(reference: ImageReference) -> Digest | None:
    """The digest that is written down for an image, or None."""
    with contextlib.suppress(OSError, ValueError, ConfigurationError):
        return Digest(_file(reference).read_text(encoding="ascii"))
    return None


def note_digest(reference: ImageReference, digest: Digest) -> None:
    """Write down an image's digest; if that fails, the registry has to be asked next time, too."""
    if known_digest(reference) == digest:
        return
    with contextlib.suppress(OSError, ConfigurationError):
        write_note(_file(reference), str(digest).encode(), _KEPT)


def _file(reference: ImageReference) -> Path:
    return cache_folder() / "digests" / hashlib.sha256(str(reference).encode()).hexdigest()
