"""What removing images would free: a decision over values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop_bake.bake.upkeep.sizes import (
    StoredImage,
    StoredLayer,
    freed_bytes,
    freed_bytes_each,
    held_by_builder,
    layers_of,
)
from desktop_bake.generator.layer_key import LayerKey, stack_keys
from desktop_bake.generator.reference import Digest
from desktop_bake.generator.stack import Stack
from tests.harness.every import every
from tests.harness.keys import KEY
from tests.harness.recipes import BASE as ON
from tests.harness.recipes import BROWSER, CERTS, ENVIRONMENT, RECIPE


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


@every(
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
    """Only what no staying image contains is freed, each layer once, even if layers are packed differently."""
    assert freed_bytes(removed, STORE) == pytest.approx(frees, rel=0.01, abs=2)


def test_classic_store() -> None:
    """If nothing is kept packed the figure is exact."""
    images = [image("a", ("base", 7, 0), ("x", 5, 0)), image("b", ("base", 7, 0), ("y", 3, 0))]
    assert freed_bytes({"a"}, images) == 5
    assert freed_bytes({"a", "b"}, images) == 15
    assert freed_bytes_each(["a", "b"], {"a", "b"}, images) == ({"a": 5, "b": 3}, 15)


def test_what_the_builder_holds() -> None:
    """What BuildKit built a layer on stays unpacked: of it only what is packed is freed; of the layer itself, all."""
    desktop, other = KEY, replace(KEY, setup=Digest.of(b"other"))
    layer = LayerKey(
        variant=KEY.variant, base=desktop.base, below=desktop, content=Digest.of(b"preflight"), is_preflight=True
    )
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


def test_what_the_builder_holds_of_a_chain() -> None:
    """A layer may have two steps, and a desktop lies on layers, too: what each was built on stays, and no step of it.
    If that is not here, all but the last step may stay."""
    certs, packages, script = ("certs", 50, 20), ("packages", 80, 30), ("script", 5, 5)
    stack = Stack(below=(CERTS,), desktop=RECIPE, above=(BROWSER,))
    chains = [(certs,), (certs, INSTALL, A), (certs, INSTALL, A, packages, script)]
    keys = stack_keys(ENVIRONMENT, stack, ON)
    store = [image("base", BASE)]
    for key, own in zip(keys, chains, strict=True):
        store.append(replace(image(own[-1][0], BASE, *own), labels=key.labels("emerald")))
    assert held_by_builder(store[:2]) == {"base"}
    assert held_by_builder(store[:3]) == {"base", "base certs"}
    desktop = "base certs install a"
    assert held_by_builder(store) == {layer.chain for layer in store[2].layers}
    assert desktop in held_by_builder(store)
    assert held_by_builder([store[0], store[3]]) == {layer.chain for layer in store[3].layers[:-1]}


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
