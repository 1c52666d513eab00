"""Why an image is found or missed: against the nearest of our images, here and in the registry."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest, Environment, RegistryError, Settings
from desktop_bake.bake.config.lock import Lock, LockedImage
from desktop_bake.bake.engine.no_engine import NoEngine
from desktop_bake.bake.images.history import write_record
from desktop_bake.bake.images.order import key_of, order_of
from desktop_bake.bake.images.result import Status
from desktop_bake.bake.images.trust import BUILT, note
from desktop_bake.bake.upkeep import explain as module
from desktop_bake.bake.upkeep.explain import Explanation, explain
from desktop_bake.generator.key import CacheKey
from tests.harness.recipes import BASE, OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

REPOSITORY = "registry.example.com/team/desktop"
NAME, OTHER = "registry.example.com/base:1", Digest("sha256:" + "cd" * 32)


@pytest.fixture
def office(tmp_path: Path, engine: FakeEngine) -> tuple[Environment, Settings]:
    """The office with its own setup script, and its base here."""
    engine.add(NAME, known_as=f"registry.example.com/base@{BASE}")
    (tmp_path / "setup.sh").write_text("echo 1\n")
    return replace(OFFICE, setup_script="setup.sh"), Settings(root=tmp_path)


def explained(office: tuple[Environment, Settings], engine: FakeEngine, lines: list[str]) -> Explanation:
    """Why it is so."""
    return explain(office[0], work(engine, office[1], lines.append))


def key(office: tuple[Environment, Settings], engine: FakeEngine) -> CacheKey:
    """Its key."""
    found = key_of(office[0], work(engine, office[1]))
    assert isinstance(found, CacheKey)
    return found


def test_hit(office: tuple[Environment, Settings], engine: FakeEngine, lines: list[str]) -> None:
    """A hit needs no explanation, and no other image is looked at."""
    now = key(office, engine)
    note(engine.add(f"desktop-bake:{now}", now.labels(NAME)).image_id, BUILT)
    found = explained(office, engine, lines)
    assert (found.result.status, found.near, found.changes, found.diffs) == (Status.LOCAL_HIT, None, (), {})
    assert found.as_json()["nearest"] is None
    assert "images" not in engine.asked


def test_disabled(office: tuple[Environment, Settings], engine: FakeEngine, lines: list[str]) -> None:
    """What is switched off is reported, not explained."""
    found = explained((replace(office[0], cache_desktop_build=False), office[1]), engine, lines)
    assert found.result.status is Status.DISABLED
    assert (engine.asked, lines) == ([], [])


def test_changed_script(office: tuple[Environment, Settings], engine: FakeEngine, lines: list[str]) -> None:
    """A changed script is named, with the lines that changed where its former content was recorded."""
    then = key(office, engine)
    engine.add(f"desktop-bake:{then}", then.labels(NAME), made_s=86_400)
    write_record(order_of(office[0], work(engine, office[1])), office[1])
    (office[1].root / "setup.sh").write_text("echo 2\n")
    found = explained(office, engine, lines)
    assert found.result.reason == "setup script changed"
    assert lines[-1] == "[desktop-cache] miss: setup script changed"
    assert sum(line.startswith("[desktop-cache] miss") for line in lines) == 1
    (change,) = found.changes
    assert {"-echo 1", "+echo 2"} <= set(found.diffs[change])
    told = found.as_json()
    assert told["nearest"] == {
        "image": f"desktop-bake:{then}",
        "where": "here",
        "cache_key": str(then),
        "base": NAME,
        "created": "1970-01-02T00:00:00+00:00",
    }
    assert isinstance(told["changes"], list)
    assert (told["changes"][0]["part"], told["changes"][0]["path"]) == ("setup", "desktop_setup.sh")
    assert "+echo 2" in told["changes"][0]["diff"]


def test_nothing_written_down(office: tuple[Environment, Settings], engine: FakeEngine, lines: list[str]) -> None:
    """Without the former content the changed file is named without its lines."""
    then = key(office, engine)
    engine.add(f"desktop-bake:{then}", then.labels(NAME))
    (office[1].root / "setup.sh").write_text("echo 2\n")
    found = explained(office, engine, lines)
    assert (found.result.reason, found.diffs) == ("setup script changed", {})
    told = found.as_json()
    assert isinstance(told["changes"], list)
    assert told["changes"][0]["diff"] is None


def test_age_of_the_base(office: tuple[Environment, Settings], engine: FakeEngine, lines: list[str]) -> None:
    """A base that moved is reported with the age of the present one."""
    now = key(office, engine)
    image = engine.add(NAME)
    then = now.on_base(OTHER)
    engine.add(f"desktop-bake:{then}", then.labels(NAME))
    engine.made_s[image.image_id] = int(time.time()) - 3 * 86_400 - 60
    found = explained(office, engine, lines)
    assert found.result.reason.endswith(" (made 3 days ago)")
    assert found.result.reason.startswith(f"base image changed: {NAME} moved from {str(OTHER)[:19]} to ")
    known = engine.add(NAME, known_as=f"registry.example.com/base@{BASE}")  # a copy whose ID is another digest
    engine.made_s[known.image_id] = 1
    assert explained(office, engine, lines).result.reason.endswith(f" to {str(BASE)[:19]}")


def test_nothing_near(office: tuple[Environment, Settings], engine: FakeEngine, lines: list[str]) -> None:
    """Without an image of ours it was never built, and images without our labels are passed over."""
    engine.add("a:1", {"desktop-bake.schema": "1"})
    found = explained(office, engine, lines)
    assert (found.result.reason, found.near) == ("never built for this base", None)


@pytest.mark.parametrize("state", ["wrong", "platform", "asked", "untrusted", "untagged"])
def test_state_goes_first(
    office: tuple[Environment, Settings], engine: FakeEngine, lines: list[str], state: str
) -> None:
    """What is said of the image that has the tag or the labels precedes what changed against others."""
    now = key(office, engine)
    tag = f"desktop-bake:{now}"
    engine.add("desktop-bake:old", now.on_base(OTHER).labels(NAME))
    environment = replace(office[0], platform="linux/arm64" if state == "asked" else None)
    if state == "asked":
        engine.add(NAME, platform="linux/arm64", known_as=f"registry.example.com/base@{BASE}")
    if state != "untagged":
        platform = "linux/arm64" if state == "platform" else "linux/amd64"
        engine.add(tag, {} if state == "wrong" else now.labels(NAME), platform)
    else:
        engine.add("other:1", now.labels(NAME))
    wanted = {
        "wrong": f"{tag} is not what its tag says: ",
        "platform": f"{tag} is for linux/arm64, this engine runs linux/amd64",
        "asked": f"{tag} is for linux/amd64, linux/arm64 is asked for",
        "untrusted": f"{tag} is not used: its history",
        "untagged": f"no image here has the tag {tag}; ",
    }
    assert explained((environment, office[1]), engine, lines).result.reason.startswith(wanted[state])


# --- the registry ----------------------------------------------------------------------------------------------------


def test_nearest_in_the_registry(
    office: tuple[Environment, Settings], engine: FakeEngine, registry: MemoryRegistry, lines: list[str]
) -> None:
    """An image of the registry is near too, by the labels that it has there."""
    shared = office[0], replace(office[1], repository=replace(OFFICE.base_image, path="team/desktop", tag=None))
    then = key(shared, engine)
    registry.put(f"{REPOSITORY}:{then}", then.labels(NAME), created="2024-01-01T00:00:00Z")
    (office[1].root / "setup.sh").write_text("echo 2\n")
    found = explained(shared, engine, lines)
    assert found.near
    assert (found.near.where, found.near.name) == ("registry.example.com", f"{REPOSITORY}:{then}")
    assert found.near.created_s == 1_704_067_200
    assert found.result.reason == "setup script changed"


def test_few_are_looked_at(
    office: tuple[Environment, Settings], engine: FakeEngine, registry: MemoryRegistry, lines: list[str]
) -> None:
    """Only the nearest few of many tags are looked at, and only keys."""
    shared = office[0], replace(office[1], repository=replace(OFFICE.base_image, path="team/desktop", tag=None))
    now = key(shared, engine)
    for number in range(20):
        then = replace(now, setup=Digest(f"sha256:{number:016d}" + "0" * 48), dockerfile=OTHER, install=OTHER)
        registry.put(f"{REPOSITORY}:{then}", then.labels(NAME))
    near = replace(now, setup=OTHER)
    registry.put(f"{REPOSITORY}:{near}", near.labels(NAME))
    registry.put(f"{REPOSITORY}:latest", now.labels(NAME))
    found = explained(shared, engine, lines)
    assert found.near
    assert found.near.key == near
    looked = [a for a in registry.asked if "/manifests/" in a and "sha256:" not in a and "base/" not in a]
    assert len(looked) == 1 + module.MOST_LOOK_UPS  # the first is `resolve`'s
    assert not any("latest" in a for a in looked)


def test_own_keys_that_are_not_listed(
    office: tuple[Environment, Settings],
    engine: FakeEngine,
    registry: MemoryRegistry,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was made for the environment here is requested by its name, if the registry lists others."""
    shared = office[0], replace(office[1], repository=replace(OFFICE.base_image, path="team/desktop", tag=None))
    then = key(shared, engine)
    write_record(order_of(shared[0], work(engine, shared[1])), shared[1])
    registry.put(f"{REPOSITORY}:{then}", then.labels(NAME))
    monkeypatch.setattr(module, "tags_near", lambda *_: ("latest",))
    (office[1].root / "setup.sh").write_text("echo 2\n")
    found = explained(shared, engine, lines)
    assert found.near
    assert found.near.name == f"{REPOSITORY}:{then}"


@pytest.mark.parametrize("broken", ["host", "tags", "image"])
def test_a_registry_that_fails(
    office: tuple[Environment, Settings], engine: FakeEngine, registry: MemoryRegistry, lines: list[str], broken: str
) -> None:
    """A registry that cannot be asked, or one image of it that is broken, costs the explanation and nothing else."""
    shared = office[0], replace(office[1], repository=replace(OFFICE.base_image, path="team/desktop", tag=None))
    then = replace(key(shared, engine), setup=OTHER)
    registry.put(f"{REPOSITORY}:{then}", then.labels(NAME))
    if broken == "host":
        registry.broken["registry.example.com"] = RegistryError("down")
    elif broken == "tags":
        registry.statuses["GET registry.example.com/team/desktop/tags/list"] = 500
    else:
        registry.statuses[f"GET registry.example.com/team/desktop/manifests/{then}"] = 500
    found = explained(shared, engine, lines)
    assert (found.result.status, found.near) == (Status.MISS, None)
    assert found.result.reason == "never built for this base"
    assert ("tags/list" in " ".join(registry.asked)) is (broken != "host")


def test_without_an_engine(registry: MemoryRegistry, team: Settings, lines: list[str]) -> None:
    """With a lock and no engine, a key is found in the registry or compared with what is there; no base is needed."""
    settings = replace(team, lock=Lock(bases={NAME: LockedImage(digest=BASE)}))
    context = work(NoEngine(), settings, lines.append)
    wanted = key_of(OFFICE, context)
    registry.put(f"{REPOSITORY}:{wanted}", wanted.labels(NAME), context.engine.platform())
    assert explain(OFFICE, context).result.status is Status.REGISTRY_HIT
    moved = work(NoEngine(), replace(settings, lock=Lock(bases={NAME: LockedImage(digest=OTHER)})), lines.append)
    found = explain(OFFICE, moved)
    assert found.result.status is Status.MISS
    assert found.result.reason == f"base image changed: {NAME} moved from {BASE.value[:19]} to {OTHER.value[:19]}"
    assert not any("/base/" in question for question in registry.asked)
