"""Where a lease is: which tag is asked about, how often, and how a wait ends."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import CancelledError, Settings
from desktop_bake.bake.build import lease_place
from desktop_bake.bake.build.lease_place import LeasePlace
from desktop_bake.bake.images.result import Miss
from desktop_bake.bake.registry.lease_manifest import Lease, lease_tag
from desktop_bake.bake.registry.manifest import OCI_MANIFEST
from desktop_bake.generator.reference import Digest
from tests.harness.recipes import KEY, OFFICE
from tests.harness.work import order, work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

PLACE = "registry.example.com/team/desktop"
TAG = f"{PLACE}:{lease_tag(KEY, 'linux/amd64')}"
LEASE = Lease(owner="0" * 32, lifetime_s=20).content()


@pytest.fixture
def place(engine: FakeEngine, team: Settings, monkeypatch: pytest.MonkeyPatch) -> LeasePlace:
    """Where the lease for a build here would be."""
    monkeypatch.setattr(lease_place, "_TWICE_S", 0.0)
    return LeasePlace.of(Miss(order=order(team)), work(engine, team))


@pytest.mark.parametrize(("content", "is_lease"), [(LEASE, True), (b"{}", False)])
def test_what_is_there(place: LeasePlace, registry: MemoryRegistry, content: bytes, is_lease: bool) -> None:
    """A valid lease is read; of anything else there is the digest."""
    assert place.read() == (None, None)
    registry.manifests[f"{PLACE}@{Digest.of(content)}"] = content, OCI_MANIFEST
    registry.tags[TAG] = str(Digest.of(content))
    lease, digest = place.read()
    assert (lease is not None, digest) == (is_lease, Digest.of(content))
    assert place.digest() == Digest.of(content)


def test_it_looks_twice(place: LeasePlace, registry: MemoryRegistry) -> None:
    """A tag that is not there is asked for once more, as a registry may miss it while it is written."""
    assert place.digest() is None
    assert len([asked for asked in registry.asked if asked.startswith("HEAD")]) == 2


def test_which_platform(engine: FakeEngine, team: Settings) -> None:
    """The lease is for what is built: the engine's platform, or all of the environment's."""
    several = replace(OFFICE, platforms=("linux/amd64", "linux/arm64"))
    places = [
        LeasePlace.of(Miss(order=order(team, environment=environment)), work(engine, team))
        for environment in (OFFICE, several)
    ]
    assert [place.platform for place in places] == ["linux/amd64", ""]


def test_what_was_published(place: LeasePlace, registry: MemoryRegistry) -> None:
    """The image is looked for under its own tag, whatever the lease is."""
    assert place.published() is None
    digest = registry.put(f"{PLACE}:{KEY}", KEY.labels("b"))
    assert place.published() == digest


def test_a_wait_that_is_given_up(engine: FakeEngine, team: Settings) -> None:
    """Another thread that gives up ends the wait at once."""
    cancel = threading.Event()
    cancel.set()
    place = LeasePlace.of(Miss(order=order(team)), work(engine, team, cancel=cancel))
    with pytest.raises(CancelledError):
        place.wait(300)
