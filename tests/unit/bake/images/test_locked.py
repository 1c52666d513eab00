"""With a lock: one key whatever machines have, nobody asked, and no tag resolved if that is forbidden."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest, ImageReference, Settings
from desktop_bake.bake.build.render import targets_of
from desktop_bake.bake.config.lock import Lock, LockedImage
from desktop_bake.bake.config.lock_names import BASE, TOOL
from desktop_bake.bake.images.base_digest import check_base
from desktop_bake.bake.images.locked import fixed_digest
from desktop_bake.bake.images.order import key_of, order_of
from desktop_bake.bake.images.published import ask_registry, is_published
from desktop_bake.bake.images.resolve import resolve
from desktop_bake.bake.images.result import Miss, RegistryHit
from desktop_bake.generator.errors import ConfigurationError
from tests.harness.every import every
from tests.harness.fake_engine import FakeEngine
from tests.harness.locks import NEW, OLD, THEN, TODAY
from tests.harness.recipes import OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.memory_registry import MemoryRegistry

BASE_NAME = str(OFFICE.base_image)
TOOL_NAME = "tools.example.com/tool:1"
FRONTEND = "tools.example.com/dockerfile:1"
LOCK = Lock(
    packages=THEN,
    bases={BASE_NAME: LockedImage(digest=OLD, platforms=("linux/amd64",))},
    tools={TOOL_NAME: LockedImage(digest=NEW), FRONTEND: LockedImage(digest=OLD)},
)
LOCKED = Settings(repository=ImageReference.parse("registry.example.com/team/desktop"), lock=LOCK)
OWN = replace(OFFICE, dockerfile="own")
DOCKERFILE = f"# syntax={FRONTEND}\nFROM tools.example.com/tool:1 AS tool\nFROM base\nARG DESKTOP_BAKE_BASE\nRUN true\n"


# --- the base and the tools ------------------------------------------------------------------------------------------


@every(
    ("name", "kind", "settings", "wanted"),
    [
        (BASE_NAME, BASE, LOCKED, OLD),
        (BASE_NAME, BASE, Settings(), None),
        (BASE_NAME, TOOL, LOCKED, None),
        (TOOL_NAME, TOOL, LOCKED, NEW),
        (f"{BASE_NAME}@{NEW}", BASE, LOCKED, NEW),
        (f"a@{NEW}", BASE, Settings(frozen=True), NEW),
        (BASE_NAME, BASE, replace(LOCKED, frozen=True), OLD),
        ("a:1", BASE, replace(LOCKED, frozen=True), "base image a:1 is not in desktop-bake.lock, and frozen resolves"),
        ("a:1", TOOL, Settings(frozen=True), "the Dockerfile's image a:1 is not in desktop-bake.lock"),
    ],
)
def test_fixed(name: str, kind: str, settings: Settings, wanted: Digest | str | None) -> None:
    """An environment's own digest counts, then the lock's; without either it is not fixed, which frozen refuses."""
    reference = ImageReference.parse(name)
    if not isinstance(wanted, str):
        assert fixed_digest(reference, kind, settings) == wanted
        return
    with pytest.raises(ConfigurationError, match=wanted) as caught:
        fixed_digest(reference, kind, settings)
    assert "run desktop-bake lock" in caught.value.remedy


def test_a_locked_key_asks_nobody(tmp_path: Path, engine: FakeEngine, registry: MemoryRegistry) -> None:
    """Key and rendered targets need neither an engine nor a network, also of a Dockerfile with images of its own."""
    (tmp_path / "own").write_text(DOCKERFILE)
    engine.is_up = False
    settings = replace(LOCKED, root=tmp_path)
    key = key_of(OWN, work(engine, settings))
    assert key.base == OLD
    (target,) = targets_of([OWN], work(engine, settings))
    assert target.base == f"docker-image://{BASE_NAME}@{OLD}"
    assert target.images == {TOOL_NAME: f"docker-image://{TOOL_NAME}@{NEW}"}
    assert target.args["BUILDKIT_SYNTAX"] == f"{FRONTEND}@{OLD}"
    assert target.args["DESKTOP_BAKE_BASE"] == f"{OLD.hex[:16]}-2026-11-01"
    assert (engine.asked, registry.asked) == ([], [])


def test_local_copies_do_not_matter(engine: FakeEngine, registry: MemoryRegistry) -> None:
    """Two machines that pulled different bases have one key with one lock, whatever the pull policy; else two."""
    other = FakeEngine(registry)
    for machine, digest in ((engine, OLD), (other, NEW)):
        machine.add(BASE_NAME, known_as=f"{OFFICE.base_image.repository}@{digest}")
    registry.put(BASE_NAME, {})
    for pull in ("missing", "always", "never"):
        mine, theirs = (key_of(OFFICE, work(e, replace(LOCKED, pull=pull))) for e in (engine, other))
        assert mine == theirs
    assert key_of(OFFICE, work(engine, Settings())) != key_of(OFFICE, work(other, Settings()))


def test_the_date_moves_the_key(tmp_path: Path, engine: FakeEngine) -> None:
    """The packages date is in the key of who takes it; a lock without one, like no lock, leaves the key as it is."""
    (tmp_path / "own").write_text(DOCKERFILE.replace("ARG DESKTOP_BAKE_BASE\n", ""))
    engine.add(BASE_NAME, known_as=f"{OFFICE.base_image.repository}@{OLD}")

    def key(lock: Lock | None, dockerfile: str | None = None) -> str:
        settings = replace(LOCKED, lock=lock, root=tmp_path)
        return str(key_of(replace(OFFICE, dockerfile=dockerfile), work(engine, settings)))

    undated = replace(LOCK, packages=None)
    assert key(None) == key(undated)
    assert len({key(undated), key(LOCK), key(replace(LOCK, packages=TODAY))}) == 3
    assert key(LOCK, "own") == key(undated, "own")


def test_a_task_without_a_cache_runs_the_locked_base(engine: FakeEngine) -> None:
    """An install at start begins with the same base as all others; without one, frozen refuses."""
    disabled = replace(OFFICE, cache_desktop_build=False)
    assert resolve(disabled, work(engine, LOCKED)).image == f"{BASE_NAME}@{OLD}"
    with pytest.raises(ConfigurationError, match="frozen resolves no tag"):
        resolve(disabled, work(engine, Settings(frozen=True)))


@pytest.mark.parametrize(("platform", "is_refused"), [("linux/amd64", False), ("linux/arm64", True)])
def test_the_lock_tells_platforms(
    engine: FakeEngine, registry: MemoryRegistry, platform: str, is_refused: bool
) -> None:
    """A base that the lock has for other platforms is refused, and no registry is asked."""
    if is_refused:
        with pytest.raises(ConfigurationError, match=r"is for linux/amd64, linux/arm64 is asked for"):
            check_base(replace(OFFICE, platform=platform), work(engine, LOCKED), platform)
    else:
        check_base(OFFICE, work(engine, LOCKED), platform)
    assert (engine.asked, registry.asked) == ([], [])


# --- published images ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["the locked one", "tampered", "tag removed", "gone", "gone and tampered"])
def test_an_image_counts_at_its_locked_digest(
    engine: FakeEngine, registry: MemoryRegistry, lines: list[str], what: str
) -> None:
    """Only the locked digest is ever used, whatever is under the tag; the digest found there is reported."""
    key = key_of(OFFICE, work(engine, LOCKED))
    tag = f"{LOCKED.repository}:{key}"
    good = registry.put(tag, key.labels("b"))
    evil = registry.put(tag, key.labels("evil"))
    if what in ("the locked one", "tag removed", "gone"):
        registry.tags[tag] = str(good)
    if what in ("tag removed", "gone"):
        del registry.tags[tag]
    if what.startswith("gone"):
        del registry.manifests[f"{LOCKED.repository}@{good}"]
    settings = replace(LOCKED, lock=replace(LOCK, images={str(key): good}))
    context = work(engine, settings, lines.append)
    found = ask_registry(Miss(order=order_of(OFFICE, context)), context)
    told = f"[desktop-cache] WARNING: {tag} is {evil} in the registry, which is not used: the lock says {good}"
    assert lines == ([told] if what == "tampered" else [])
    if "gone" in what:
        assert isinstance(found, Miss)
        instead = f"; {tag} is {evil} there, which is not used" if "tampered" in what else ""
        assert found.why.there == f"not in registry registry.example.com at {good}, the one that the lock says{instead}"
        assert found.why.is_refused is bool(instead)
    else:
        assert isinstance(found, RegistryHit)
        assert found.digest == good
    assert is_published(key, "linux/amd64", context) is ("gone" not in what)


def test_any_digest_counts_without_one_in_the_lock(engine: FakeEngine, registry: MemoryRegistry) -> None:
    """An image that the lock does not name is a hit by its labels."""
    context = work(engine, LOCKED)
    order = order_of(OFFICE, context)
    digest = registry.put(order.tag, order.key.labels("b"))
    found = ask_registry(Miss(order=order), context)
    assert isinstance(found, RegistryHit)
    assert found.digest == digest
