"""An index that is added to: decisions over values, then machines of two architectures on a real registry."""

from __future__ import annotations

import json

import pytest

from desktop_bake.bake.registry.access import Access
from desktop_bake.bake.registry.index import Entry, added, entries_of, index_of, media_type_of
from desktop_bake.bake.registry.manifest import OCI_INDEX, OCI_MANIFEST, Index, read_manifest
from desktop_bake.bake.registry.shared_tag import SharedTag
from desktop_bake.generator.key import CacheKey
from desktop_bake.generator.reference import Digest, ImageReference
from tests.harness.indexes import AMD64, ARM64


def image(name: str, platform: str) -> Entry:
    """An image in an index."""
    system, architecture, *variant = platform.split("/")
    stated = {"os": system, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
    descriptor = {"mediaType": OCI_MANIFEST, "digest": digest(name), "size": 5, "platform": stated}
    return entries_of(json.dumps({"mediaType": OCI_INDEX, "manifests": [descriptor]}).encode())[0]


def attestation(name: str, about: str) -> Entry:
    """What BuildKit adds about an image."""
    said = {"vnd.docker.reference.digest": digest(about), "vnd.docker.reference.type": "attestation-manifest"}
    descriptor = {
        "mediaType": OCI_MANIFEST,
        "digest": digest(name),
        "size": 5,
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": said,
    }
    return entries_of(json.dumps({"mediaType": OCI_INDEX, "manifests": [descriptor]}).encode())[0]


def digest(name: str) -> str:
    """A digest that differs for each name."""
    return "sha256:" + name.encode().hex().rjust(64, "0")


A, A2, B, V7 = image("a", AMD64), image("a2", AMD64), image("b", ARM64), image("v", "linux/arm/v7")
ABOUT_A, ABOUT_A2, ABOUT_B = attestation("x", "a"), attestation("x2", "a2"), attestation("y", "b")


@pytest.mark.parametrize(
    ("there", "ours", "then"),
    [
        ((), (A, ABOUT_A), (A, ABOUT_A)),
        ((B, ABOUT_B), (A, ABOUT_A), (B, ABOUT_B, A, ABOUT_A)),
        ((A2, ABOUT_A2, B, ABOUT_B), (A, ABOUT_A), (B, ABOUT_B, A, ABOUT_A)),
        ((A2, ABOUT_A2), (A,), (A,)),
        ((V7,), (B,), (V7, B)),
        ((A, B), (A, B), (A, B)),
    ],
)
def test_what_is_added(there: tuple[Entry, ...], ours: tuple[Entry, ...], then: tuple[Entry, ...]) -> None:
    """Ours take the place of what was there for their platforms; all else stays, and attestations go with images."""
    assert added(there, ours) == then


def test_the_bytes_are_the_same_whoever_adds_last() -> None:
    """An index has a fixed order, and reads back as what went in."""
    content = index_of((ABOUT_B, B, A, ABOUT_A))
    assert content == index_of((A, ABOUT_A, ABOUT_B, B))
    assert set(entries_of(content)) == {A, B, ABOUT_A, ABOUT_B}
    assert media_type_of(content) == OCI_INDEX
    read = read_manifest(content)
    assert isinstance(read, Index)
    assert read.platforms == (AMD64, ARM64)


def test_no_upload_meets_another() -> None:
    """What is uploaded at the same time for another key, or another platform, has another tag."""
    repository = ImageReference.parse("registry.example.com/team/desktop")
    one, other = Digest.of(b"one"), Digest.of(b"other")
    keys = [CacheKey(variant="v", base=one, install=one, setup=setup, dockerfile=one) for setup in (one, other)]
    names = [
        str(SharedTag(key=key, repository=repository, access=Access()).upload_name(platform))
        for key in keys
        for platform in (AMD64, ARM64, "linux/arm/v7")
    ]
    assert len(set(names)) == len(names)
    assert all(str(ImageReference.parse(name)) == name for name in names)
