"""Which images stay, which go, and why: decisions over values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop_bake import LayerRecipe, Stack, stack_key
from desktop_bake.bake.upkeep.policy import Policy, judge, lineage_of, reach_of, stale_since
from desktop_bake.bake.upkeep.sizes import StoredImage
from desktop_bake.generator.key import CacheKey
from desktop_bake.generator.key_family import family_of
from desktop_bake.generator.layer_key import LayerKey, chain_of
from desktop_bake.generator.reference import Digest
from tests.harness.recipes import BASE, BROWSER, CERTS, ENVIRONMENT, PREFLIGHT, RECIPE, TOOLS

REPOSITORY = "registry.example.com/team/desktop"
DAY_S = 86_400.0


def key(setup: str = "setup", install: str = "install") -> CacheKey:
    """A key."""
    return CacheKey(
        variant="bookworm",
        base=Digest.of(b"base"),
        install=Digest.of(install.encode()),
        setup=Digest.of(setup.encode()),
        dockerfile=Digest.of(b"dockerfile"),
    )


def baked(
    setup: str, age_days: float = 0, *, install: str = "install", tags: tuple[str, ...] | None = None
) -> StoredImage:
    """An image of ours."""
    own = key(setup, install)
    return StoredImage(
        image_id=f"{setup}-id",
        labels=own.labels("debian:bookworm"),
        created_s=100 * DAY_S - age_days * DAY_S,
        tags=(f"{REPOSITORY}:{own}",) if tags is None else tags,
    )


def test_who_stays() -> None:
    """What is reached, used, tagged by hand, not ours, or another project's stays, and the reason says which."""
    foreign = StoredImage(image_id="foreign", tags=(f"{REPOSITORY}:x",), labels={"desktop-bake.schema": "1"})
    cache = f"{REPOSITORY}:cache-{family_of(key('old'))}-main"
    images = [
        baked("live"),
        baked("used"),
        baked("old", tags=(f"{REPOSITORY}:{key('old')}", cache)),
        foreign,
        baked("named", tags=(f"{REPOSITORY}:{key('named')}", f"{REPOSITORY}:stable")),
        baked("theirs"),
        baked("derived", tags=("mine:1",)),
        baked("no-name", tags=()),
        baked("by-tag"),
    ]
    reach = reach_of(
        {"one": key("live"), "two": key("live")},
        {str(key("theirs")): "/their/project"},
        ("used-id", f"{REPOSITORY}:{key('by-tag')}"),
    )
    assert {v.image.image_id: (v.removed, v.reason) for v in judge(images, REPOSITORY, reach, Policy())} == {
        "live-id": (False, "reached by one, two"),
        "used-id": (False, "a container uses it"),
        "by-tag-id": (False, "a container uses it"),
        "old-id": (True, "no environment reaches it"),
        "foreign": (False, "its labels prove no key"),
        "named-id": (False, f"also tagged {REPOSITORY}:stable"),
        "theirs-id": (False, "made for /their/project"),
        "derived-id": (False, "also tagged mine:1"),
        "no-name-id": (False, "its tag is not its key"),
    }


def test_tags_of_environments_that_are_no_more() -> None:
    """A tag for people goes with its image on any machine, if its form shows what it is; a bare name may be anybody's,
    and so may a tag of another repository."""
    office = baked("old", tags=(f"{REPOSITORY}:{key('old')}", f"{REPOSITORY}:desktop-gone"))
    verdicts = {
        templates: judge([office], REPOSITORY, replace(reach_of({}, {}), alias_templates=templates), Policy())[0].reason
        for templates in (("desktop-{environment}",), ("{environment}",), ("other-{environment}",))
    }
    kept = f"also tagged {REPOSITORY}:desktop-gone"
    assert list(verdicts.values()) == ["no environment reaches it", kept, kept]
    elsewhere = replace(office, tags=(*office.tags, "mine:desktop-gone"))
    reach = replace(reach_of({}, {}), alias_templates=("desktop-{environment}",))
    assert judge([elsewhere], REPOSITORY, reach, Policy())[0].reason == "also tagged mine:desktop-gone"


def test_an_image_that_was_pulled() -> None:
    """The name that a pull by digest leaves is no tag that somebody gave: the image stays or goes as any other."""
    name = f"{REPOSITORY}@sha256:{'a' * 64}"
    old, live = (baked(which, tags=(f"{REPOSITORY}:{key(which)}", name)) for which in ("old", "live"))
    reach = reach_of({"one": key("live")}, {})
    assert {v.image.image_id: (v.removed, v.reason) for v in judge([old, live], REPOSITORY, reach, Policy())} == {
        "old-id": (True, "no environment reaches it"),
        "live-id": (False, "reached by one"),
    }
    elsewhere = replace(old, tags=(*old.tags, f"mine@sha256:{'a' * 64}"))
    assert judge([elsewhere], REPOSITORY, reach, Policy())[0].reason == f"also tagged mine@sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("policy", "goes"),
    [
        (Policy(), {"1", "2", "3", "other"}),
        (Policy(keep=1), {"2", "3"}),
        (Policy(keep=2), {"3"}),
        (Policy(older_than_s=15 * DAY_S, now_s=100 * DAY_S), {"2", "3"}),
        (Policy(keep=2, older_than_s=15 * DAY_S, now_s=100 * DAY_S), {"3"}),
        (Policy(older_than_s=99 * DAY_S, now_s=100 * DAY_S), set()),
    ],
)
def test_ages_and_last_of_a_family(policy: Policy, goes: set[str]) -> None:
    """The N newest of each family and what is young stay; the two are independent."""
    images = [baked("1", 10), baked("2", 20), baked("3", 30), baked("other", 12, install="else")]
    verdicts = judge(images, REPOSITORY, reach_of({}, {}), policy)
    assert {v.image.image_id.removesuffix("-id") for v in verdicts if v.removed} == goes


def test_stale_since() -> None:
    """An image is stale since the next of its family was made."""
    images = [baked("1", 10), baked("2", 20), baked("3", 30), baked("other", 12, install="else")]
    assert stale_since(images, {}) == {
        images[2].image_id: images[1].created_s,
        images[1].image_id: images[0].created_s,
    }


def test_a_layer_reaches_its_desktop() -> None:
    """Using a layer means using the desktop below it, on which a changed layer is built."""
    layer = stack_key(ENVIRONMENT, Stack(desktop=RECIPE, preflight=PREFLIGHT), BASE)
    assert isinstance(layer, LayerKey)
    reach = reach_of({"a": layer}, {})
    assert reach.environments == {str(layer): ("a",), str(layer.desktop): ("a",)}
    assert layer.desktop
    assert set(reach.families) == {family_of(layer), family_of(layer.desktop)}


def test_lineages() -> None:
    """A later layer takes an earlier one's place, whatever its preflight is; it never takes a desktop's."""
    stack = Stack(desktop=RECIPE, preflight=PREFLIGHT)
    on_desktop, alone = stack_key(ENVIRONMENT, stack, BASE), stack_key(ENVIRONMENT, Stack(preflight=PREFLIGHT), BASE)
    assert isinstance(on_desktop, LayerKey)
    assert on_desktop.desktop
    desktop = lineage_of(on_desktop.desktop, {})
    assert (lineage_of(on_desktop, {}), lineage_of(alone, {})) == (f"{desktop}-p", "emerald-p")
    assert lineage_of(key("one"), {}) == lineage_of(key("other"), {})
    assert lineage_of(key(install="one"), {}) != lineage_of(key(install="other"), {})


def layered(age_days: float, *parts: LayerRecipe) -> StoredImage:
    """An image with these layers, the first of them below the desktop."""
    own = stack_key(ENVIRONMENT, Stack(below=parts[:1], desktop=RECIPE, above=parts[1:]), BASE)
    return StoredImage(
        image_id=f"{parts[-1].name} {age_days:g}",
        labels=own.labels("b"),
        created_s=(100 - age_days) * DAY_S,
        tags=(f"{REPOSITORY}:{own}",),
    )


def changed(layer: LayerRecipe) -> LayerRecipe:
    """A layer of the same name with another script."""
    return replace(layer, script=b"echo 2\n")


def test_layers_of_other_names_have_lines_of_their_own() -> None:
    """A layer is followed by one of its name, also on a layer below that changed; layers of other names on the same
    desktop stay. Of those whose names nobody knows the newest stay."""
    images = [
        layered(1, CERTS, changed(TOOLS)),
        layered(2, changed(CERTS), TOOLS),
        layered(3, CERTS, TOOLS),
        layered(4, CERTS, BROWSER),
        layered(5, CERTS, changed(BROWSER)),
    ]
    names: dict[str, tuple[str, ...]] = {}
    for image in images:
        assert image.key
        names[str(image.key)] = (image.image_id.split()[0],)
        names[str(chain_of(image.key)[0])] = ("certs",)
    for known, goes in (
        (names, {"tools 2", "tools 3", "browser 5"}),
        ({}, {"tools 2", "tools 3", "browser 4", "browser 5"}),
    ):
        reach = replace(reach_of({}, {}), layers=known)
        assert {v.image.image_id for v in judge(images, REPOSITORY, reach, Policy(keep=1)) if v.removed} == goes
    since = stale_since(images, names)
    assert since[images[2].image_id] == images[1].created_s
    assert images[3].image_id not in since


@pytest.mark.parametrize(
    ("policy", "removed"), [(Policy(), True), (Policy(keep=1), False), (Policy(older_than_s=1, now_s=2 * DAY_S), False)]
)
def test_an_age_that_nobody_knows(policy: Policy, removed: bool) -> None:
    """An image without a time may be the newest of all, and stays if that matters."""
    (verdict,) = judge([baked("a", 100)], REPOSITORY, reach_of({}, {}), policy)
    assert verdict.removed is removed
    assert removed or verdict.reason == "nobody knows when it was made"
    assert stale_since([baked("a", 100), baked("b", 1)], {}) == {}


def test_what_is_reached_takes_no_place() -> None:
    """The N newest that stay are of those that nobody reaches; an age of just the limit is old enough."""
    images = [baked("live", 1), baked("2", 20), baked("3", 30)]
    verdicts = judge(images, REPOSITORY, reach_of({"e": key("live")}, {}), Policy(keep=1))
    assert [v.image.image_id for v in verdicts if v.removed] == ["3-id"]
    old = judge([baked("2", 20)], REPOSITORY, reach_of({}, {}), Policy(older_than_s=20 * DAY_S, now_s=100 * DAY_S))
    assert [v.removed for v in old] == [True]


def test_names_of_environments_go_with_the_image() -> None:
    """A tag for people holds no image, and is no reason that one which is reached does not give itself."""
    tags = {setup: (f"{REPOSITORY}:{key(setup)}", f"{REPOSITORY}:office") for setup in ("live", "old")}
    images = [baked(setup, tags=both) for setup, both in tags.items()]
    reach = reach_of({"office": key("live")}, {}, (), {"office"})
    verdicts = {v.image.image_id: (v.removed, v.reason) for v in judge(images, REPOSITORY, reach, Policy())}
    assert verdicts == {"live-id": (False, "reached by office"), "old-id": (True, "no environment reaches it")}
