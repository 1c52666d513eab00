"""Attestations that BuildKit makes of an image (BuildKit, "Attestations"; Bake file reference, `attest`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence


_ENTRY = re.compile(r'type=(provenance|sbom)((?:,(?!(?i:type)=)[A-Za-z0-9_-]+=[^\s,"]+)*)')


def check_attest(entries: Sequence[str]) -> None:
    """Check attestations: `type=provenance,mode=max` or `type=sbom,generator=IMAGE`, each type once.

    Raises:
        ConfigurationError: an entry has another form, or a type occurs twice, of which BuildKit takes the last.
    """
    types = []
    for entry in entries:
        match = _ENTRY.fullmatch(entry)
        if not match:
            raise ConfigurationError(
                f"malformed attestation {entry[:80]!r}", "write type=provenance,mode=max or type=sbom,generator=IMAGE"
            )
        types.append(match[1])
    if len(types) != len(set(types)):
        raise ConfigurationError("attest names one type twice", "write each of type=provenance and type=sbom once")


def needs_index(entries: Sequence[str]) -> bool:
    """Whether an entry adds an attestation, which makes the image an index, instead of switching one off."""
    return any("disabled=true" not in entry.split(",") for entry in entries)
