"""One machine of a team builds a key at a time: who has the lease, who waits, and that whatever fails does no harm."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import CancelledError, RegistryError, Settings
from desktop_bake.bake.build import lease_place, team_lease
from desktop_bake.bake.build.team_lease import lease_if_free, leased
from desktop_bake.bake.images.result import Miss, RegistryHit
from desktop_bake.bake.registry.lease_manifest import RELEASED, Lease, lease_tag, read_lease
from desktop_bake.bake.registry.manifest import OCI_MANIFEST
from desktop_bake.generator.reference import Digest
from tests.harness.recipes import KEY, OFFICE
from tests.harness.work import order, work

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

PLACE = "registry.example.com/team/desktop"
TAG = lease_tag(KEY, "linux/amd64")
THEIRS = Lease(owner="0" * 32, lifetime_s=20)
BUILDS = f"[desktop-cache] waiting: another machine builds {KEY}"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long between two looks."""
    monkeypatch.setattr(lease_place, "_TWICE_S", 0.0)
    for name, value in (("SETTLE_S", (0.0, 0.0)), ("POLL_S", 0.0), ("_APART_S", (0.0, 0.0))):
        monkeypatch.setattr(team_lease, name, value)


@pytest.fixture
def miss(team: Settings) -> Miss:
    """A wanted image that exists nowhere."""
    return Miss(order=order(team))


def put(registry: MemoryRegistry, content: bytes, tag: str = TAG) -> None:
    """Put a manifest under a tag."""
    registry.manifests[f"{PLACE}@{Digest.of(content)}"] = content, OCI_MANIFEST
    registry.tags[f"{PLACE}:{tag}"] = str(Digest.of(content))


def held(registry: MemoryRegistry) -> Lease | None:
    """The lease that somebody has."""
    digest = registry.tags.get(f"{PLACE}:{TAG}")
    return read_lease(registry.manifests[f"{PLACE}@{digest}"][0]) if digest else None


class Answering:
    """A registry's answers, and what happens meanwhile.

    Args:
        registry: the registry.
        happens: called with each request, `METHOD URL`, before it is answered.
    """

    def __init__(self, registry: MemoryRegistry, happens: Callable[[str], None]) -> None:
        self._happens, self._answer = happens, registry.answer

    def answer(self, method: str, url: str, headers: Any, body: bytes) -> Any:
        """As `MemoryRegistry.answer`."""
        self._happens(f"{method} {url}")
        return self._answer(method, url, headers, body)


def test_nobody_has_it(
    miss: Miss, engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]
) -> None:
    """A machine that finds no lease holds one while it builds, and gives it back."""
    with leased(miss, work(engine, team, lines.append), 60) as found:
        assert found is miss
        assert held(registry)
    assert held(registry) is None
    assert lines == []


def test_it_is_given_back_after_a_failure(
    miss: Miss, engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]
) -> None:
    """A build that fails gives the lease back."""

    def fail() -> None:
        with leased(miss, work(engine, team, lines.append), 60):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert held(registry) is None


def test_a_registry_that_deletes_nothing(
    miss: Miss, engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]
) -> None:
    """If nothing can be deleted, the lease is written over as released."""

    def happens(request: str) -> None:
        if request.startswith("DELETE"):
            raise RegistryError("deleting is switched off")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "answer", Answering(registry, happens).answer)
        with leased(miss, work(engine, team, lines.append), 60):
            assert held(registry)
    assert registry.tags[f"{PLACE}:{TAG}"] == str(Digest.of(RELEASED))
    assert lines == []


def test_what_was_published_meanwhile(
    miss: Miss, engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]
) -> None:
    """A machine that gets the lease looks once more: another may have published the image by then."""
    digest = registry.put(f"{PLACE}:{KEY}", KEY.labels("b"))
    with leased(miss, work(engine, team, lines.append), 60) as found:
        assert isinstance(found, RegistryHit)
        assert found.digest == digest


@pytest.mark.parametrize("how", ["deleted", "released"])
def test_another_gives_up(
    miss: Miss, engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str], how: str
) -> None:
    """A machine that gives its lease back without an image leaves the build to whoever waits."""
    put(registry, THEIRS.content())
    looks: list[str] = []

    def happens(request: str) -> None:
        looks.append(request)
        if len(looks) == 6:
            if how == "released":
                put(registry, RELEASED)
            else:
                del registry.tags[f"{PLACE}:{TAG}"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "answer", Answering(registry, happens).answer)
        with leased(miss, work(engine, team, lines.append), 60) as found:
            assert found is miss
    assert lines == [BUILDS, "[desktop-cache] waited 0 s: the other machine gave up; building here"]


def test_another_publishes(
    miss: Miss, engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]
) -> None:
    """What the other machine publishes is the result of the wait; an image that proves nothing is not."""
    put(registry, THEIRS.content())
    looks: list[str] = []

    def happens(request: str) -> None:
        looks.append(request)
        if len(looks) == 4:
            registry.put(f"{PLACE}:{KEY}", {"other": "labels"})
        if len(looks) == 12:
            registry.put(f"{PLACE}:{KEY}", KEY.labels("b"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "answer", Answering(registry, happens).answer)
        with leased(miss, work(engine, team, lines.append), 60) as found:
            assert isinstance(found, RegistryHit)
    assert lines[0] == BUILDS
    assert lines[-1] == "[desktop-cache] waited 0 s: it is in the registry"
    assert held(registry) == THEIRS  # it is not ours to give back


def test_another_dies(
    miss: Miss, engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]
) -> None:
    """A lease that has not moved for its lifetime is taken over."""
    quick = SimpleNamespace(monotonic=lambda: 1000 * time.monotonic(), sleep=lambda _s: None)
    put(registry, THEIRS.content())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(team_lease, "time", quick)
        with leased(miss, work(engine, team, lines.append), 1e6) as found:
            assert found is miss
            mine = held(registry)
            assert mine
            assert mine.owner != THEIRS.owner
    assert lines[0] == BUILDS
    assert lines[1].endswith("s: the other machine gives no sign of life")
    assert held(registry) is None


def test_the_limit(miss: Miss, engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]) -> None:
    """A machine that waits too long builds without the lease."""
    put(registry, THEIRS.content())
    with leased(miss, work(engine, team, lines.append), -1) as found:
        assert found is miss
    assert lines == [BUILDS, "[desktop-cache] waited 0 s: the limit; building here"]
    assert held(registry) == THEIRS


def test_another_is_faster(
    miss: Miss, engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]
) -> None:
    """If another machine writes just after us, it has the lease, and we wait for it."""
    writes: list[str] = []
    waits: list[float] = []  # each wait is a second, and nothing else takes time
    clock = SimpleNamespace(monotonic=lambda: len(waits), sleep=waits.append)

    def happens(request: str) -> None:
        if writes and request.startswith("HEAD") and held(registry) != THEIRS:
            put(registry, THEIRS.content())
        if request.startswith("PUT") and request.endswith(TAG):
            writes.append(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "answer", Answering(registry, happens).answer)
        patch.setattr(team_lease, "time", clock)
        patch.setattr(lease_place, "time", clock)
        with leased(miss, work(engine, team, lines.append), 5) as found:
            assert found is miss
    assert lines[0] == BUILDS
    assert len(writes) == 1
    assert held(registry) == THEIRS


@pytest.mark.parametrize("times", [1, 100])
def test_a_registry_that_refuses(
    miss: Miss, engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str], times: int
) -> None:
    """A refusal is tried once more; then the build goes on without a lease, and says so."""
    left = [times]

    def happens(request: str) -> None:
        if request.startswith("PUT") and left[0]:
            left[0] -= 1
            raise RegistryError("registry registry.example.com is busy", "try again")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "answer", Answering(registry, happens).answer)
        with leased(miss, work(engine, team, lines.append), 60) as found:
            assert found is miss
            assert (held(registry) is not None) is (times == 1)
    said = "[desktop-cache] no lease, so that others may build the same: registry registry.example.com is busy"
    assert lines == ([] if times == 1 else [said])


def test_beats(
    miss: Miss,
    engine: FakeEngine,
    registry: MemoryRegistry,
    team: Settings,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lease is renewed while it is held; one that somebody took over is left alone."""
    monkeypatch.setattr(team_lease, "BEAT_S", 0.001)
    end = time.monotonic() + 10
    with leased(miss, work(engine, team, lines.append), 60):
        mine = held(registry)
        assert mine
        while held(registry) in (mine, None):
            assert time.monotonic() < end
        put(registry, THEIRS.content())
        before = len(registry.asked)
        while len(registry.asked) < before + 1:
            assert time.monotonic() < end
    assert held(registry) == THEIRS


def test_every_platform(
    miss: Miss, engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]
) -> None:
    """What is built for several platforms has a lease on all of them."""
    several = Miss(order=order(team, environment=replace(OFFICE, platforms=("linux/amd64", "linux/arm64"))))
    with leased(several, work(engine, team, lines.append), 60):
        assert f"{PLACE}:{lease_tag(KEY, '')}" in registry.tags
        assert held(registry) is None


def test_given_up(miss: Miss, engine: FakeEngine, registry: MemoryRegistry, team: Settings, lines: list[str]) -> None:
    """A machine that gives up while it waits for the lease, or has it, leaves none."""
    cancel = threading.Event()
    cancel.set()

    def enter() -> None:
        with leased(miss, work(engine, team, lines.append, cancel=cancel), 60):
            raise AssertionError

    with pytest.raises(CancelledError, match=r"^cancelled$"):
        enter()
    assert held(registry) is None
    put(registry, THEIRS.content())
    with pytest.raises(CancelledError, match=r"^cancelled$"):
        enter()
    assert held(registry) == THEIRS


def test_without_waiting(engine: FakeEngine, registry: MemoryRegistry, team: Settings, miss: Miss) -> None:
    """A lease that is free is taken and given back; one that another machine has is left to it at once."""
    with lease_if_free(miss, work(engine, team)) as found:
        assert found is miss
        assert held(registry)
    assert not held(registry)
    put(registry, THEIRS.content())
    with lease_if_free(miss, work(engine, team)) as found:
        assert found is None
    assert held(registry) == THEIRS


def test_published_before_the_lease(engine: FakeEngine, registry: MemoryRegistry, team: Settings, miss: Miss) -> None:
    """What was published before the lease was taken is a hit."""
    registry.put(miss.order.tag, miss.order.key.labels("b"))
    with lease_if_free(miss, work(engine, team)) as found:
        assert isinstance(found, RegistryHit)


def test_no_lease_to_be_had(engine: FakeEngine, registry: MemoryRegistry, team: Settings, miss: Miss) -> None:
    """A registry that takes no lease keeps nobody from building."""
    registry.broken["registry.example.com"] = RegistryError("down")
    with lease_if_free(miss, work(engine, team)) as found:
        assert found is miss
