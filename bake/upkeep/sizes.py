"""Sizes of our images in the local store: which layers they share, and what removing some of them would free."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ...generator.layer_key import Key, LayerKey, key_from_labels

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class StoredLayer:
    """A layer on top of those below it.

    Attributes:
        chain: names this layer together with all below it; equal in images that share it (OCI image spec, "ChainID").
        size_bytes: its unpacked size.
    """

    chain: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class StoredImage:
    """An image of the local store.

    Attributes:
        image_id: its ID.
        tags: `repository:tag`, all of them.
        labels: image labels.
        created_s: when it was made, in seconds since 1970.
        size_bytes: the size of all its parts, shared or not.
        unpacked_bytes: the unpacked size of its layers together; 0 if the engine does not state it.
        layers: its layers, from the lowest.
    """

    image_id: str
    tags: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    created_s: float = 0
    size_bytes: int = 0
    unpacked_bytes: int = 0
    layers: tuple[StoredLayer, ...] = ()

    @property
    def name(self) -> str:
        """The tag that is its key, else its first tag; the ID if it has no tag."""
        text = str(self.key)
        return min(self.tags, key=lambda tag: (not tag.endswith(text), tag), default=self.image_id)

    @cached_property  # used often, and read from eight labels
    def key(self) -> Key | None:
        """The key that its labels state, or None."""
        try:
            return key_from_labels(self.labels)
        except ConfigurationError:
            return None


def layers_of(diff_ids: Sequence[str], sizes: Sequence[tuple[int, bool]]) -> tuple[StoredLayer, ...]:
    """An image's layers, from what an engine reports.

    Args:
        diff_ids: the IDs of the layers, from the lowest (OCI image spec, config.md, "rootfs").
        sizes: the steps of its history, from the oldest: bytes, and whether a step of this kind makes a layer even if
            it adds nothing. Histories do not state which step made which layer.
    """
    steps = [size for size, _ in sizes if size]
    if len(steps) != len(diff_ids):
        steps = [size for size, makes_one in sizes if size or makes_one]
    steps = ([0] * len(diff_ids) + steps)[-len(diff_ids) :] if diff_ids else []
    return tuple(
        StoredLayer(chain=" ".join(diff_ids[: number + 1]), size_bytes=size) for number, size in enumerate(steps)
    )


def layers_on(diff_ids: Sequence[str], below: Sequence[StoredLayer], unpacked_bytes: int) -> tuple[StoredLayer, ...]:
    """An image's layers, if all but the topmost are known.

    Args:
        diff_ids: as `layers_of`.
        below: the layers of another image that has the same layers, whatever is on top of them there.
        unpacked_bytes: the unpacked size of all layers of this image together.
    """
    known = tuple(below[: len(diff_ids) - 1])
    size = unpacked_bytes - sum(layer.size_bytes for layer in known)
    return (*known, StoredLayer(chain=" ".join(diff_ids), size_bytes=max(0, size)))


def freed_bytes(removed: Collection[str], images: Iterable[StoredImage], held: Collection[str] = ()) -> int:
    """How much removing images frees: the layers that no other image has, each counted once.

    An engine with containerd's store keeps every layer twice, packed and unpacked, and states the packed size only for
    whole images. That of a layer follows from images that end below it, else in proportion to its unpacked size.

    Args:
        removed: IDs of the images.
        images: every image that may share layers with them, including themselves.
        held: chains of layers that stay unpacked, since something other than images uses them.
    """
    images = list(images)
    packed = _packed_sizes(images)
    sizes = {layer.chain: layer.size_bytes for image in images for layer in image.layers}
    staying = {layer.chain for image in images if image.image_id not in removed for layer in image.layers}
    going = {layer.chain for image in images if image.image_id in removed for layer in image.layers} - staying
    return sum((0 if chain in held else sizes[chain]) + round(packed[chain]) for chain in going)


def _packed_sizes(images: Sequence[StoredImage]) -> dict[str, float]:
    """The packed size of every layer, as well as it can be known."""
    known: dict[str, int] = {}  # the size of all layers up to one at which an image ends
    for image in images:
        if image.layers:
            packed = max(0, image.size_bytes - sum(layer.size_bytes for layer in image.layers))
            chain = image.layers[-1].chain
            known[chain] = min(packed, known.get(chain, packed))
    known = {**_inferred_ends(images, known), **known}
    segments: list[tuple[int, list[str]]] = []
    estimates: dict[str, float] = {}
    for image in images:
        below, own = 0, []
        for layer in image.layers:
            own.append(layer)
            if layer.chain not in known:
                continue
            total, unpacked = max(0, known[layer.chain] - below), sum(part.size_bytes for part in own)
            for part in own:
                share = total * part.size_bytes / unpacked if unpacked else total / len(own)
                estimates[part.chain] = min(share, estimates.get(part.chain, share))
            segments.append((total, [part.chain for part in own]))
            below, own = known[layer.chain], []
    holders = Counter(layer.chain for image in images for layer in image.layers)
    for total, chains in segments:  # if shared layers are smaller than estimated, the image's own layer takes the rest
        if holders[chains[-1]] == 1:
            others = sum(estimates[chain] for chain in chains[:-1])
            estimates[chains[-1]] = max(0.0, total - others)
    return estimates


def _inferred_ends(images: Sequence[StoredImage], known: Mapping[str, int]) -> dict[str, int]:
    """The packed size of all layers up to one at which no image ends, from images with just one more layer.

    This assumes that their last layers are packed equally well. A straight line through the sizes of the images, at a
    last layer of size zero, gives the size of what they share.
    """
    siblings: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for image in images:
        if len(image.layers) > 1 and image.layers[-2].chain not in known:
            siblings[image.layers[-2].chain].add((image.layers[-1].size_bytes, known[image.layers[-1].chain]))
    ends = {}
    for chain, points in siblings.items():
        mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
        spread = sum((x - mean_x) ** 2 for x, _ in points)
        if spread:
            slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
            at_zero = mean_y - min(max(slope, 0.0), 1.0) * mean_x
            ends[chain] = round(max(0.0, min(at_zero, *(y for _, y in points))))
    return ends


def held_by_builder(images: Iterable[StoredImage]) -> frozenset[str]:
    """The chains that BuildKit keeps unpacked besides the images, if it built layers, or a desktop on layers.

    What it builds on another target, it keeps in a separate form; if it builds on an image, it keeps the image's form.
    If that image is not here, the number of steps built on it is not known: all layers but the last may be kept.
    """
    images = list(images)
    of_key = {str(image.key): image.layers for image in images if image.key}
    of_bases = [image.layers for image in images if image.key is None]
    found: set[str] = set()
    for image in images:
        key = image.key
        if key is None or not (key.below or isinstance(key, LayerKey)):
            continue
        below = [of_key.get(str(key.below), ())] if key.below else of_bases
        lower = max((layers for layers in below if image.layers[: len(layers)] == layers), key=len, default=())
        found.update(layer.chain for layer in lower or image.layers[:-1])
    return frozenset(found)


def freed_bytes_each(
    each: Iterable[str], together: Collection[str], images: Iterable[StoredImage], held: Collection[str] = ()
) -> tuple[dict[str, int], int]:
    """How much removing each image alone frees, by ID, and how much removing some of them together frees.

    Args:
        each: IDs of the images to be removed alone.
        together: IDs of those to be removed together.
        images, held: as `freed_bytes`.
    """
    images = list(images)
    packed = _packed_sizes(images)
    holders = Counter(layer.chain for image in images for layer in image.layers)
    own = {
        image.image_id: sum(
            (0 if layer.chain in held else layer.size_bytes) + round(packed[layer.chain])
            for layer in image.layers
            if holders[layer.chain] == 1
        )
        for image in images
    }
    return {image_id: own.get(image_id, 0) for image_id in each}, freed_bytes(together, images, held)
