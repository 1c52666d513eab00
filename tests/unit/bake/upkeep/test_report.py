"""What `images` lists: who reaches an image, since when nobody does, and what the registry has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest, RegistryError, Settings
from desktop_bake.bake.images.order import key_of
from desktop_bake.bake.upkeep.report import as_json, listing
from desktop_bake.generator.key import CacheKey
from tests.harness.recipes import BASE, OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry


@pytest.fixture
def office(engine: FakeEngine, team: Settings) -> Settings:
    """Settings of one environment whose image is here, and the one before it, and one of another repository."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    settings = replace(team, environments={"office": OFFICE})
    now = key_of(OFFICE, work(engine, settings))
    assert isinstance(now, CacheKey)
    before = replace(now, setup=Digest("sha256:" + "c" * 64))
    elsewhere = replace(now, install=Digest("sha256:" + "c" * 64))
    engine.add(f"{team.repository}:{before}", before.labels("b"), made_s=100)
    image = engine.add(f"{team.repository}:{now}", now.labels("b"), made_s=200)
    engine.add(f"elsewhere:{elsewhere}", elsewhere.labels("b"), made_s=50)
    engine.containers = [{"ImageID": image.image_id, "Image": "x"}]
    return settings


@pytest.mark.parametrize("everywhere", [True, False])
def test_listing(engine: FakeEngine, office: Settings, everywhere: bool) -> None:
    """Images stand newest first, with who reaches them, whether they run, and since when they are stale."""
    found = listing(work(engine, office), everywhere=everywhere)
    told = [(row.environments, row.in_use, row.stale_since_s, row.published) for row in found.rows]
    wanted = [(("office",), True, None, None), ((), False, 200, None), ((), False, None, None)]
    assert told == wanted[: 3 if everywhere else 2]
    assert (found.stale_bytes, found.asked) == (14 if everywhere else 7, False)
    images = as_json(found)["images"]
    assert isinstance(images, list)
    assert [image["state"] for image in images] == ["live", *["stale"] * (1 + everywhere)]
    assert images[1]["stale_since"] == "1970-01-01T00:03:20+00:00"


def test_published(engine: FakeEngine, registry: MemoryRegistry, office: Settings, lines: list[str]) -> None:
    """Only what the registry lists is looked at; what it gives no clear answer about is not known."""
    live, stale = (row.image for row in listing(work(engine, office), everywhere=False).rows)
    assert live.key
    assert stale.key
    registry.put(live.name, live.labels)
    found = listing(work(engine, office, lines.append), everywhere=False, registry=True)
    assert [row.published for row in found.rows] == [True, False]
    registry.put(stale.name, {})
    registry.statuses[f"GET registry.example.com/team/desktop/manifests/{live.key}"] = 500
    found = listing(work(engine, office, lines.append), everywhere=False, registry=True)
    assert [row.published for row in found.rows] == [None, False]
    assert lines == ["[desktop-cache] WARNING: registry registry.example.com failed with status 500"]
    registry.broken["registry.example.com"] = RegistryError("down")
    with pytest.raises(RegistryError, match="down"):
        listing(work(engine, office), everywhere=False, registry=True)
