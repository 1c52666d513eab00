"""Pulling by digest and publishing by key: what is proven on arrival, named, pushed, and what a failure says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import Digest, ImageReference, RegistryError, Settings, Stack, TimeLimitError
from desktop_bake.bake.images.result import Built, RegistryHit
from desktop_bake.bake.images.transfer import publish, pull
from desktop_bake.bake.images.trust import BUILT, note, why_not
from desktop_bake.bake.system.process import Ended
from desktop_bake.generator.layer_key import LayerKey
from tests.harness.recipes import BASE, KEY, RECIPE
from tests.harness.work import order, work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

REPOSITORY = "registry.example.com/team/desktop"
NAME = f"{REPOSITORY}:{KEY}"
TEAM = Settings(repository=ImageReference.parse(REPOSITORY))
LAYER = LayerKey(variant=KEY.variant, base=KEY.base, below=KEY, content=BASE, is_preflight=True)


def ended(*lines: str, status: int = 1, timed_out: bool = False) -> Ended:
    """How docker ended."""
    return Ended(status=status, lines=lines, timed_out=timed_out)


def hit(digest: Digest, **more: Any) -> RegistryHit:
    """A registry hit."""
    return RegistryHit(order=order(TEAM, **more), digest=digest)


# --- pulling ---------------------------------------------------------------------------------------------------------


def test_pull(engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]) -> None:
    """What is pulled gets the key's tag, is recorded as pulled, and is returned by its ID."""
    digest = registry.put(NAME, KEY.labels("b"))
    found = pull(hit(digest), work(engine, team, lines.append))
    assert (found.image, found.image_id) == (NAME, engine.names[NAME])
    assert f"pull {REPOSITORY}@{digest}" in engine.asked
    assert lines == [f"[desktop-cache] pulling {REPOSITORY}@{digest}"]
    image = engine.image(NAME)
    assert image
    assert why_not(image, Stack(desktop=RECIPE), work(engine, replace(team, push=True))) is None


def test_pull_of_another_platform(engine: FakeEngine, registry: MemoryRegistry, team: Settings) -> None:
    """A platform that was asked for is asked of docker, too; the engine's own is not."""
    digest = registry.put(NAME, KEY.labels("b"), "linux/arm64")
    pull(hit(digest, platform="linux/arm64", emulated=True), work(engine, team, print))
    assert f"pull --platform linux/arm64 {REPOSITORY}@{digest}" in engine.asked


def test_what_was_pulled_was_verified(engine: FakeEngine, registry: MemoryRegistry, team: Settings) -> None:
    """A pulled image counts as accepted by the check that let it be pulled, and by no other."""
    settings = replace(team, verify_command=("/nowhere/check", "{image}"))
    digest = registry.put(NAME, KEY.labels("b"))
    found = pull(hit(digest), work(engine, settings, print))
    image = engine.image(str(found.image_id))
    assert image
    assert why_not(image, Stack(desktop=RECIPE), work(engine, settings)) is None


@pytest.mark.parametrize(
    ("end", "error", "said"),
    [
        (ended("a", "Error response from daemon: error from registry: denied"), RegistryError, ": denied$"),
        (ended("x: no space left on device", "b"), RegistryError, ": no space left on the disk$"),
        (ended(), RegistryError, "see docker's error above"),
        (ended(status=0, timed_out=True), TimeLimitError, "the pull was stopped after 600 s"),
    ],
)
def test_pull_that_fails(
    engine: FakeEngine, registry: MemoryRegistry, team: Settings, end: Ended, error: type[Exception], said: str
) -> None:
    """A pull that fails says why in docker's words, or what is short; nothing gets the key's tag."""
    engine.ends = [end]
    with pytest.raises(error, match=said):
        pull(hit(registry.put(NAME, KEY.labels("b"))), work(engine, team, print))
    assert NAME not in engine.names


@pytest.mark.parametrize(("labels", "platform"), [({}, "linux/amd64"), (KEY.labels("b"), "linux/arm64")])
def test_what_does_not_prove_its_key(
    engine: FakeEngine, registry: MemoryRegistry, team: Settings, labels: dict[str, str], platform: str
) -> None:
    """A pulled image with other labels or another platform than found gets no tag and no note."""
    digest = registry.put(NAME, labels, platform)
    with pytest.raises(RegistryError, match="does not prove its key here"):
        pull(hit(digest), work(engine, team, print))
    assert NAME not in engine.names
    image = engine.image(f"{REPOSITORY}@{digest}")
    assert image
    assert why_not(image, Stack(desktop=RECIPE), work(engine, team))


# --- publishing ------------------------------------------------------------------------------------------------------


@pytest.fixture
def built(engine: FakeEngine) -> Built:
    """An image that was built here."""
    return _built(engine, KEY)


def _built(engine: FakeEngine, key: Any) -> Built:
    image = engine.add(f"{REPOSITORY}:{key}", key.labels("b"))
    note(image.image_id, BUILT)
    return Built(order=order(TEAM, key), image_id=image.image_id)


def test_publish(engine: FakeEngine, registry: MemoryRegistry, team: Settings, built: Built, lines: list[str]) -> None:
    """An image is uploaded under its own tag, added under the key's, and no trace of the first stays here."""
    assert publish(built, work(engine, team, lines.append)) == built
    labels, platform = registry.labels(f"{REPOSITORY}@{registry.tags[NAME]}")
    assert (KEY.mismatch(labels), platform) == (None, "linux/amd64")
    assert lines == [f"[desktop-cache] pushing {NAME}", f"[desktop-cache] pushed {NAME}"]
    assert [name for name in engine.names if ":push-" in name] == []
    pushed = [words for words in engine.asked if words.startswith("push ")]
    assert len(pushed) == 1
    assert pushed[0].startswith(f"push {REPOSITORY}:push-linux-amd64-")


def test_published_already(
    engine: FakeEngine, registry: MemoryRegistry, team: Settings, built: Built, lines: list[str]
) -> None:
    """What the registry has is not pushed again."""
    registry.put(NAME, KEY.labels("b"))
    assert publish(built, work(engine, team, lines.append)) == built
    assert lines == [f"[desktop-cache] in the registry already: {NAME}"]
    assert not [words for words in engine.asked if words.startswith("push ")]


def test_another_platform_is_kept(engine: FakeEngine, registry: MemoryRegistry, team: Settings, built: Built) -> None:
    """An image of another platform under the same key stays beside ours."""
    registry.put(NAME, KEY.labels("b"), "linux/arm64")
    publish(built, work(engine, team, print))
    index = registry.manifests[f"{REPOSITORY}@{registry.tags[NAME]}"][0]
    assert (b"arm64" in index, b"amd64" in index) == (True, True)


def test_a_registry_cache(engine: FakeEngine, registry: MemoryRegistry, team: Settings, built: Built) -> None:
    """With the cache in the image, its further tags are pushed under the configured scope."""
    publish(built, work(engine, replace(team, cache="inline", cache_scope="branch"), print))
    extra = [name for name in registry.tags if ":cache-" in name]
    assert extra
    assert all("branch" in name and "$" not in name for name in extra)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (ended("error from registry: denied"), "denied"),
        (ended(timed_out=True), "stopped after 600 s"),
        (ended("write: no space left on device"), "no space left on the disk"),
    ],
)
def test_push_that_fails(
    engine: FakeEngine,
    registry: MemoryRegistry,
    team: Settings,
    built: Built,
    lines: list[str],
    end: Ended,
    said: str,
) -> None:
    """A push that fails is a warning and the result's error: the image serves this machine, and keeps its tag."""
    engine.ends = [end]
    settings = replace(team, compression="gzip")
    result = publish(built, work(engine, settings, lines.append))
    assert result == replace(built, push_error=f"cannot push {NAME}: {said}")
    assert lines[-1] == f"[desktop-cache] WARNING: push failed: {said}; the image serves this machine alone"
    assert list(engine.names) == [NAME]
    assert registry.tags == {}


@pytest.mark.parametrize(
    ("compression", "line", "may_push", "told"),
    [
        ("zstd", "unknown blob", True, True),
        ("gzip", "unknown blob", True, False),
        ("zstd", "unknown blob", False, False),
        ("zstd", "received unexpected HTTP status: 503 Service Unavailable", True, False),
        ("zstd", "connection reset by peer", True, False),
        ("zstd", "no space left on device", True, False),
    ],
)
def test_a_registry_without_zstd(
    engine: FakeEngine,
    registry: MemoryRegistry,
    team: Settings,
    built: Built,
    compression: str,
    line: str,
    may_push: bool,
    told: bool,
) -> None:
    """A refusal that may be of zstd names the other packing, if pushing is allowed and nothing else explains it."""
    engine.ends = [ended(line)]
    if not may_push:
        registry.statuses["POST registry.example.com/team/desktop/blobs/uploads/"] = 403
    result = publish(built, work(engine, replace(team, compression=compression), print))
    assert ('write compression = "gzip"' in str(result.push_error)) is told


def test_immutable_tags(engine: FakeEngine, registry: MemoryRegistry, team: Settings, built: Built) -> None:
    """If tags may not be written twice the key's own is pushed, once."""
    engine.ends = [ended("tag is immutable")]
    assert publish(built, work(engine, replace(team, compression="gzip"), print)).push_error is None
    assert [words for words in engine.asked if words.startswith("push ")][1:] == [f"push {NAME}"]
    assert NAME in registry.tags
    assert engine.names[NAME] == built.image_id


# --- layers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("desktop", "wanted"), [("built", [str(KEY), str(LAYER)]), ("nowhere", [str(LAYER)]), ("not ours", [str(LAYER)])]
)
def test_a_layer(engine: FakeEngine, registry: MemoryRegistry, team: Settings, desktop: str, wanted: list[str]) -> None:
    """A layer's desktop is pushed before it under its own tag, if it is here and counts."""
    if desktop == "built":
        _built(engine, KEY)
    elif desktop == "not ours":
        engine.add(NAME, {**KEY.labels("b"), "more": ""})
    layer = _built(engine, LAYER)
    assert publish(layer, work(engine, replace(team, push=True), print)) == layer
    assert [name.rpartition(":")[2] for name in registry.tags if ":push-" not in name] == wanted


def test_a_layer_whose_desktop_fails(engine: FakeEngine, registry: MemoryRegistry, team: Settings) -> None:
    """A desktop that cannot be pushed keeps its layer from being pushed, and the result says so of the desktop."""
    _built(engine, KEY)
    layer = _built(engine, LAYER)
    engine.ends = [ended("denied")]
    result = publish(layer, work(engine, replace(team, compression="gzip"), print))
    assert result == replace(layer, push_error=f"cannot push {NAME}: denied")
    assert registry.tags == {}


def test_a_registry_that_cannot_be_asked_first(
    engine: FakeEngine, registry: MemoryRegistry, team: Settings, built: Built
) -> None:
    """It may stay unknown whether an image is there already: the push itself finds out."""
    registry.statuses[f"GET registry.example.com/team/desktop/manifests/{KEY}"] = 500
    result = publish(built, work(engine, replace(team, compression="gzip"), print))
    assert [words for words in engine.asked if words.startswith("push ")]
    assert result.push_error
    assert result.push_error.endswith("registry registry.example.com failed with status 500")
