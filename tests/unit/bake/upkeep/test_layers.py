"""The layers of images: asked for once, kept, and asked for again if they may have changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake.bake.engine.api import Answer
from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.bake.upkeep.inventory import stored_images
from desktop_bake.bake.upkeep.layers import held, with_layers
from desktop_bake.bake.upkeep.sizes import StoredImage, StoredLayer
from desktop_bake.generator.layer_key import LayerKey
from tests.harness.recipes import BASE, KEY

if TYPE_CHECKING:
    from desktop_bake.bake.engine.engine import Engine
    from tests.harness.fake_engine import FakeEngine

LABELS = KEY.labels("debian:12")
LAYER = LayerKey(variant=KEY.variant, base=KEY.base, below=KEY, content=BASE, is_preflight=True)


def looked(engine: FakeEngine) -> dict[str, tuple[StoredLayer, ...]]:
    """The layers of our images and their bases, by the image's first name."""
    found = with_layers(stored_images(engine), cast("Engine", engine))
    return {min(image.tags, default=image.image_id): image.layers for image in found}


def asked(engine: FakeEngine) -> list[str]:
    """What was asked of single images."""
    return [question for question in engine.asked if question.startswith("GET /images/")]


def notes() -> list[Path]:
    """The files in which layers are kept."""
    return list((cache_folder() / "layers").glob("*.json"))


def test_asked_once(engine: FakeEngine) -> None:
    """An image and its base are requested by a name, and then known."""
    image, base = engine.add(f"a:{KEY}", LABELS), engine.add("debian:12")
    first = looked(engine)
    assert first == {
        f"a:{KEY}": (StoredLayer(chain=f"layer-of-{image.image_id}", size_bytes=7),),
        "debian:12": (StoredLayer(chain=f"layer-of-{base.image_id}", size_bytes=7),),
    }
    assert len(asked(engine)) == 4
    assert looked(engine) == first
    assert len(asked(engine)) == 4


def test_a_size_that_changed(engine: FakeEngine) -> None:
    """An image that has another size by now, as it was unpacked, is asked for again."""
    image = engine.add(f"a:{KEY}", LABELS)
    looked(engine)
    engine.store[image.image_id] = replace(image, size_bytes=99)
    looked(engine)
    assert len(asked(engine)) == 4


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", "{", '{"%s": 1}', '{"%s": {"size_bytes": 1}}', '{"%s": {"size_bytes": 1, "layers": [1]}}'],
)
def test_what_was_kept_and_is_none(engine: FakeEngine, content: str) -> None:
    """What is not of the form in which it is kept is asked for again, and kept again."""
    image = engine.add(f"a:{KEY}", LABELS)
    looked(engine)
    (note,) = notes()
    note.write_text(content.replace("%s", image.image_id))
    assert looked(engine)[f"a:{KEY}"]
    assert set(json.loads(note.read_text())) == {image.image_id}


def test_what_went_meanwhile(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that went, or whose name is another's by now, holds nothing."""
    engine.add(f"a:{KEY}", LABELS)
    for answer in (Answer(status=404, content=None), Answer(status=200, content={"Id": "another"})):
        monkeypatch.setattr(engine, "ask", lambda *_, said=answer: said)
        assert looked(engine) == {}


def test_no_place_to_keep_it(engine: FakeEngine) -> None:
    """Without a place to write it is asked for each time, and nobody is troubled."""
    (cache_folder() / "layers").write_text("a file in its place")
    engine.add(f"a:{KEY}", LABELS)
    for _ in range(2):
        assert looked(engine)
    assert len(asked(engine)) == 4


def test_labels_that_name_no_base(engine: FakeEngine) -> None:
    """Labels are anybody's: a name that is none is not asked for."""
    labels = {**LABELS, "org.opencontainers.image.base.name": "A B"}
    engine.add(f"a:{KEY}", labels)
    assert set(looked(engine)) == {f"a:{KEY}"}


@pytest.mark.parametrize(
    ("unpacked", "histories"),
    [((12, 13, 14), 1), ((12, 13, 0), 2), ((0, 13, 14), 2), ((99, 13, 14), 2), ((0, 0, 0), 3)],
)
def test_images_that_differ_in_their_topmost_layer(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, unpacked: tuple[int, ...], histories: int
) -> None:
    """Their sizes are asked for once, if the listing tells each one's sum, and the first's is what its history says."""
    tops = {f"sha256:{name}": size for name, size in (("a", 2), ("b", 3), ("c", 4))}
    asked = []

    def ask(_method: str, path: str) -> Answer:
        asked.append(path)
        name = path.split("/")[2]
        if path.endswith("/json"):
            return Answer(status=200, content={"Id": name, "RootFS": {"Layers": ["base", "packages", f"of-{name}"]}})
        return Answer(status=200, content=[{"Size": size} for size in (tops[name], 7, 3)])

    monkeypatch.setattr(engine, "ask", ask)
    images = tuple(
        StoredImage(image_id=name, size_bytes=1, unpacked_bytes=told) for name, told in zip(tops, unpacked, strict=True)
    )
    found = with_layers(images, cast("Engine", engine))
    assert {image.image_id: [layer.size_bytes for layer in image.layers] for image in found} == {
        name: [3, 7, size] for name, size in tops.items()
    }
    assert {image.layers[-1].chain for image in found} == {f"base packages of-{name}" for name in tops}
    assert len([path for path in asked if path.endswith("/history")]) == histories


@pytest.mark.parametrize(
    ("containerd", "records", "is_held"),
    [
        (True, [{"Description": "mount / from exec /bin/sh -c /run/desktop-bake/preflight.sh"}], True),
        (True, [{"Description": "mount / from exec /bin/sh -c /tmp/layer/layer.sh"}], True),
        (True, [{"Description": "pulled from debian"}, {}], False),
        (True, None, False),
        (False, [{"Description": "/tmp/preflight.sh"}], False),
    ],
)
def test_what_stays_unpacked(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, containerd: bool, records: Any, is_held: bool
) -> None:
    """What BuildKit built a layer on here stays in its cache; the classic store keeps nothing besides images."""
    monkeypatch.setattr(engine, "has_containerd_store", lambda: containerd)
    monkeypatch.setattr(engine, "ask", lambda *_: Answer(status=200, content={"BuildCache": records}))
    layers = (StoredLayer(chain="a", size_bytes=1), StoredLayer(chain="a b", size_bytes=1))
    image = StoredImage(image_id="x", labels=LAYER.labels("b"), layers=layers)
    assert held([image], cast("Engine", engine)) == ({"a"} if is_held else set())
    assert held([replace(image, labels=KEY.labels("b"))], cast("Engine", engine)) == set()
