"""The layers of our images, and what of them the engine tells; each image is asked for once.

An engine with containerd's store takes tens of milliseconds to tell the layers of one image, longer the more images it
has. An image's ID names its layers for good, so what was told is kept in the cache folder.
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
from .sizes import StoredLayer, held_by_builder, layers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ..engine.engine import Engine
    from .sizes import StoredImage


_AT_ONCE = 4
_LAYER_STEPS = ("RUN ", "COPY ", "ADD ", "WORKDIR ")


def with_layers(images: tuple[StoredImage, ...], engine: Engine) -> tuple[StoredImage, ...]:
    """The images with their layers, and with them the bases that they were made on, as far as these are here.

    Args:
        images: from `stored_images`.
        engine: whose images.

    Raises:
        EngineError: no engine answers.
    """
    names = {name for image in images for name in _base_names(image)}
    bases = stored_images(engine, reference=sorted(names)) if names else ()
    every = {image.image_id: image for image in (*bases, *images)}
    memory = cache_folder() / "layers" / f"{hashlib.sha256(engine.endpoint.host.encode()).hexdigest()[:32]}.json"
    known = _read(memory)

    def look(image: StoredImage) -> StoredImage | None:
        # one that was not unpacked yet had another size
        entry = known.get(image.image_id, {})
        layers = _layers(entry) if entry.get("size_bytes") == image.size_bytes else None
        return replace(image, layers=layers) if layers is not None else _ask(image, engine)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = tuple(image for image in pool.map(look, every.values()) if image)  # one that went holds nothing
    _write(memory, found, known)
    return found


def held(images: Iterable[StoredImage], engine: Engine) -> frozenset[str]:
    """What of these images' layers stays unpacked when the images go, in BuildKit's cache: what layers were built on.

    Args:
        images: from `with_layers`.
        engine: whose images. An engine with the classic store counts what images hold alone.

    Raises:
        EngineError: no engine answers.
    """
    chains = held_by_builder(images)
    if not chains or not engine.has_containerd_store():
        return frozenset()
    records = engine.ask("GET", "/system/df", {"type": "build-cache"}).content.get("BuildCache") or ()
    steps = (f"/tmp/{PREFLIGHT}", f"/tmp/layer/{LAYER}", f"/tmp/{PACKAGES}")
    built_here = any(step in str(record.get("Description")) for record in records for step in steps)
    return chains if built_here else frozenset()


def _base_names(image: StoredImage) -> tuple[str, ...]:
    """What the engine may know an image's base by; nothing where its labels name none: they are anybody's."""
    try:
        name = ImageReference.parse(image.labels.get(OCI_BASE_NAME, ""))
        return str(name), f"{name.repository}@{Digest(image.labels.get(OCI_BASE_DIGEST, ''))}"
    except ConfigurationError:
        return ()


def _ask(image: StoredImage, engine: Engine) -> StoredImage | None:
    name = min(image.tags, default=image.image_id)  # by a name the engine need not search all that it has
    answer = engine.ask("GET", f"/images/{name}/json")
    if answer.status != 200 or answer.content.get("Id") != image.image_id:
        return None
    history = engine.ask("GET", f"/images/{name}/history").content
    steps = [_step(entry) for entry in reversed(history)] if isinstance(history, list) else []
    diff_ids = (answer.content.get("RootFS") or {}).get("Layers") or ()
    return replace(image, layers=layers_of(diff_ids, steps))


def _step(entry: dict[str, Any]) -> tuple[int, bool]:
    return entry.get("Size") or 0, str(entry.get("CreatedBy") or "").startswith(_LAYER_STEPS)


def _read(memory: Path) -> dict[str, dict[str, Any]]:
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {i: e for i, e in known.items() if isinstance(e, dict)} if isinstance(known, dict) else {}


def _layers(entry: Mapping[str, Any]) -> tuple[StoredLayer, ...] | None:
    """What was kept of an image; None where it is of another form."""
    try:
        diff_ids, sizes = zip(*((str(diff_id), int(size)) for diff_id, size in entry["layers"]), strict=True)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return tuple(
        StoredLayer(chain=" ".join(diff_ids[: number + 1]), size_bytes=size) for number, size in enumerate(sizes)
    )


def _write(memory: Path, images: Iterable[StoredImage], before: Mapping[str, object]) -> None:
    """Keep what is known of the images that are here; a disk that is full or read-only costs the questions again."""
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
