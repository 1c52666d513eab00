"""One tag, several architectures: what is added, which of the others' parts stay, and simultaneous writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import Digest, ImageReference, RegistryError
from desktop_bake.bake.registry import shared_tag
from desktop_bake.bake.registry.client import access_of
from desktop_bake.bake.registry.manifest import OCI_INDEX, OCI_MANIFEST
from desktop_bake.bake.registry.shared_tag import SharedTag
from tests.harness.recipes import KEY

if TYPE_CHECKING:
    from desktop_bake import Settings
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

PLACE = "registry.example.com/team/desktop"
TAG = f"{PLACE}:{KEY}"
LABELS = KEY.labels("debian:bookworm")
AMD64, ARM64 = "linux/amd64", "linux/arm64"


@pytest.fixture
def tag(team: Settings, engine: FakeEngine) -> SharedTag:
    """The tag of a key."""
    return SharedTag(key=KEY, repository=team.repository, access=access_of(team, engine))


def upload(tag: SharedTag, registry: MemoryRegistry, platform: str, labels: dict[str, str] | None = None) -> Digest:
    """Upload an image for a platform, and add it."""
    name = tag.upload_name(platform)
    digest = registry.put(str(name), LABELS if labels is None else labels, platform)
    tag.add(name)
    return digest


def under_the_tag(registry: MemoryRegistry) -> Any:
    """The target of the key's tag."""
    return json.loads(registry.manifests[f"{PLACE}@{registry.tags[TAG]}"][0])


def images(registry: MemoryRegistry) -> list[str]:
    """The digests of the images that are under the tag."""
    return [entry["digest"] for entry in under_the_tag(registry)["manifests"]]


def test_alone(tag: SharedTag, registry: MemoryRegistry) -> None:
    """The only image is under the tag as it is, with its own digest; the upload's tag leads nowhere any more."""
    digest = upload(tag, registry, AMD64)
    assert registry.tags[TAG] == str(digest)
    assert registry.tags[f"{PLACE}:push-linux-amd64-{str(tag.upload_name(AMD64)).rpartition('-')[2]}"] != str(digest)


def test_two_architectures(tag: SharedTag, registry: MemoryRegistry) -> None:
    """A second architecture makes an index of both; the same image again changes nothing, another takes its
    place."""
    one, two = upload(tag, registry, AMD64), upload(tag, registry, ARM64)
    assert images(registry) == [str(one), str(two)]
    before = registry.tags[TAG]
    upload(tag, registry, AMD64)
    assert registry.tags[TAG] == before
    newer = upload(tag, registry, AMD64, {**LABELS, "newer": "yes"})
    assert images(registry) == [str(newer), str(two)]


def test_what_does_not_prove_the_key(tag: SharedTag, registry: MemoryRegistry) -> None:
    """Whatever else was under the tag goes: an image of other labels, or anything that is no manifest."""
    registry.put(TAG, {"other": "labels"}, ARM64)
    digest = upload(tag, registry, AMD64)
    assert registry.tags[TAG] == str(digest)
    registry.manifests[f"{PLACE}@{Digest.of(b'x')}"] = b"x", OCI_MANIFEST
    registry.tags[TAG] = str(Digest.of(b"x"))
    assert upload(tag, registry, AMD64) == digest
    assert registry.tags[TAG] == str(digest)


def test_an_upload_that_is_another(tag: SharedTag, registry: MemoryRegistry) -> None:
    """What is under the upload's tag has to prove the key; else nothing is written."""
    for labels in ({"other": "labels"}, None):
        name = tag.upload_name(AMD64)
        if labels:
            registry.put(str(name), labels)
        else:
            del registry.tags[str(name)]
        with pytest.raises(RegistryError, match=r"is not what was uploaded$"):
            tag.add(name)
    assert TAG not in registry.tags


def test_too_many(tag: SharedTag, registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index of too many entries is not added to."""
    digest = registry.put(f"{PLACE}:x", LABELS, ARM64)
    registry.put_index(TAG, {ARM64: digest, "linux/s390x": digest})
    monkeypatch.setattr(shared_tag, "MOST_ENTRIES", 1)
    with pytest.raises(RegistryError, match=r"has 2 entries$"):
        upload(tag, registry, AMD64)


class Racing:
    """Another machine, that writes the tag after each of our writes.

    Args:
        registry: where.
        rounds: how often.
    """

    def __init__(self, registry: MemoryRegistry, rounds: int) -> None:
        self.left = rounds
        self._registry = registry
        self._put = registry.answer

    def answer(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Any:
        """As the registry, that then has what the other machine wrote."""
        response = self._put(method, url, headers, body)
        if method == "PUT" and url.endswith(str(KEY)) and self.left:
            self.left -= 1
            self._registry.put(TAG, {**LABELS, "round": str(self.left)}, ARM64)
        return response


def test_a_race(tag: SharedTag, registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that another machine overwrote is added again, beside the other's."""
    racing = Racing(registry, 2)
    monkeypatch.setattr(registry, "answer", racing.answer)
    digest = upload(tag, registry, AMD64)
    assert racing.left == 0
    assert under_the_tag(registry)["mediaType"] == OCI_INDEX
    assert str(digest) in images(registry)
    assert len(images(registry)) == 2


def test_a_race_without_end(tag: SharedTag, registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is overwritten each time gives up, and says why."""
    monkeypatch.setattr(registry, "answer", Racing(registry, 1000).answer)
    with pytest.raises(RegistryError, match=f"^other machines write {TAG} at the same time$"):
        upload(tag, registry, AMD64)


def test_names_of_uploads(tag: SharedTag) -> None:
    """An upload has its own tag for each platform, that is a tag."""
    names = [str(tag.upload_name(platform)) for platform in (AMD64, ARM64, "linux/arm/v7")]
    assert len(set(names)) == 3
    assert [str(ImageReference.parse(name)) for name in names] == names
