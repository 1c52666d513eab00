"""Adding to an index: one tag with the images of several architectures (OCI image spec 1.1, image-index.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .manifest import MANIFEST_TYPES, OCI_INDEX, OCI_MANIFEST, read_manifest
from .platforms import same_platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...generator.reference import Digest


_ABOUT = "vnd.docker.reference.digest"  # BuildKit, "Image attestation storage"
_UNKNOWN = "unknown/unknown"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of an index.

    Attributes:
        descriptor: as it is in the index, with all of its fields.
        digest: of the manifest.
        platform: `os/architecture[/variant]`; None for anything that is not an image, such as an attestation.
        about: for an attestation, the digest of the image that it is about.
    """

    descriptor: Mapping[str, Any] = field(hash=False)
    digest: str
    platform: str | None
    about: str | None = None


def entries_of(content: bytes) -> tuple[Entry, ...]:
    """The entries of an index.

    Raises:
        RegistryError: as `read_manifest`.
    """
    read_manifest(content)
    return tuple(_entry(descriptor) for descriptor in json.loads(content)["manifests"])


def entry_of(content: bytes, digest: Digest, platform: str) -> Entry:
    """The entry for a manifest that is not in an index.

    Args:
        content: the manifest.
        digest: of it.
        platform: as its configuration states it.
    """
    parts = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
    return _entry({"mediaType": media_type_of(content), "digest": str(digest), "size": len(content), "platform": parts})


def media_type_of(content: bytes) -> str:
    """The media type that a manifest or an index states; those of OCI sometimes leave it out."""
    table = json.loads(content)
    return str(table.get("mediaType") or (OCI_INDEX if "manifests" in table else OCI_MANIFEST))


def _entry(descriptor: Mapping[str, Any]) -> Entry:
    stated = descriptor.get("platform") or {}
    platform = "/".join(str(stated[part]) for part in ("os", "architecture", "variant") if stated.get(part))
    is_image = descriptor.get("mediaType") in MANIFEST_TYPES and platform and platform != _UNKNOWN
    about = (descriptor.get("annotations") or {}).get(_ABOUT)
    return Entry(
        descriptor=descriptor, digest=str(descriptor["digest"]), platform=platform if is_image else None, about=about
    )


def added(there: Iterable[Entry], ours: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries of a tag after ours replace those of the same platforms; attestations go with their images."""
    ours, there = tuple(ours), tuple(there)
    mine = [entry.platform for entry in ours if entry.platform]
    kept = {e.digest for e in there if e.platform and not any(same_platform(e.platform, p) for p in mine)}
    return (*(e for e in there if e.digest in kept or e.about in kept), *ours)


def index_of(entries: Iterable[Entry]) -> bytes:
    """An index of these entries, images first, in a fixed order: the bytes do not depend on who adds last."""
    each = {entry.digest: entry for entry in entries}.values()
    in_order = sorted(each, key=lambda e: (e.platform is None, e.platform or "", e.digest))
    return json.dumps(
        {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [dict(e.descriptor) for e in in_order]}, indent=2
    ).encode()
