"""Several images by one bake: their targets, what each lies on, and whose fault it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import BuildFailedError, ImageReference, Settings
from desktop_bake.bake.build import bake_all
from desktop_bake.bake.build.bake_all import Together
from desktop_bake.generator.layer_key import LayerKey
from desktop_bake.generator.reference import Digest
from desktop_bake.generator.stack import Stack
from tests.harness.bakes import Bakes, Ready
from tests.harness.recipes import BASE, KEY, OFFICE, RECIPE
from tests.harness.work import order, work

if TYPE_CHECKING:
    from desktop_bake.bake.build.preparation import Preparation
    from desktop_bake.bake.images.order import Order
    from tests.harness.fake_engine import FakeEngine

OTHER = replace(KEY, setup=Digest.of(b"other"))
LAYER = LayerKey(variant=KEY.variant, base=KEY.base, below=KEY, content=BASE, is_preflight=True)


@pytest.fixture
def bakes(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Bakes:
    """The calls."""
    calls = Bakes(engine)
    monkeypatch.setattr(bake_all, "bake_wanted", calls)
    return calls


def named(name: str, key: Any, **more: Any) -> Order:
    """An order of an environment of this name."""
    return order(more.pop("settings", Settings()), key, environment=replace(OFFICE, env_id=name, **more))


def baked(engine: FakeEngine, *orders: Order, settings: Settings | None = None, **on: str) -> Any:
    """The results of these."""
    context = work(engine, settings)
    together = Together(orders, {key.replace("_", "-"): base for key, base in on.items()}, context)
    return together.bake(cast("Preparation", Ready(context)))


def test_all_of_them(engine: FakeEngine, bakes: Bakes) -> None:
    """Each has the image that is there for its key."""
    done = baked(engine, named("a", KEY), named("b", OTHER))
    assert {key: built.image_id for key, built in done.built.items()} == {
        str(key): engine.names[f"desktop-bake:{key}"] for key in (KEY, OTHER)
    }
    assert done.failed == {}


def test_an_image_that_was_there(engine: FakeEngine, bakes: Bakes) -> None:
    """When a call fails, an image that was under the tag before does not count as its result."""
    old = engine.add(f"desktop-bake:{KEY}", KEY.labels("old"))
    bakes.fails = [(BuildFailedError("no"), {str(OTHER)})]
    done = baked(engine, named("a", KEY), named("b", OTHER))
    assert (list(done.built), done.failed) == ([str(OTHER)], {})
    assert engine.names[f"desktop-bake:{KEY}"] == old.image_id


def test_secrets(engine: FakeEngine, bakes: Bakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lacks a secret fails before the call, which it would end for all."""
    monkeypatch.delenv("TOKEN", raising=False)
    done = baked(engine, named("a", KEY, build_secrets=("TOKEN",)), named("b", OTHER))
    assert list(done.failed) == [str(KEY)]
    assert "the build secret TOKEN is not set" in str(done.failed[str(KEY)])
    assert bakes.calls == []


def test_a_layer_without_its_desktop(engine: FakeEngine, bakes: Bakes) -> None:
    """A layer lies on its desktop's target, which hands out no image, or on an image, and then has no such target."""
    layer = named("a", LAYER, preflight_script="p.sh")
    baked(engine, layer, named("b", OTHER))
    assert sorted(bakes.calls[0]) == sorted([str(LAYER), str(OTHER)])
    assert bakes.bases[str(LAYER)] == "target:desktop-a"
    assert str(KEY) in bakes.bases
    context = work(engine)
    together = Together([layer, named("b", OTHER)], {str(LAYER): "docker-image://d"}, context)
    together.bake(cast("Preparation", Ready(context)))
    assert bakes.bases[str(LAYER)] == "docker-image://d"
    assert str(KEY) not in bakes.bases


def test_platforms(engine: FakeEngine, bakes: Bakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for another platform has its own targets, and what they lie on, built for that."""
    seen: dict[str, tuple[str, ...]] = {}

    def bake_wanted(wanted: Any, *_: object) -> None:
        seen.update({str(target.key): target.platforms for target in wanted.targets})

    monkeypatch.setattr(bake_all, "bake_wanted", bake_wanted)
    layer = replace(named("a", LAYER, preflight_script="p.sh"), platform="linux/arm64", emulated=True)
    baked(engine, layer, named("b", OTHER))
    assert seen == {str(LAYER): ("linux/arm64",), str(KEY): ("linux/arm64",), str(OTHER): ()}


def test_tags_for_people(engine: FakeEngine, bakes: Bakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A desktop that is built for a layer's sake alone has no tag of its environment, which is the layer's."""
    seen: dict[str, tuple[str, ...]] = {}

    def bake_wanted(wanted: Any, *_: object) -> None:
        seen.update({str(target.key): target.tags[1:] for target in wanted.targets})

    monkeypatch.setattr(bake_all, "bake_wanted", bake_wanted)
    whole = replace(OFFICE, env_id="a", preflight_script="p.sh")
    settings = Settings(
        repository=ImageReference.parse("registry.example.com/a"),
        alias_tags=("{environment}",),
        environments={"a": whole, "b": replace(OFFICE, env_id="b")},
    )
    desktop = replace(named("a", KEY, settings=settings), stack=Stack(desktop=RECIPE), is_part=True)
    baked(engine, desktop, named("b", OTHER, settings=settings), settings=settings)
    assert seen == {str(KEY): (), str(OTHER): ("${DESKTOP_BAKE_REPOSITORY}:b",)}
