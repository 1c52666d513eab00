"""What would be freed, and what would be pruned: decisions over values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop_bake.bake.upkeep.policy import Policy, judge, reach_of, stale_since
from desktop_bake.bake.upkeep.sizes import (
    StoredImage,
    StoredLayer,
    freed_bytes,
    freed_bytes_each,
    held_by_builder,
    layers_of,
)
from desktop_bake.generator.key import CacheKey
from desktop_bake.generator.layer_key import LayerKey, family_of
from desktop_bake.generator.reference import Digest

REPOSITORY = "registry.example.com/team/desktop"
DAY_S = 86_400.0


def image(name: str, *layers: tuple[str, int, int], tags: tuple[str, ...] = ()) -> StoredImage:
    """An image of these layers: name, unpacked and packed size."""
    chain, made = "", []
    for layer, unpacked, _ in layers:
        chain = f"{chain} {layer}".strip()
        made.append(StoredLayer(chain=chain, size_bytes=unpacked))
    size = sum(unpacked + packed for _, unpacked, packed in layers)
    return StoredImage(image_id=name, layers=tuple(made), size_bytes=size, tags=tags)


BASE = ("base", 1000, 400)
INSTALL = ("install", 500, 100)
A, B, OTHER = ("a", 200, 200), ("b", 10, 10), ("other", 300, 90)
STORE = [image("base", BASE), image("a", BASE, INSTALL, A), image("b", BASE, INSTALL, B), image("c", BASE, OTHER)]


@pytest.mark.parametrize(
    ("removed", "frees"),
    [
        ((), 0),
        (("c",), 390),
        (("b",), 20),
        (("a",), 400),
        (("a", "b"), 1020),
        (("a", "b", "c"), 1410),
        (("base",), 0),
        (("base", "a", "b", "c"), 2810),
    ],
)
def test_shared_layers_count_once(removed: tuple[str, ...], frees: int) -> None:
    """Only what no staying image holds is freed, each layer once, also where layers are packed differently."""
    assert freed_bytes(removed, STORE) == pytest.approx(frees, rel=0.01, abs=2)


def test_classic_store() -> None:
    """Where nothing is kept packed the figure is exact."""
    images = [image("a", ("base", 7, 0), ("x", 5, 0)), image("b", ("base", 7, 0), ("y", 3, 0))]
    assert freed_bytes({"a"}, images) == 5
    assert freed_bytes({"a", "b"}, images) == 15
    assert freed_bytes_each(["a", "b"], {"a", "b"}, images) == ({"a": 5, "b": 3}, 15)


def test_what_the_builder_holds() -> None:
    """What BuildKit built a layer on stays unpacked: of it only what is packed is freed; of the layer itself, all."""
    desktop, other = key(), key("other")
    layer = LayerKey(variant="bookworm", base=desktop.base, desktop=desktop, preflight=Digest.of(b"preflight"))
    store = [image("base", BASE), image("d", BASE, INSTALL, A), image("l", BASE, INSTALL, A, B)]
    store += [image("o", BASE, INSTALL, OTHER)]
    for n, proven in ((1, desktop), (2, layer), (3, other)):
        store[n] = replace(store[n], labels=proven.labels("debian:bookworm"))
    held = held_by_builder(store)
    assert freed_bytes({"l"}, store, held) == pytest.approx(20, abs=2)
    unpacked = A[1]  # which stays
    assert freed_bytes({"d", "l"}, store, held) == freed_bytes({"d", "l"}, store) - unpacked
    assert freed_bytes({"o"}, store, held) == freed_bytes({"o"}, store)
    assert freed_bytes_each(["l"], {"d", "l"}, store, held)[1] == freed_bytes({"d", "l"}, store, held)
    assert held_by_builder(store[:2]) == frozenset()


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ([(10, False), (0, False), (5, True), (0, False)], [10, 5]),
        ([(10, False), (0, True), (0, False)], [10, 0]),
        ([(3, True)], [0, 3]),
        ([(1, True), (2, True), (3, True)], [2, 3]),
    ],
)
def test_layers_and_history(sizes: list[tuple[int, bool]], wanted: list[int]) -> None:
    """Steps of the history find their layers, whichever of them are empty."""
    layers = layers_of(["sha256:1", "sha256:2"], sizes)
    assert [layer.size_bytes for layer in layers] == wanted
    assert layers[1].chain.startswith(layers[0].chain)


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
    assert stale_since(images[2], images) == images[1].created_s
    assert stale_since(images[0], images) is None
    assert stale_since(images[3], images) is None
