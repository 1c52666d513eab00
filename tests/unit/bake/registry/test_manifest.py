"""What registries answer, read: the right forms as values, everything else as one kind of error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_bake.bake.registry.manifest import (
    DOCKER_INDEX,
    OCI_INDEX,
    OCI_MANIFEST,
    Index,
    Manifest,
    read_config,
    read_manifest,
)
from desktop_bake.generator.errors import RegistryError
from tests.harness.every import every

DIGEST = "sha256:" + "ab" * 32


def descriptor(**fields: Any) -> dict[str, Any]:
    """A descriptor of a manifest for linux/amd64, with these fields changed."""
    return {
        "mediaType": OCI_MANIFEST,
        "digest": DIGEST,
        "size": 3,
        "platform": {"os": "linux", "architecture": "amd64"},
        **fields,
    }


def index(*entries: object, media_type: str = OCI_INDEX) -> bytes:
    """An index of these entries."""
    return json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": entries}).encode()


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_INDEX])
def test_index(media_type: str) -> None:
    """Platforms by name, variants included; attestations and nested indexes are no platforms."""
    read = read_manifest(
        index(
            descriptor(),
            descriptor(platform={"os": "linux", "architecture": "arm64", "variant": "v8"}),
            descriptor(platform={"os": "unknown", "architecture": "unknown"}),
            descriptor(mediaType=OCI_INDEX, platform={"os": "linux", "architecture": "s390x"}),
            media_type=media_type,
        )
    )
    assert isinstance(read, Index)
    assert read.platforms == ("linux/amd64", "linux/arm64/v8")
    assert read.for_platform("linux/arm64")
    assert read.for_platform("linux/s390x") is None


def test_manifest_without_a_media_type() -> None:
    """OCI leaves the media type out where it may: the content shows what it is."""
    assert isinstance(read_manifest(json.dumps({"config": descriptor()}).encode()), Manifest)
    assert isinstance(read_manifest(json.dumps({"manifests": [descriptor()]}).encode()), Index)


@every(
    ("content", "says"),
    [
        (b"", "a manifest is not understood"),
        (b"<html>", "a manifest is not understood"),
        (b"[]", "a manifest is not understood"),
        (b"[" * 100_000, "a manifest is not understood"),
        (b"\xff\xfe", "a manifest is not understood"),
        (b'{"mediaType": "text/plain"}', "a manifest has the unknown media type 'text/plain'"),
        (b'{"manifests": 3}', "an index is not understood"),
        (b"{}", "a descriptor is not understood"),
        (index("x"), "a descriptor is not understood"),
        (index(descriptor(size=-1)), "a descriptor is not understood"),
        (index(descriptor(size=True)), "a descriptor is not understood"),
        (index(descriptor(digest="sha256:12")), "a descriptor has a malformed digest 'sha256:12'"),
    ],
)
def test_what_is_no_manifest(content: bytes, says: str) -> None:
    """Whatever else comes is an error that says which part is none."""
    with pytest.raises(RegistryError, match=f"^{says}$"):
        read_manifest(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([DIGEST, OCI_INDEX]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "mediaType",
                    "manifests",
                    "config",
                    "digest",
                    "size",
                    "platform",
                    "os",
                    "architecture",
                    "variant",
                    "Labels",
                    "errors",
                    "code",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(value=JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    """No answer of a registry is an unexpected exception."""
    content = json.dumps(value).encode()
    for read in (read_manifest, read_config):
        try:
            read(content)
        except RegistryError as error:
            assert error.remedy
