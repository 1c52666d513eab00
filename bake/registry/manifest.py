"""Manifests, indexes and image configurations from registries (OCI image spec 1.1; Docker schema 2)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...generator.errors import ConfigurationError, RegistryError
from ...generator.reference import Digest
from .platforms import same_platform

if TYPE_CHECKING:
    from collections.abc import Mapping


OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
INDEX_TYPES = (OCI_INDEX, DOCKER_INDEX)
MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST)


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """A reference to content by digest (OCI image spec, descriptor.md).

    Attributes:
        media_type: of the content.
        digest: of the content.
        size_bytes: of the content.
        platform: `os/architecture[/variant]`, or None if it states none.
    """

    media_type: str
    digest: Digest
    size_bytes: int
    platform: str | None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One platform's image: where its configuration is (OCI image spec, manifest.md)."""

    config: Descriptor


@dataclass(frozen=True, kw_only=True)
class Index:
    """The images of several platforms under one digest (OCI image spec, image-index.md).

    Attributes:
        manifests: the image manifests, without attestations, whose platform is `unknown/unknown`, and without
            nested indexes, which no builder of desktops makes.
    """

    manifests: tuple[Descriptor, ...]

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms, sorted."""
        return tuple(sorted({m.platform for m in self.manifests if m.platform}))

    def for_platform(self, platform: str) -> Descriptor | None:
        """The manifest for a platform; one without a variant takes any variant."""
        return next((m for m in self.manifests if m.platform and same_platform(m.platform, platform)), None)


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """The parts of an image's configuration that decide a hit (OCI image spec, config.md).

    Attributes:
        labels: image labels.
        platform: `os/architecture[/variant]`.
        created: when it was made, as its builder states it (RFC 3339); empty if it does not.
    """

    labels: Mapping[str, str]
    platform: str
    created: str = ""


def read_manifest(content: bytes) -> Manifest | Index:
    """Read a manifest or an index.

    Raises:
        RegistryError: the content is neither.
    """
    table = _table(content, "manifest")
    media_type = table.get("mediaType")
    if media_type in INDEX_TYPES or (media_type is None and "manifests" in table):
        entries = table.get("manifests")
        if not isinstance(entries, list):
            raise _not_understood("index")
        found = [_descriptor(entry) for entry in entries]
        images = [d for d in found if d.media_type in MANIFEST_TYPES and d.platform != "unknown/unknown"]
        return Index(manifests=tuple(images))
    if media_type in (*MANIFEST_TYPES, None):
        return Manifest(config=_descriptor(table.get("config")))
    raise RegistryError(f"a manifest has the unknown media type {str(media_type)[:80]!r}", "build and push it again")


def read_children(content: bytes) -> tuple[Descriptor, ...]:
    """All that an index names, images or not; nothing for a manifest of any kind.

    Raises:
        RegistryError: the content is not a manifest, or a part of the index is not understood.
    """
    entries = _table(content, "manifest").get("manifests", [])
    if not isinstance(entries, list):
        raise _not_understood("index")
    return tuple(_descriptor(entry) for entry in entries)


def read_config(content: bytes) -> ImageConfig:
    """Read an image configuration.

    Raises:
        RegistryError: the content is not an image configuration.
    """
    table = _table(content, "image configuration")
    config = table.get("config") or {}
    labels = config.get("Labels") if isinstance(config, dict) else None
    return ImageConfig(
        labels={n: v for n, v in labels.items() if isinstance(v, str)} if isinstance(labels, dict) else {},
        platform=_platform(table) or "unknown/unknown",
        created=str(table.get("created") or "")[:40],
    )


def _table(content: bytes, what: str) -> dict[str, Any]:
    try:
        table = json.loads(content)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise _not_understood(what) from error
    if not isinstance(table, dict):
        raise _not_understood(what)
    return table


def _descriptor(entry: object) -> Descriptor:
    if not isinstance(entry, dict):
        raise _not_understood("descriptor")
    size = entry.get("size")
    try:
        digest = Digest(str(entry.get("digest")))
    except ConfigurationError as error:
        raise RegistryError(f"a descriptor has a {error}", "build and push the image again") from error
    if type(size) is not int or size < 0:
        raise _not_understood("descriptor")
    platform = entry.get("platform")
    return Descriptor(
        media_type=str(entry.get("mediaType")),
        digest=digest,
        size_bytes=size,
        platform=_platform(platform) if isinstance(platform, dict) else None,
    )


def _platform(table: Mapping[str, Any]) -> str | None:
    parts = [table.get("os"), table.get("architecture"), table.get("variant") or None]
    named = [p for p in parts if p is not None]
    if None in parts[:2] or not all(isinstance(p, str) and _NAME.fullmatch(p) for p in named):
        return None
    return "/".join(named)


def _not_understood(what: str) -> RegistryError:
    article = "an" if what[0] in "aeiou" else "a"
    return RegistryError(f"{article} {what} is not understood", "build and push the image again")
