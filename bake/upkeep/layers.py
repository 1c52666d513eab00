"""The layers of our images, as the engine reports them; each image is asked for once.

An engine with containerd's store takes tens of milliseconds to list the layers of one image, and half of that for
their sizes; the more images it has, the longer it takes. The layers of an image's ID never change, so the answers are
kept in the cache folder. For images that differ only in their topmost layer, sizes are asked for once: the listing
states their sums.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...generator.errors import ConfigurationError
from ...generator.key import OCI_BASE_DIGEST, OCI_BASE_NAME
from ...generator.reference import Digest, ImageReference
from ...generator.stack import LAYER, PACKAGES, PREFLIGHT
from ..system.files import new_file
from ..system.folders import cache_folder
from .inventory import stored_images
from .sizes import StoredLayer, held_by_builder, layers_of, layers_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ..engine.engine import Engine
    from .sizes import StoredImage


_AT_ONCE = 4
# Where the steps of layers have what they run; an earlier release used the others, and its records may still be here.
_FOLDERS = ("/run/desktop-bake", "/tmp", "/tmp/layer")
_SCRIPTS = (PREFLIGHT, LAYER, PACKAGES)
_LAYER_STEPS = ("RUN ", "COPY ", "ADD ", "WORKDIR ")


def with_layers(images: tuple[StoredImage, ...], engine: Engine) -> tuple[StoredImage, ...]:
    """The images with their layers, and the bases that they were made on, if these are here.

    Args:
        images: from `stored_images`.
        engine: the engine that has the images.

    Raises:
        EngineError: no engine answers.
    """
    names = {name for image in images for name in _base_names(image)}
    bases = stored_images(engine, reference=sorted(names)) if names else ()
    every = {image.image_id: image for image in (*bases, *images)}
    memory = cache_folder() / "layers" / f"{hashlib.sha256(engine.endpoint.host.encode()).hexdigest()[:32]}.json"
    known = _read(memory)

    layered = {image_id: _remembered(image, known) for image_id, image in every.items()}
    asked = _ask([image for image_id, image in every.items() if layered[image_id] is None], engine)
    layered |= asked
    found = tuple(
        replace(image, layers=layers) for image_id, image in every.items() if (layers := layered[image_id]) is not None
    )  # an image that is gone takes no space
    _write(memory, found, known)
    return found


def held(images: Iterable[StoredImage], engine: Engine) -> frozenset[str]:
    """The layers that stay unpacked in BuildKit's cache when these images go: those that layers were built on.

    Args:
        images: from `with_layers`.
        engine: the engine that has the images. With the classic store, an engine counts only what images hold.

    Raises:
        EngineError: no engine answers.
    """
    chains = held_by_builder(images)
    if not chains or not engine.has_containerd_store():
        return frozenset()
    records = engine.ask("GET", "/system/df", {"type": "build-cache"}).content.get("BuildCache") or ()
    described = [str(record.get("Description")) for record in records]
    built_here = any(f"{folder}/{script}" in text for text in described for folder in _FOLDERS for script in _SCRIPTS)
    return chains if built_here else frozenset()


def _base_names(image: StoredImage) -> tuple[str, ...]:
    """The names by which the engine may know an image's base; none if its labels, which anybody can set, name none."""
    try:
        name = ImageReference.parse(image.labels.get(OCI_BASE_NAME, ""))
        return str(name), f"{name.repository}@{Digest(image.labels.get(OCI_BASE_DIGEST, ''))}"
    except ConfigurationError:
        return ()


def _remembered(image: StoredImage, known: Mapping[str, Mapping[str, Any]]) -> tuple[StoredLayer, ...] | None:
    """The layers as reported before; None if the image was not unpacked then, and so had another size."""
    entry = known.get(image.image_id, {})
    return _layers(entry) if entry.get("size_bytes") == image.size_bytes else None


def _ask(images: Sequence[StoredImage], engine: Engine) -> dict[str, tuple[StoredLayer, ...] | None]:
    """The layers of these images by their IDs; None for an image that is gone."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        told = list(pool.map(lambda image: _diff_ids(image, engine), images))
        alike: dict[tuple[str, ...], list[tuple[StoredImage, tuple[str, ...]]]] = {}
        for image, diff_ids in zip(images, told, strict=True):
            if diff_ids is not None:
                alike.setdefault(diff_ids[:-1], []).append((image, diff_ids))
        asked = pool.map(lambda ones: _layers_alike(ones, engine), alike.values())
        found: dict[str, tuple[StoredLayer, ...] | None] = {image.image_id: None for image in images}
        for some in asked:
            found |= some
    return found


def _layers_alike(
    images: Sequence[tuple[StoredImage, tuple[str, ...]]], engine: Engine
) -> dict[str, tuple[StoredLayer, ...]]:
    """The layers of images that differ only in the topmost layer, each given with its list of layers.

    Only the first image's history is asked for. If its sum is the one in the listing, the other sums are right, too.
    """
    found: dict[str, tuple[StoredLayer, ...]] = {}
    below: tuple[StoredLayer, ...] = ()
    for image, diff_ids in images:
        if below and diff_ids and image.unpacked_bytes:
            found[image.image_id] = layers_on(diff_ids, below, image.unpacked_bytes)
            continue
        layers = found[image.image_id] = _sized(image, diff_ids, engine)
        if image.unpacked_bytes == sum(layer.size_bytes for layer in layers):
            below = layers
    return found


def _diff_ids(image: StoredImage, engine: Engine) -> tuple[str, ...] | None:
    """The list of an image's layers (OCI image spec, config.md, "rootfs"); None if the image is gone."""
    answer = engine.ask("GET", f"/images/{_name(image)}/json")
    if answer.status != 200 or answer.content.get("Id") != image.image_id:
        return None
    return tuple((answer.content.get("RootFS") or {}).get("Layers") or ())


def _sized(image: StoredImage, diff_ids: Sequence[str], engine: Engine) -> tuple[StoredLayer, ...]:
    """The layers of an image, with their sizes from its history."""
    history = engine.ask("GET", f"/images/{_name(image)}/history").content
    steps = [_step(entry) for entry in reversed(history)] if isinstance(history, list) else []
    return layers_of(diff_ids, steps)


def _name(image: StoredImage) -> str:
    """A name that the engine finds without a search through all images."""
    return min(image.tags, default=image.image_id)


def _step(entry: dict[str, Any]) -> tuple[int, bool]:
    return entry.get("Size") or 0, str(entry.get("CreatedBy") or "").startswith(_LAYER_STEPS)


def _read(memory: Path) -> dict[str, dict[str, Any]]:
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {i: e for i, e in known.items() if isinstance(e, dict)} if isinstance(known, dict) else {}


def _layers(entry: Mapping[str, Any]) -> tuple[StoredLayer, ...] | None:
    """The layers from an image's record; None if the record has another form."""
    try:
        diff_ids, sizes = zip(*((str(diff_id), int(size)) for diff_id, size in entry["layers"]), strict=True)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return tuple(
        StoredLayer(chain=" ".join(diff_ids[: number + 1]), size_bytes=size) for number, size in enumerate(sizes)
    )


def _write(memory: Path, images: Iterable[StoredImage], before: Mapping[str, object]) -> None:
    """Keep what is known of the images here; if the disk is full or read-only, the engine is asked again next time."""
    known = {
        image.image_id: {
            "size_bytes": image.size_bytes,
            "layers": [[layer.chain.rpartition(" ")[2], layer.size_bytes] for layer in image.layers],
        }
        for image in images
        if image.layers
    }
    if known == before:
        return
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        with new_file(memory) as file:
            file.write(json.dumps(known).encode())
