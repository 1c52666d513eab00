"""An engine that is asked once: what commands over many environments cost, and that changes are seen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest, ImageReference, RegistryError, Settings
from desktop_bake.bake.build.render import targets_of
from desktop_bake.bake.engine.snapshot import FEW, Snapshot
from desktop_bake.bake.images.order import order_of
from desktop_bake.bake.images.resolve import glance
from desktop_bake.bake.images.result import LocalHit, Miss, RegistryHit
from desktop_bake.bake.images.trust import BUILT, note
from desktop_bake.bake.together import obtain_all
from desktop_bake.bake.upkeep.explain import explain
from desktop_bake.bake.upkeep.inventory import reach
from desktop_bake.bake.upkeep.warm import warm_round
from tests.harness.fake_engine import ENDED
from tests.harness.recipes import OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from desktop_bake import Environment
    from desktop_bake.bake.context import Context
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry


BASES, MANY = 3, 24


def environments(registry: str = "") -> dict[str, Environment]:
    """Many environments on few bases."""
    bases = [ImageReference.parse(f"{registry}base-{number}:1") for number in range(BASES)]
    names = [f"env-{number}" for number in range(MANY)]
    return {name: replace(OFFICE, env_id=name, base_image=bases[i % BASES]) for i, name in enumerate(names)}


def all_here(context: Context, engine: FakeEngine) -> None:
    """Put the bases and the image of every environment into the store, built here."""
    for environment in context.settings.environments.values():
        base = environment.base_image
        engine.add(base.named, known_as=f"{base.repository}@{Digest.of(str(base).encode())}")
        order = order_of(environment, context)
        note(engine.add(order.tag, order.key.labels(base.named)).image_id, BUILT)
    engine.asked.clear()


@pytest.fixture
def context(engine: FakeEngine) -> Context:
    """Work with all of them here."""
    context = work(engine, Settings(environments=environments()))
    all_here(context, engine)
    return context


def test_hits(context: Context, engine: FakeEngine) -> None:
    """Each base and each image is asked for once to look at all, to render all, to explain all, and to tidy up."""
    every = list(context.settings.environments.values())
    outcomes = obtain_all(every, context)
    assert all(isinstance(outcome.result, LocalHit) for outcome in outcomes)
    assert len(engine.asked) == len(set(engine.asked)) == 2 * BASES
    engine.asked.clear()
    assert len(targets_of(every, context)) == BASES
    assert len(engine.asked) == BASES
    engine.asked.clear()
    looking = context.looking()
    assert all(isinstance(explain(environment, looking).result, LocalHit) for environment in every)
    assert len(engine.asked) == 2 * BASES


def distinct(engine: FakeEngine) -> Context:
    """Work with as many keys as environments, all here."""
    few = environments().items()
    different = {name: replace(environment, build_args={"N": name}) for name, environment in few}
    context = work(engine, Settings(environments=different))
    all_here(context, engine)
    return context


@pytest.mark.parametrize("is_classic", [False, True])
def test_distinct_keys(engine: FakeEngine, is_classic: bool) -> None:
    """Many images of one repository are listed once; what the listing does not tell all of is asked for besides."""
    context = distinct(engine)
    engine.is_classic = is_classic
    every = list(context.settings.environments.values())
    outcomes = obtain_all(every, context)
    assert all(isinstance(outcome.result, LocalHit) for outcome in outcomes)
    assert engine.asked.count("images") == 1
    assert len(engine.asked) == BASES + 1 + (MANY if is_classic else FEW)
    engine.asked.clear()
    looking = context.looking()
    assert all(isinstance(explain(environment, looking).result, LocalHit) for environment in every)
    assert len(engine.asked) == BASES + 1 + (MANY if is_classic else FEW)


def test_distinct_keys_that_are_missing(engine: FakeEngine) -> None:
    """What a listing does not have is not asked for."""
    context = distinct(engine)
    every = list(context.settings.environments.values())
    tags = [order_of(environment, context).tag for environment in every]
    engine.names = {name: i for name, i in engine.names.items() if name not in tags[FEW:]}
    looking = context.looking()
    engine.asked.clear()
    found = [glance(environment, looking) for environment in every]
    assert [type(one) for one in found] == [LocalHit] * FEW + [Miss] * (MANY - FEW)
    assert len(engine.asked) == BASES + 1 + FEW


def test_a_listing_that_lacks_what_is_here(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that matches names in another way is asked for each image."""
    context = distinct(engine)
    monkeypatch.setattr(engine, "images", lambda _: [])
    looking = context.looking()
    found = [glance(environment, looking) for environment in context.settings.environments.values()]
    assert [type(one) for one in found] == [LocalHit] * MANY


def test_a_listed_image_that_nobody_knows(engine: FakeEngine) -> None:
    """An image that this machine neither built nor pulled is judged by its history and layers, which no listing has."""
    context = distinct(engine)
    order = order_of(list(context.settings.environments.values())[-1], context)
    stranger = replace(engine.store[engine.names[order.tag]], image_id=str(Digest.of(b"stranger")), layers=9)
    engine.store[stranger.image_id] = stranger
    engine.made_s[stranger.image_id] = 0
    engine.names[order.tag] = stranger.image_id
    looking = context.looking()
    last = [glance(environment, looking) for environment in context.settings.environments.values()][-1]
    assert isinstance(last, Miss)
    assert "history" in last.reason
    assert f"image {stranger.image_id}" in engine.asked


def test_containers_are_asked_for_each_time(context: Context, engine: FakeEngine) -> None:
    """Containers' use of images does not depend on environments, and is not remembered."""
    assert len(reach(context, strict=True).environments) == 2 * BASES  # and the recorder of films on each
    assert sorted(engine.asked) == ["GET /containers/json", *(f"image base-{n}:1" for n in range(BASES))]


def test_a_registry(engine: FakeEngine, registry: MemoryRegistry) -> None:
    """`warm` asks the registry once for each base and each key, though it asks both for every environment."""
    settings = Settings(
        repository=ImageReference.parse("registry.example.com/team/desktop"),
        environments=environments("registry.example.com/"),
        pull="always",
        push=True,
    )
    context = work(engine, settings)
    for environment in settings.environments.values():
        base = environment.base_image
        engine.add(base.named, known_as=f"{base.repository}@{registry.put(str(base), {})}")
        order = order_of(environment, context)
        registry.put(order.tag, order.key.labels(base.named))
        note(engine.add(order.tag, order.key.labels(base.named)).image_id, BUILT)
    registry.asked.clear()
    done = warm_round(1, context)
    assert {warmed.action for warmed in done.warmed} == {"fresh"}
    assert len(registry.asked) <= 4 * BASES


def test_changes_are_seen(engine: FakeEngine, registry: MemoryRegistry, team: Settings) -> None:
    """What is pulled for one environment is here for the next of the same key, and not pulled again."""
    settings = replace(team, environments=environments())
    context = work(engine, settings)
    for environment in settings.environments.values():
        base = environment.base_image
        engine.add(base.named, known_as=f"{base.repository}@{Digest.of(str(base).encode())}")
        order = order_of(environment, context)
        registry.put(order.tag, order.key.labels(base.named))
    outcomes = obtain_all(list(settings.environments.values()), context)
    kinds = [type(outcome.result) for outcome in outcomes]
    assert kinds == [RegistryHit] * BASES + [LocalHit] * (MANY - BASES)
    assert len([asked for asked in engine.asked if asked.startswith("pull ")]) == BASES


def test_who_builds_asks_again(context: Context, engine: FakeEngine) -> None:
    """The live engine remembers nothing, and what is looked at once more is looked at again."""
    looking = context.looking()
    name = str(next(iter(context.settings.environments.values())).base_image)
    assert looking.engine.image(name) == looking.engine.image(name)
    engine.names.clear()
    assert looking.engine.image(name)
    assert looking.live().engine.image(name) is None
    assert looking.looking().engine.image(name) is None
    assert context.live() is context


@pytest.mark.parametrize("change", ["tag", "untag", "work"])
def test_what_forgets(context: Context, engine: FakeEngine, change: str) -> None:
    """Every change that goes through it is a reason to ask again."""
    snapshot = Snapshot(context.engine)
    base = next(iter(context.settings.environments.values())).base_image
    image = snapshot.image(str(base))
    assert image
    if change == "work":
        engine.ends.append(ENDED)
        snapshot.work("pull", "x", log=lambda _: None, draw=False, limit_s=1)
    else:
        getattr(snapshot, change)(*([image.image_id] if change == "tag" else []), base)
    before = engine.asked.count(f"image {base}")
    snapshot.image(str(base))
    assert engine.asked.count(f"image {base}") == before + 1


def test_a_registry_that_is_gone(engine: FakeEngine, registry: MemoryRegistry) -> None:
    """A registry that cannot be asked is waited for once for each base, and each environment has its error."""
    settings = Settings(environments=environments("registry.example.com/"), pull="always")
    registry.broken["registry.example.com"] = RegistryError("cannot be reached", "")
    outcomes = obtain_all(list(settings.environments.values()), work(engine, settings))
    assert all("cannot be reached" in str(outcome.error) for outcome in outcomes)
    assert len(registry.asked) == BASES
