"""Tags for people in the team's registry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest, LayerKey, Settings
from desktop_bake.bake.config.lock import Lock
from desktop_bake.bake.images.result import Built
from desktop_bake.bake.images.transfer import publish
from tests.harness.recipes import BASE, KEY, OFFICE
from tests.harness.work import order, work

if TYPE_CHECKING:
    from desktop_bake import Environment
    from desktop_bake.generator.layer_key import Key
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

REPOSITORY = "registry.example.com/team/desktop"
OTHER = replace(KEY, setup=Digest.of(b"other"))


@pytest.fixture
def named(team: Settings) -> Settings:
    """A team whose images have their environments' names."""
    return replace(
        team, alias_tags=("{environment}",), environments={"office": OFFICE, "a b": replace(OFFICE, env_id="a b")}
    )


def published(
    engine: FakeEngine, settings: Settings, key: Key, lines: list[str], environment: Environment = OFFICE
) -> None:
    """Publish an image of an environment."""
    wanted = replace(order(settings, key), environment=environment)
    image = engine.add(wanted.tag, key.labels("b"))
    made = Built(order=wanted, image_id=image.image_id)
    assert publish(made, work(engine, settings, lines.append)).push_error is None


def test_a_published_image_has_its_environments_name(
    engine: FakeEngine, registry: MemoryRegistry, named: Settings, lines: list[str]
) -> None:
    """The name is put where the key is, moves with the next image, and moves back to one that is there already."""
    for key in (KEY, OTHER, KEY):
        published(engine, named, key, lines)
        assert registry.tags[f"{REPOSITORY}:office"] == registry.tags[f"{REPOSITORY}:{key}"]
        assert lines[-1] == f"[desktop-cache] tagged {REPOSITORY}:office"
    lines.clear()
    published(engine, named, KEY, lines)
    assert lines == [f"[desktop-cache] in the registry already: {REPOSITORY}:{KEY}"]


def test_names_are_those_of_the_bake_file(
    engine: FakeEngine, registry: MemoryRegistry, named: Settings, lines: list[str]
) -> None:
    """An id that is no tag has the name that it has in the bake file."""
    published(engine, named, KEY, lines, replace(OFFICE, env_id="a b"))
    assert f"{REPOSITORY}:a-b-c8687a08" in registry.tags
    assert f"{REPOSITORY}:office" not in registry.tags


def test_what_somebody_else_put_under_the_key_gets_no_name(
    engine: FakeEngine, registry: MemoryRegistry, named: Settings, lines: list[str]
) -> None:
    """If the lock says the key's digest, that is what people get by the name; one that is gone is published again."""
    published(engine, named, KEY, lines)
    good = Digest(registry.tags[f"{REPOSITORY}:{KEY}"])
    locking = replace(named, lock=Lock(images={str(KEY): good}))
    evil = registry.put(f"{REPOSITORY}:{KEY}", {**KEY.labels("b"), "evil": "1"})
    published(engine, locking, KEY, lines)
    assert Digest(registry.tags[f"{REPOSITORY}:office"]) == good != evil
    published(engine, replace(named, lock=Lock(images={str(KEY): Digest.of(b"gone")})), KEY, lines)
    assert registry.tags[f"{REPOSITORY}:office"] == registry.tags[f"{REPOSITORY}:{KEY}"]


def test_a_registry_that_refuses_the_name(
    engine: FakeEngine, registry: MemoryRegistry, named: Settings, lines: list[str]
) -> None:
    """It is reported, and the image is published all the same."""
    registry.statuses["PUT registry.example.com/team/desktop/manifests/office"] = 403
    published(engine, named, KEY, lines)
    assert f"{REPOSITORY}:{KEY}" in registry.tags
    assert lines[-1].startswith(f"[desktop-cache] WARNING: cannot tag {REPOSITORY}:office: ")


def test_without_alias_tags(engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]) -> None:
    """By default the key is the only tag that stays."""
    published(engine, team, KEY, lines)
    assert {name for name in registry.tags if not name.startswith(f"{REPOSITORY}:push-")} == {f"{REPOSITORY}:{KEY}"}


def test_the_desktop_below_a_preflight(
    engine: FakeEngine, registry: MemoryRegistry, named: Settings, lines: list[str]
) -> None:
    """A desktop that is published for the preflight on it does not have the environment's name: the layer has."""
    with_preflight = replace(OFFICE, preflight_script="preflight.sh")
    settings = replace(named, environments={"office": with_preflight})
    layer = LayerKey(variant=KEY.variant, base=KEY.base, below=KEY, content=BASE, is_preflight=True)
    desktop = order(settings, layer).below()
    assert desktop
    image = engine.add(desktop.tag, KEY.labels("b"))
    assert publish(Built(order=desktop, image_id=image.image_id), work(engine, settings)).push_error is None
    assert f"{REPOSITORY}:office" not in registry.tags
    published(engine, settings, layer, lines, with_preflight)
    assert registry.tags[f"{REPOSITORY}:office"] == registry.tags[f"{REPOSITORY}:{layer}"]
