"""One conversation with a registry about one repository: what it has, and what is put there or taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import Digest, ImageReference, RegistryError
from desktop_bake.bake.registry.client import within
from desktop_bake.bake.registry.manifest import OCI_MANIFEST, Descriptor
from tests.harness.memory_registry import Response

if TYPE_CHECKING:
    from tests.harness.memory_registry import MemoryRegistry

PLACE = "registry.example.com/team/desktop"
REFERENCE = ImageReference.parse(f"{PLACE}:1")


def test_manifest(registry: MemoryRegistry) -> None:
    """What is put under a tag is there, with its digest; what is not there is None."""
    content = b'{"mediaType": "%s"}' % OCI_MANIFEST.encode()
    assert within(None, REFERENCE, lambda asked: asked.manifest("1")) is None
    within(None, REFERENCE, lambda asked: asked.put_manifest("1", content, OCI_MANIFEST))
    found = content, Digest.of(content)
    assert within(None, REFERENCE, lambda asked: asked.manifest("1")) == found
    assert within(None, REFERENCE, lambda asked: asked.manifest(Digest.of(content))) == found
    assert within(None, REFERENCE, lambda asked: asked.digest("1")) == Digest.of(content)


def test_a_manifest_that_is_refused(registry: MemoryRegistry) -> None:
    """A push that is refused says what permission is lacking."""
    registry.statuses[f"PUT {PLACE}/manifests/1"] = 403
    with pytest.raises(RegistryError, match="denies access to team/desktop") as caught:
        within(None, REFERENCE, lambda asked: asked.put_manifest("1", b"{}", OCI_MANIFEST))
    assert caught.value.remedy == "ask for permission to push there"


def test_put_blob(registry: MemoryRegistry) -> None:
    """A blob is put in one piece, and not again where it is there."""
    for _ in range(2):
        within(None, REFERENCE, lambda asked: asked.put_blob(b"content"))
    assert registry.blobs == {str(Digest.of(b"content")): b"content"}
    assert [a.split()[0] for a in registry.asked] == ["HEAD", "POST", "PUT", "HEAD"]


def test_a_descriptor_of_too_much(registry: MemoryRegistry) -> None:
    """Content whose stated size is too large for its kind is not fetched."""
    large = Descriptor(media_type="a/b", digest=Digest.of(b""), size_bytes=101, platform=None)
    with pytest.raises(RegistryError, match="states 101 bytes for sha256:"):
        within(None, REFERENCE, lambda asked: asked.content("blobs", large, 100))
    assert registry.asked == []


@pytest.mark.parametrize("where", ["https://elsewhere.example.com/upload", "//elsewhere.example.com/", "https://[::1"])
def test_an_upload_elsewhere(registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """An upload stays at the registry, and so does the login."""
    answer = registry.answer

    def led(method: str, url: str, headers: Any, body: bytes) -> Response:
        return Response(202, headers={"Location": where}) if method == "POST" else answer(method, url, headers, body)

    monkeypatch.setattr(registry, "answer", led)
    with pytest.raises(RegistryError, match="takes uploads at another host"):
        within(None, REFERENCE, lambda asked: asked.put_blob(b"content"))
