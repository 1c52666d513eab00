"""An index that is added to: one tag, the images of several architectures (OCI image spec 1.1, image-index.md)."""

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
    """What an index names.

    Attributes:
        descriptor: as it stands there, whatever else it states.
        digest: of the manifest.
        platform: `os/architecture[/variant]`; None for what is no image, such as an attestation.
        about: the digest of the image that it is about, of an attestation.
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
    """A manifest that no index names, as an entry.

    Args:
        content: the manifest.
        digest: of it.
        platform: what its configuration states.
    """
    parts = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
    return _entry({"mediaType": media_type_of(content), "digest": str(digest), "size": len(content), "platform": parts})


def media_type_of(content: bytes) -> str:
    """What a manifest or an index says that it is; OCI's leave it out at times."""
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
    """What is under a tag, with ours in place of what was there for the same platforms; attestations go with images."""
    ours, there = tuple(ours), tuple(there)
    mine = [entry.platform for entry in ours if entry.platform]
    kept = {e.digest for e in there if e.platform and not any(same_platform(e.platform, p) for p in mine)}
    return (*(e for e in there if e.digest in kept or e.about in kept), *ours)


def index_of(entries: Iterable[Entry]) -> bytes:
    """An index of these, images first, in a fixed order: whoever adds last, the bytes are the same."""
    each = {entry.digest: entry for entry in entries}.values()
    in_order = sorted(each, key=lambda e: (e.platform is None, e.platform or "", e.digest))
    return json.dumps(
        {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [dict(e.descriptor) for e in in_order]}, indent=2
    ).encode()
