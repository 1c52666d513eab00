"""Which image a task uses: the toggles, the key, the labels that prove it, and whom else is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import Digest, EngineError, ImageReference, RegistryError, Settings
from desktop_bake.bake.images.order import key_of
from desktop_bake.bake.images.resolve import glance, proven, resolve, search
from desktop_bake.bake.images.result import Miss, MissReason, RegistryHit, Status
from desktop_bake.bake.images.trust import BUILT, note
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.recipes import BASE, OFFICE
from tests.harness.work import order, work

if TYPE_CHECKING:
    from desktop_bake.generator.layer_key import Key
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

KNOWN = f"registry.example.com/base@{BASE}"
OTHER = Digest("sha256:" + "cd" * 32)


@pytest.fixture
def key(engine: FakeEngine, team: Settings) -> Key:
    """The key of the office, whose base is here."""
    engine.add("registry.example.com/base:1", known_as=KNOWN)
    return key_of(OFFICE, work(engine, team))


@pytest.mark.parametrize(
    ("fields", "reason", "installs"),
    [
        ({"cache_desktop_build": False}, "cache_desktop_build is off", True),
        ({"headless_desktop_enabled": False}, "headless desktop is off", False),
        ({"headless_desktop_enabled": False, "preflight_script": "a", "cache_desktop_build": False}, None, True),
    ],
)
def test_disabled(engine: FakeEngine, team: Settings, fields: dict[str, Any], reason: str, installs: bool) -> None:
    """Without both toggles a task uses the base as it is named, and nobody is asked for anything."""
    result = resolve(replace(OFFICE, **fields), work(engine, team))
    assert (result.status, result.image, result.cache_key) == (Status.DISABLED, str(OFFICE.base_image), None)
    assert result.reason == (reason or "cache_desktop_build is off")
    assert result.install_at_start is installs
    assert engine.asked == []


def test_local_hit(engine: FakeEngine, registry: MemoryRegistry, team: Settings, key: Key, lines: list[str]) -> None:
    """An image under the key's tag whose labels prove it is used by its ID, and no registry is asked."""
    image = engine.add(f"{team.repository}:{key}", key.labels("b"))
    note(image.image_id, BUILT)
    result = resolve(OFFICE, work(engine, team, lines.append))
    assert (result.status, result.image_id, result.reason) == (Status.LOCAL_HIT, image.image_id, "labels match")
    assert lines == [f"[desktop-cache] cache key: {key}", f"[desktop-cache] hit (local): {team.repository}:{key}"]
    assert registry.asked == []


@pytest.mark.parametrize(
    ("change", "asked", "reason"),
    [
        ({"labels": {}}, None, "is not what its tag says: label desktop-bake.schema is missing"),
        ({"platform": "linux/arm64"}, None, "is for linux/arm64, this engine runs linux/amd64"),
        ({"platform": "linux/amd64"}, "linux/arm64", "is for linux/amd64, linux/arm64 is asked for"),
        ({}, None, "is not used: its history does not end with the recipe's steps: something was built upon it"),
    ],
)
def test_what_lies_under_the_tag_and_does_not_count(
    engine: FakeEngine, team: Settings, key: Key, change: dict[str, Any], asked: str | None, reason: str
) -> None:
    """An image under the key's tag that is unlabelled, for another platform or built upon is a miss that says so."""
    tag = f"{team.repository}:{key}"
    engine.add(tag, **{"labels": key.labels("b"), **change})
    result = glance(replace(OFFICE, platform=asked), work(engine, team))
    assert isinstance(result, Miss)
    assert result.why == MissReason(here=f"{tag} {reason}", is_refused=True)
    assert (result.order.platform, result.order.emulated) == (asked or "linux/amd64", asked is not None)


def test_nothing_under_the_tag(engine: FakeEngine, team: Settings, key: Key) -> None:
    """Without an image under the tag the glance is a miss without a reason, and asks for no list of images."""
    result = glance(OFFICE, work(engine, team))
    assert (result.status, result.reason, result.image) == (Status.MISS, "", f"{team.repository}:{key}")
    assert "images" not in engine.asked


def test_an_image_that_lost_its_tag(engine: FakeEngine, key: Key) -> None:
    """An image with the labels and without the tag is named in the reason, and not used."""
    settings = Settings()
    image = engine.add("other:1", key.labels("b"))
    result = resolve(OFFICE, work(engine, settings))
    assert result.status is Status.MISS
    assert result.reason == (
        f"no image here has the tag desktop-bake:{key}; {image.image_id[:19]} has its labels, which may be inherited"
    )


def test_reason_against_the_nearest(engine: FakeEngine, key: Key) -> None:
    """A miss names what changed against the nearest of our images; without one, that it was never built."""
    settings = Settings()
    assert resolve(OFFICE, work(engine, settings)).reason == "never built for this base"
    engine.add("desktop-bake:old", key.on_base(OTHER).labels("registry.example.com/base:1"))
    reason = resolve(OFFICE, work(engine, settings)).reason
    assert reason == f"base image changed: registry.example.com/base:1 moved from {str(OTHER)[:19]} to {str(BASE)[:19]}"


def test_registry_hit(engine: FakeEngine, registry: MemoryRegistry, team: Settings, key: Key, lines: list[str]) -> None:
    """An image of the team's registry that proves the key is a hit by its digest, with nothing to run yet.

    The engine does not list its images for it, which may take seconds.
    """
    digest = registry.put(f"{team.repository}:{key}", key.labels("b"))
    result = resolve(OFFICE, work(engine, team, lines.append))
    assert isinstance(result, RegistryHit)
    assert (result.image_id, result.digest) == (None, digest)
    assert result.image == f"{team.repository}:{key}@{digest}"
    assert lines[-1] == f"[desktop-cache] hit (registry): {team.repository}:{key}"
    assert "images" not in engine.asked


def test_a_local_repository_asks_no_registry(engine: FakeEngine, registry: MemoryRegistry, key: Key) -> None:
    """A repository of one part is in no registry, even if Docker Hub would have one of its name."""
    registry.put(f"desktop-bake:{key}", key.labels("b"))
    assert resolve(OFFICE, work(engine)).status is Status.MISS
    assert registry.asked == []


def test_registry_that_cannot_be_asked(
    engine: FakeEngine, registry: MemoryRegistry, team: Settings, key: Key, lines: list[str]
) -> None:
    """A registry that cannot be asked is a miss with its error, a warning, and no exception."""
    registry.broken["registry.example.com"] = RegistryError("registry is down")
    result = resolve(OFFICE, work(engine, team, lines.append))
    assert (result.status, result.registry_error) == (Status.MISS, "registry is down")
    assert lines[-2:] == [
        "[desktop-cache] WARNING: registry is down",
        "[desktop-cache] miss: never built for this base; registry is down",
    ]


def test_a_reason_that_is_known_stays(engine: FakeEngine, team: Settings, key: Key) -> None:
    """The first look's finding about the image under the tag is not replaced by a comparison with others."""
    engine.add(f"{team.repository}:{key}", {})
    reason = resolve(OFFICE, work(engine, team)).reason
    assert reason.startswith(f"{team.repository}:{key} is not what its tag says: ")
    assert reason.endswith("; not in registry registry.example.com")


def test_a_miss_looks_at_the_base(engine: FakeEngine, team: Settings, key: Key) -> None:
    """A miss whose base is for another platform is refused before anything is built; a hit is not."""
    engine.add("registry.example.com/base:1", platform="linux/arm64", known_as=KNOWN)
    engine.store = {i: image for i, image in engine.store.items() if image.platform == "linux/arm64"}
    with pytest.raises(ConfigurationError, match="is for linux/arm64, this engine runs linux/amd64"):
        resolve(OFFICE, work(engine, team))
    note(engine.add(f"{team.repository}:{key}", key.labels("b")).image_id, BUILT)
    assert resolve(OFFICE, work(engine, team)).status is Status.LOCAL_HIT


def test_search_keeps_what_it_was_given(engine: FakeEngine, team: Settings, key: Key) -> None:
    """The second part adds a reason to a miss and changes nothing else of it."""
    miss = Miss(order=order(team, key))
    found = search(miss, work(engine, team))
    assert isinstance(found, Miss)
    assert replace(found, why=MissReason()) == miss
    assert (found.why.here, found.why.is_refused) == ("never built for this base", False)
    assert found.reason == "never built for this base; not in registry registry.example.com"


def test_no_engine(engine: FakeEngine, team: Settings) -> None:
    """Without an engine there is an error, not a miss."""
    engine.is_up = False
    with pytest.raises(EngineError):
        resolve(OFFICE, work(engine, team))


# --- the key ---------------------------------------------------------------------------------------------------------


def test_key_of_the_base_here(engine: FakeEngine, team: Settings, key: Key) -> None:
    """The key has the digest by which the base's registry knows the local copy."""
    assert key.base == BASE


def test_base_that_is_gone(engine: FakeEngine, team: Settings, key: Key) -> None:
    """A machine that has the desktop and not its base takes the base that the desktop was baked on; of two, neither."""
    never = replace(team, pull="never")
    del engine.names["registry.example.com/base:1"]
    with pytest.raises(RegistryError, match="is not in the local store, and pull is 'never'"):
        key_of(OFFICE, work(engine, never))
    engine.add("a:1", key.labels("registry.example.com/base:1"))
    assert key_of(OFFICE, work(engine, never)) == key
    engine.add("a:2", {**key.labels("registry.example.com/base:1"), "desktop-bake.setup-digest": str(OTHER)})
    assert key_of(OFFICE, work(engine, never)) == key  # labels that contradict each other state no base
    engine.add("a:3", key.on_base(OTHER).labels("registry.example.com/base:1"))
    with pytest.raises(RegistryError):
        key_of(OFFICE, work(engine, never))


def test_key_of_a_dockerfile_of_its_own(tmp_path: Path, engine: FakeEngine, registry: MemoryRegistry, key: Key) -> None:
    """The images that a user's Dockerfile names are part of the key, by their digests."""
    (tmp_path / "Dockerfile.own").write_text("FROM tools.example.com/tool:1 AS tool\nFROM base\nRUN true\n")
    own, settings = replace(OFFICE, dockerfile="Dockerfile.own"), Settings(root=tmp_path)
    registry.put("tools.example.com/tool:1", {"a": "1"})
    before = key_of(own, work(engine, settings))
    registry.put("tools.example.com/tool:1", {"a": "2"})
    after = key_of(own, work(engine, settings))
    assert before.differences(after) == ("dockerfile",)


@pytest.mark.parametrize(
    ("labels", "platform", "wanted"),
    [(True, "linux/amd64", True), (True, "linux/arm64", False), (False, "linux/amd64", False)],
)
def test_proven(engine: FakeEngine, key: Key, labels: bool, platform: str, wanted: bool) -> None:
    """An image proves a key by all its labels and its platform, not by one of the two."""
    image = engine.add("a:1", key.labels("b") if labels else {"desktop-bake.cache-key": str(key)}, platform)
    assert proven(image, key, "linux/amd64") is wanted


def test_repository_and_reference(engine: FakeEngine, key: Key) -> None:
    """The tag that is looked for is that of the configured repository."""
    settings = Settings(repository=ImageReference.parse("elsewhere"))
    note(engine.add(f"desktop-bake:{key}", key.labels("b")).image_id, BUILT)
    assert glance(OFFICE, work(engine, settings)).image == f"elsewhere:{key}"
    assert glance(OFFICE, work(engine, settings)).status is Status.MISS
