"""What is cached here, what the registry has of it, and who reaches it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import ConfigurationError, EngineError, RegistryError, Settings
from desktop_bake.bake.images.order import key_of
from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.bake.upkeep.inventory import (
    cache_families,
    check_registry,
    in_repository,
    published_among,
    reach,
    stored_images,
)
from tests.harness.recipes import BASE, KEY, OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

REPOSITORY = "registry.example.com/team/desktop"


def test_stored(engine: FakeEngine) -> None:
    """Every image with our labels, with its names; a filter asks for others."""
    ours = engine.add(f"{REPOSITORY}:{KEY}", KEY.labels("b"), made_s=7)
    engine.add("debian:12")
    (found,) = stored_images(engine)
    assert (found.image_id, found.tags, found.created_s) == (ours.image_id, (f"{REPOSITORY}:{KEY}",), 7)
    assert found.key == KEY
    assert [image.tags for image in stored_images(engine, reference=["debian:12"])] == [("debian:12",)]


@pytest.mark.parametrize("entry", [{}, {"Id": "a"}, {"Id": "a", "Created": None, "Size": 1}, None])
def test_an_answer_that_is_none(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, entry: Any) -> None:
    """Anything that is no image is an error, not a traceback."""
    monkeypatch.setattr(engine, "images", lambda _: [entry])
    with pytest.raises(EngineError, match=r"^the engine's answer is not understood$"):
        stored_images(engine)


def test_names_that_are_none(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine calls <none> has no name; a time before 1970 is not known."""
    entry = {"Id": "a", "RepoTags": ["<none>:<none>"], "Labels": None, "Created": -62135596800, "Size": 1}
    monkeypatch.setattr(engine, "images", lambda _: [entry])
    (found,) = stored_images(engine)
    assert (found.tags, found.created_s, found.key) == ((), 0, None)


@pytest.mark.parametrize(
    ("manifests", "unpacked_bytes"),
    [
        ([("image", True, 5), ("attestation", True, 0), ("image", False, 9)], 5),
        ([("image", True, 5), ("image", True, 6)], 0),
        ([], 0),
    ],
)
def test_unpacked(
    engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    manifests: list[tuple[str, bool, int]],
    unpacked_bytes: int,
) -> None:
    """The total size of the layers is known if one image of an index is here, and the engine reports it."""
    told = [
        {"Kind": kind, "Available": is_there, "ImageData": {"Size": {"Unpacked": size}} if kind == "image" else None}
        for kind, is_there, size in manifests
    ]
    monkeypatch.setattr(engine, "images", lambda _: [{"Id": "a", "Created": 1, "Size": 1, "Manifests": told or None}])
    (found,) = stored_images(engine)
    assert found.unpacked_bytes == unpacked_bytes


def test_published(engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]) -> None:
    """Each image is there, is not, or could not be asked for; the list of all that the registry has is not read."""
    others = [replace(KEY, setup=BASE), replace(KEY, install=BASE)]
    for key in (KEY, *others):
        engine.add(f"{REPOSITORY}:{key}", key.labels("b"))
    registry.put(f"{REPOSITORY}:{KEY}", KEY.labels("b"))
    registry.put(f"{REPOSITORY}:{others[0]}", others[0].labels("b"))
    registry.statuses[f"GET {REPOSITORY}/manifests/{others[0]}"] = 500
    found = published_among(stored_images(engine), work(engine, team, lines.append))
    by_key = {str(image.key): found[image.image_id] for image in stored_images(engine)}
    assert by_key == {str(KEY): True, str(others[0]): None, str(others[1]): False}
    assert len(lines) == 1
    assert len([asked for asked in registry.asked if str(others[1]) in asked]) == 1
    assert not [asked for asked in registry.asked if "tags/list" in asked]


def test_a_registry_that_is_none(engine: FakeEngine, registry: MemoryRegistry, team: Settings) -> None:
    """A repository here is in no registry; one that cannot be asked is an error."""
    check_registry(team, "images")
    with pytest.raises(ConfigurationError, match=r"is in no registry$") as caught:
        published_among((), work(engine))
    assert caught.value.remedy == "images without --registry"
    registry.broken["registry.example.com"] = RegistryError("cannot be reached")
    with pytest.raises(RegistryError, match=r"^cannot be reached$"):
        published_among((), work(engine, team))


def test_cache_families() -> None:
    """The cache folders with their sizes, the one used last first; a link in one counts nothing."""
    for used_s, name in ((1, "old"), (3, "new"), (2, "between")):
        folder = cache_folder() / "buildkit" / name
        (folder / "blobs").mkdir(parents=True)
        (folder / "index.json").write_text("{}")
        (folder / "blobs" / "a").write_bytes(b"x" * 10)
        (folder / "link").symlink_to("/etc/passwd")
        os.utime(folder, (used_s, used_s))
    assert [(f.name, f.size_bytes, f.used_s) for f in cache_families()] == [
        ("new", 12, 3),
        ("between", 12, 2),
        ("old", 12, 1),
    ]


def test_reach(engine: FakeEngine, lines: list[str]) -> None:
    """What environments with their cache on reach, and what containers use."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    engine.containers = [{"ImageID": "sha256:a", "Image": "a:1"}, {"ImageID": "sha256:b"}]
    off = replace(OFFICE, env_id="off", cache_desktop_build=False)
    settings = Settings(environments={"office": OFFICE, "off": off})
    found = reach(work(engine, settings, lines.append), strict=True)
    own = {key: ids for key, ids in found.environments.items() if ids != ("office (film)",)}
    assert own == {str(key_of(OFFICE, work(engine, settings))): ("office",)}
    assert set(found.in_use) >= {"sha256:a", "a:1", "sha256:b"}
    assert lines == []


@pytest.mark.parametrize("strict", [True, False])
def test_a_key_that_nobody_knows(engine: FakeEngine, lines: list[str], strict: bool) -> None:
    """A key that cannot be computed is an error for who removes, and a line for who lists; a dead engine is an error
    for both."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    wrong = replace(OFFICE, env_id="wrong", setup_script="gone.sh")
    settings = Settings(environments={"office": OFFICE, "wrong": wrong})
    context = work(engine, settings, lines.append)
    if strict:
        with pytest.raises(ConfigurationError, match=r"gone\.sh"):
            reach(context, strict=strict)
    else:
        assert list(reach(context, strict=strict).environments.values()) == [("office",), ("office (film)",)]
        assert lines[0].startswith("[desktop-cache] WARNING: environment 'wrong': ")
    engine.is_up = False
    with pytest.raises(EngineError, match=r"^no Docker Engine answers$"):
        reach(context, strict=False)


def test_in_repository(engine: FakeEngine, team: Settings) -> None:
    """An image is in a repository by any of its names, not by one that only begins like it."""
    engine.add(f"{REPOSITORY}2:{KEY}", KEY.labels("b"))
    (image,) = stored_images(engine)
    assert not in_repository(image, team.repository)
    assert in_repository(replace(image, tags=(*image.tags, f"{REPOSITORY}:x")), team.repository)
