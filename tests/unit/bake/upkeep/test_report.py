"""What `images` lists: who reaches an image, since when nobody does, and what the registry has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import Digest, Layer, RegistryError, Script, Settings
from desktop_bake.bake.images.history import write_record
from desktop_bake.bake.images.order import key_of, order_of
from desktop_bake.bake.system.whose import short_hash
from desktop_bake.bake.upkeep.inventory import CacheFamily
from desktop_bake.bake.upkeep.report import Listing, Row, as_json, as_text, listing
from desktop_bake.bake.upkeep.sizes import StoredImage
from desktop_bake.generator.key import CacheKey
from desktop_bake.generator.layer_key import chain_of
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


def test_layers_by_name(engine: FakeEngine, team: Settings) -> None:
    """An image shows which layer it is, as its environments call it, or as it was called when it was made, and who
    reaches it: also environments whose images lie on it."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    certs, tools = (Layer(name=name, script=Script.text(name)) for name in ("certs", "tools"))
    base = replace(OFFICE, headless_desktop_enabled=False, preflight_script=Script.text("p"))
    office, other = (
        replace(base, env_id="office", layers=(certs, tools)),
        replace(base, env_id="other", layers=(replace(certs, name="ca"),)),
    )
    settings = replace(team, environments={"office": office, "other": other})
    context = work(engine, settings)
    former = order_of(replace(office, layers=(replace(tools, name="former"),)), context)
    write_record(former, settings)
    for number, order in enumerate((order_of(office, context), order_of(other, context), former)):
        for key in chain_of(order.key):
            engine.add(f"{team.repository}:{key}", key.labels("b"), made_s=number)
    found = listing(context, everywhere=False)
    told = {(row.part, row.layers, row.environments) for row in found.rows}
    assert told == {
        ("layer", ("certs", "ca"), ("office", "other")),
        ("layer", ("tools",), ("office",)),
        ("layer", ("former",), ()),
        ("preflight", (), ("office",)),
        ("preflight", (), ("other",)),
        ("preflight", (), ()),
    }
    assert "layer certs, ca" in as_text(found, 0, whole=True)
    images = as_json(found)["images"]
    assert isinstance(images, list)
    assert {"part": "layer", "layers": ["former"]}.items() <= next(
        i for i in images if i["layers"] == ["former"]
    ).items()


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


# --- what is printed -------------------------------------------------------------------------------------------------

DAY_S = 86_400.0
IMAGE = StoredImage(image_id="sha256:1", tags=("a:1",), created_s=1 * DAY_S, size_bytes=189_000_000)
LIVE = Row(image=IMAGE, name="a:1", environments=("x", "y"), in_use=True, frees_bytes=7, stale_since_s=None)
STALE = replace(LIVE, name="a:2", environments=(), in_use=False, stale_since_s=2 * DAY_S)
FAMILY = CacheFamily(name="f", folder=Path("/f"), size_bytes=2_000_000, used_s=3 * DAY_S)


def test_nothing_to_list() -> None:
    """Without images it is said how to get one."""
    assert as_text(Listing(rows=(), stale_bytes=0, caches=()), 0) == "no images: desktop-bake build"


def test_tables() -> None:
    """A row an image and a row a cache folder; what nobody knows is a dash."""
    rows = (LIVE, STALE, replace(STALE, image=replace(IMAGE, created_s=0), stale_since_s=None))
    found = Listing(rows=rows, stale_bytes=7, caches=((FAMILY, ("x",)), (FAMILY, ())))
    assert as_text(found, 4 * DAY_S, whole=True).splitlines() == [
        "IMAGE  PART     SIZE    FREES  MADE        STATE             ENVIRONMENTS",
        "a:1    desktop  189 MB  7 B    3 days ago  live, in use      x, y",
        "a:2    desktop  189 MB  7 B    3 days ago  stale for 2 days  -",
        "a:2    desktop  189 MB  7 B    -           stale             -",
        "",
        "all stale images together: 7 B",
        "",
        "CACHE  SIZE  USED       ENVIRONMENTS",
        "f      2 MB  1 day ago  x",
        "f      2 MB  1 day ago  -",
    ]


def test_the_registrys_column() -> None:
    """If the registry was asked, there is a column for its answer."""
    rows = tuple(replace(LIVE, published=published) for published in (True, False, None))
    lines = as_text(Listing(rows=rows, stale_bytes=0, caches=(), asked=True), 4 * DAY_S, whole=True).splitlines()
    assert "REGISTRY" in lines[0]
    assert [line.split()[-6] for line in lines[1:4]] == ["yes", "no", "-"]


def test_listing_as_json() -> None:
    """Sizes are bytes and times ISO 8601; what nobody knows is null."""
    told = as_json(Listing(rows=(STALE,), stale_bytes=7, caches=((FAMILY, ("x",)),)))
    assert told["stale_frees_bytes"] == 7
    assert told["caches"] == [
        {"family": "f", "size_bytes": 2_000_000, "used": "1970-01-04T00:00:00+00:00", "environments": ["x"]}
    ]


def test_short_by_default(engine: FakeEngine, office: Settings) -> None:
    """Within 80 columns stand environment, the digits that `ps` has of a key, size and age, however long names are; the
    registry's answer takes the place of what an image frees."""
    (live, stale) = listing(work(engine, office), everywhere=False).rows
    big = replace(live.image, size_bytes=999_000_000, created_s=1)
    row = replace(live, image=big, environments=("e" * 40, "f"), layers=("l" * 40,), frees_bytes=999_000_000)
    families = ((replace(FAMILY, name="f" * 80), ("e" * 80,)),)
    for asked in (False, True):
        found = Listing(rows=(row, replace(stale, published=True)), stale_bytes=7, caches=families, asked=asked)
        lines = as_text(found, 60 * DAY_S).splitlines()
        assert max(map(len, lines)) <= 80
        assert lines[0].split() == ["ENVIRONMENT", "KEY", "PART", "SIZE", "REGISTRY" if asked else "FREES", "AGE"]
        assert lines[1].split()[:2] == ["e" * 15 + "…", short_hash(str(live.image.key))[:12]]
        assert lines[2].split()[:2] == ["-", short_hash(str(stale.image.key))[:12]]
        assert lines[2].split()[-3] == ("yes" if asked else "B")
