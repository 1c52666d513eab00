"""Pruning: what is planned, here and in the registry, and that nothing else is removed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import Digest, RegistryError, Settings
from desktop_bake.bake.build import local_cache
from desktop_bake.bake.images.history import write_record
from desktop_bake.bake.images.order import order_of
from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.bake.task.film import recorder_of
from desktop_bake.bake.upkeep.inventory import reach, stored_images
from desktop_bake.bake.upkeep.policy import Policy, reach_of
from desktop_bake.bake.upkeep.prune import Plan, carry_out, family_of_text, plan
from desktop_bake.generator.errors import ConfigurationError, EngineError
from desktop_bake.generator.key_family import family_of
from desktop_bake.generator.layer_key import LayerKey
from tests.harness.recipes import BASE, KEY, OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from desktop_bake.generator.key import CacheKey
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

REPOSITORY = "registry.example.com/team/desktop"
OLD, OTHER = (replace(KEY, setup=Digest("sha256:" + char * 64)) for char in "cd")
ELSE = replace(KEY, install=BASE)
LAYER = LayerKey(variant=KEY.variant, base=KEY.base, below=OLD, content=BASE, is_preflight=True)
ON_BASE = LayerKey(variant=KEY.variant, base=KEY.base, content=BASE, is_preflight=True)
REACH = reach_of({"office": KEY}, {})


def planned(engine: FakeEngine, settings: Settings, **more: Any) -> Plan:
    """What would be removed."""
    fields = {"reach": REACH, "policy": Policy(now_s=1000), "registry": False, **more}
    return plan(work(engine, settings), **fields)


def removed(verdicts: Any) -> set[str]:
    """The first tags of what is to be removed."""
    return {v.image.tags[0].rpartition(":")[2] for v in verdicts if v.removed}


@pytest.fixture
def store(engine: FakeEngine) -> FakeEngine:
    """A store with a reached image, two that nobody reaches, and some that are not ours."""
    for key in (KEY, OLD, OTHER):
        engine.add(f"{REPOSITORY}:{key}", key.labels("b"), made_s=100)
    engine.add(f"elsewhere:{ELSE}", ELSE.labels("b"))
    engine.add(f"{REPOSITORY}:by-hand")
    return engine


# --- here ------------------------------------------------------------------------------------------------------------


def test_plan(store: FakeEngine, team: Settings) -> None:
    """What no environment reaches is removed; other repositories and images without our labels are not looked at."""
    found = planned(store, team)
    assert removed(found.images) == {str(OLD), str(OTHER)}
    assert {v.image.tags[0] for v in found.images} == {f"{REPOSITORY}:{key}" for key in (KEY, OLD, OTHER)}
    assert (found.frees_bytes, found.is_empty, found.published) == (14, False, ())


@pytest.mark.parametrize("how", ["kept", "young", "elsewhere", "container", "tag"])
def test_what_stays(store: FakeEngine, team: Settings, how: str) -> None:
    """An image stays that the policy keeps, another project made, a container uses, or somebody tagged."""
    store.names = {n: i for n, i in store.names.items() if not n.endswith(str(OTHER))}
    more: dict[str, dict[str, Any]] = {
        "kept": {"policy": Policy(keep=1, now_s=1000)},
        "young": {"policy": Policy(older_than_s=901, now_s=1000)},
        "elsewhere": {"reach": reach_of({"office": KEY}, {str(OLD): "/another"})},
        "container": {"reach": reach_of({"office": KEY}, {}, {store.names[f"{REPOSITORY}:{OLD}"]})},
        "tag": {},
    }
    if how == "tag":
        store.names["mine:1"] = store.names[f"{REPOSITORY}:{OLD}"]
    assert not any(v.removed for v in planned(store, team, **more[how]).images)
    if how == "young":
        assert removed(planned(store, team, policy=Policy(older_than_s=900, now_s=1000)).images) == {str(OLD)}


def test_nothing_to_remove(engine: FakeEngine, team: Settings) -> None:
    """If everything is reached the plan is empty, and no image's layers are requested."""
    engine.add(f"{REPOSITORY}:{KEY}", KEY.labels("b"))
    found = planned(engine, team)
    assert (found.is_empty, found.frees_bytes) == (True, 0)
    assert engine.asked == ["images"]


def folder(family: str, used_s: float = 0) -> Path:
    """A cache folder."""
    made = cache_folder() / "buildkit" / family
    made.mkdir(parents=True)
    (made / "index.json").write_text("{}")
    os.utime(made, (used_s, used_s))
    return made


def test_cache_folders(engine: FakeEngine, team: Settings) -> None:
    """A cache folder stays whose family is reached, was made for another project, or is young."""
    folder(family_of(KEY))
    folder(family_of(ELSE))
    folder("unreached")
    folder("young", used_s=950)
    far = reach_of({"office": KEY}, {str(ELSE): "/another", str(ON_BASE): "/another"})
    found = planned(engine, team, reach=far, policy=Policy(older_than_s=100, now_s=1000))
    assert [family.name for family in found.caches] == ["unreached"]
    assert not found.is_empty


@pytest.mark.parametrize(("key", "family"), [(KEY, family_of(KEY)), (LAYER, family_of(OLD)), (ON_BASE, None)])
def test_family_of_text(key: CacheKey | LayerKey, family: str | None) -> None:
    """A key's text names the cache folder that builds of the key use: a layer that of its desktop, if it has one."""
    assert family_of_text(str(key)) == family


def test_carry_out(store: FakeEngine, team: Settings, lines: list[str]) -> None:
    """What was planned goes, tag by tag, and nothing else does."""
    cache = folder("unreached")
    count, faults = carry_out(planned(store, team), work(store, team, lines.append))
    assert (count, faults) == (3, [])
    assert sorted(store.names) == sorted([f"{REPOSITORY}:{KEY}", f"elsewhere:{ELSE}", f"{REPOSITORY}:by-hand"])
    assert not cache.exists()
    assert lines == [
        *(f"[desktop-cache] removed {REPOSITORY}:{key}" for key in sorted([OLD, OTHER], key=_id_of(store))),
        "[desktop-cache] removed cache unreached",
    ]


def _id_of(store: FakeEngine) -> Any:
    return lambda key: next(i for i, image in store.store.items() if key.mismatch(image.labels) is None)


def test_what_cannot_be_removed(
    store: FakeEngine, team: Settings, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the engine or the disk refuses is reported and not counted; the others go all the same."""
    folder("unreached")
    store.refused = {f"{REPOSITORY}:{OLD}"}

    def discard(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(local_cache, "discard", discard)
    count, faults = carry_out(planned(store, team), work(store, team, lines.append))
    assert count == 1
    assert faults == [
        f"{REPOSITORY}:{OLD}: a container uses it",
        f"{cache_folder() / 'buildkit' / 'unreached'}: Permission denied",
    ]
    assert lines == [f"[desktop-cache] removed {REPOSITORY}:{OTHER}"]


# --- in the registry -------------------------------------------------------------------------------------------------


def test_registry(engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]) -> None:
    """Unused images of the registry are removed, even if a container here uses one."""
    for key in (KEY, OLD):
        registry.put(f"{REPOSITORY}:{key}", key.labels("b"), created="2024-01-01T00:00:00Z")
    registry.put(f"{REPOSITORY}:by-hand", {"a": "b"})
    used = reach_of({"office": KEY}, {}, {f"{REPOSITORY}:{OLD}"})
    found = planned(engine, team, reach=used, registry=True)
    assert removed(found.published) == {str(OLD)}
    assert {v.image.created_s for v in found.published} == {1_704_067_200.0}
    assert len(registry.asked) == 1 + 3 + 2  # the tags, each of them, and the configuration of those that are keys
    assert carry_out(found, work(engine, team, lines.append)) == (1, [])
    assert sorted(name.rpartition(":")[2] for name in registry.tags) == sorted(["by-hand", str(KEY)])
    assert lines == [f"[desktop-cache] removed {REPOSITORY}:{OLD} from the registry"]


def test_other_platforms(engine: FakeEngine, registry: MemoryRegistry, team: Settings) -> None:
    """An image for another platform than this engine's is looked at as well."""
    registry.put(f"{REPOSITORY}:{OLD}", OLD.labels("b"), "linux/arm64")
    assert removed(planned(engine, team, registry=True).published) == {str(OLD)}


def test_what_another_tag_needs(engine: FakeEngine, registry: MemoryRegistry, team: Settings) -> None:
    """An image stays that an index of another tag names: deleting it would break that."""
    digest = registry.put(f"{REPOSITORY}:{OLD}", OLD.labels("b"))
    assert removed(planned(engine, team, registry=True).published) == {str(OLD)}
    registry.put_index(f"{REPOSITORY}:release", {"linux/amd64": digest})
    (verdict,) = planned(engine, team, registry=True).published
    assert (verdict.removed, verdict.reason) == (False, f"also tagged {REPOSITORY}:release")


def test_a_list_that_is_not_whole(engine: FakeEngine, registry: MemoryRegistry, team: Settings) -> None:
    """If one answer is missing nobody knows what is needed, and nothing is removed."""
    registry.put(f"{REPOSITORY}:{OLD}", OLD.labels("b"))
    registry.put(f"{REPOSITORY}:by-hand", {})
    registry.statuses["GET registry.example.com/team/desktop/manifests/by-hand"] = 500
    with pytest.raises(RegistryError, match="failed with status 500; so nothing is removed"):
        planned(engine, team, registry=True)


def test_a_registry_that_does_not_delete(
    engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]
) -> None:
    """A registry with deleting switched off is reported, once for each image."""
    digest = registry.put(f"{REPOSITORY}:{OLD}", OLD.labels("b"))
    registry.statuses[f"DELETE registry.example.com/team/desktop/manifests/{digest}"] = 405
    found = carry_out(planned(engine, team, registry=True), work(engine, team, lines.append))
    assert found == (0, ["registry registry.example.com has deleting switched off"])
    assert lines == []


def test_no_registry(engine: FakeEngine) -> None:
    """A repository of this machine alone has no registry to prune."""
    with pytest.raises(ConfigurationError, match="repository 'desktop-bake' is in no registry"):
        planned(engine, Settings(), registry=True)


# --- what is reached -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strict", [True, False])
def test_reach(engine: FakeEngine, team: Settings, lines: list[str], strict: bool) -> None:
    """Every environment with its cache on counts; one whose key cannot be computed is an error, or is reported."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    engine.containers = [{"ImageID": "sha256:1", "Image": "a:1"}]
    off, bad = (
        replace(OFFICE, env_id="off", cache_desktop_build=False),
        replace(OFFICE, env_id="bad", setup_script="no"),
    )
    settings = replace(team, environments={"office": OFFICE, "off": off, "bad": bad})
    if strict:
        with pytest.raises(ConfigurationError, match="cannot read no"):
            reach(work(engine, settings, lines.append), strict=True)
        return
    found = reach(work(engine, settings, lines.append), strict=False)
    assert list(found.environments.values()) == [("office",), ("office (film)",)]
    assert set(found.in_use) == {"sha256:1", "a:1"}
    assert lines[-1].startswith("[desktop-cache] WARNING: environment 'bad': environment 'bad': cannot read no")


def test_reach_knows_the_names_of_environments(engine: FakeEngine, team: Settings, lines: list[str]) -> None:
    """Those that there are, and those that something was made for here before they went."""
    settings = replace(team, alias_tags=("x-{environment}",), environments={"office": OFFICE, "b": OFFICE})
    engine.add("registry.example.com/base:1", known_as=f"registry.example.com/base@{BASE}")
    gone = replace(OFFICE, env_id="gone")
    write_record(order_of(gone, work(engine, settings)), settings)
    found = reach(work(engine, settings, lines.append), strict=True)
    assert found.aliases == {"x-office", "x-b", "x-gone"}
    assert reach(work(engine, team), strict=True).aliases == set()


def test_the_recorder_of_films_stays(engine: FakeEngine, team: Settings) -> None:
    """The image that films are recorded with is no environment's, and stays as long as one has its base."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    settings = replace(team, environments={"office": OFFICE, "b": replace(OFFICE, env_id="b")})
    key = order_of(recorder_of(OFFICE), work(engine, settings)).key
    engine.add(f"{REPOSITORY}:{key}", key.labels("b"), made_s=100)
    found = reach(work(engine, settings), strict=True)
    assert found.environments[str(key)] == ("office (film)",)
    assert not planned(engine, settings, reach=found).images[0].removed
    gone = reach(work(engine, replace(settings, environments={})), strict=True)
    assert planned(engine, settings, reach=gone).images[0].removed


def test_reach_without_an_engine(engine: FakeEngine, team: Settings) -> None:
    """Without an engine nobody knows what is reached, however lenient one is."""
    engine.is_up = False
    with pytest.raises(EngineError):
        reach(work(engine, replace(team, environments={"office": OFFICE})), strict=False)


@pytest.mark.parametrize("entry", [{}, {"Id": "a"}, {"Id": "a", "Created": 1, "Size": 1, "RepoTags": [1]}])
def test_an_answer_that_is_not_understood(engine: FakeEngine, entry: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of images of another form is an error, not a store without images."""
    monkeypatch.setattr(engine, "images", lambda _: [entry])
    with pytest.raises(EngineError, match="the engine's answer is not understood"):
        stored_images(engine)
