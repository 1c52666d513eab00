"""What changed between the layers of two images, by their names as far as these are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ...generator.stack import FILES, LAYER, PACKAGES
from .change import Change, platform_changes, verb_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .inputs import Inputs, StackInputs

    Side: TypeAlias = tuple[Mapping[str, str], StackInputs | None]


_PART = "layer-"
_NAMES = {LAYER: "script", PACKAGES: "install program"}


def layer_changes(before: Side, after: Side) -> Iterator[Change]:
    """Layers that were added, changed or removed, or that are only in another order.

    Args:
        before, after: the components of a key, and what went into it, or None if it is not at hand.
    """
    by_number = [_layers(*side) for side in (before, after)]
    named = all(layer.name != layer.part for layers in by_number for layer in layers)
    then, now = ({layer.name if named else layer.part: layer for layer in layers} for layers in by_number)
    found = [change for key, layer in now.items() for change in _changes(then.get(key), layer)]
    found += [_of(layer, "removed") for key, layer in then.items() if key not in now]
    heights = [list(components).index("install") if "install" in components else 0 for components, _ in (before, after)]
    if now and not found and (list(then), heights[0]) != (list(now), heights[1]):
        yield Change(part=next(iter(now.values())).part, said="the order of layers changed")
    yield from found


class _Layer(NamedTuple):
    """A layer of a key.

    Attributes:
        name: what people call it; the part's name if that is not known.
        part: the part of the key.
        digest: the layer's digest.
        inputs: what went into it, if that is known.
    """

    name: str
    part: str
    digest: str
    inputs: Inputs | None


def _layers(components: Mapping[str, str], inputs: StackInputs | None) -> list[_Layer]:
    parts = [
        (part, digest, inputs.of_part(part) if inputs else None) for part, digest in components.items() if _PART in part
    ]
    return [_Layer(its.name if its and its.name else part, part, digest, its) for part, digest, its in parts]


def _of(layer: _Layer, verb: str) -> Change:
    return Change(part=layer.part, said=f"{layer.name if layer.name == layer.part else f'layer {layer.name!r}'} {verb}")


def _changes(before: _Layer | None, after: _Layer) -> tuple[Change, ...]:
    if before is None:
        return (_of(after, "added"),)
    if before.digest == after.digest:
        return ()
    name, part, then, now = after.name, after.part, before.inputs, after.inputs
    if then is None or now is None:
        return (_of(after, "changed"),)
    found = []
    if (then.installed, then.packages) != (now.installed, now.packages):
        names = [" ".join(inputs.installed) for inputs in (then, now)]
        found.append(Change(part=part, said=f"layer {name!r}: packages changed", before=names[0], after=names[1]))
    for path in sorted({*then.digests, *now.digests}):
        verb = verb_of(then.digests.get(path), now.digests.get(path))
        is_executable = path in now.executables
        if not verb and is_executable != (path in then.executables):
            verb = f"{'is' if is_executable else 'is not'} executable now"
        if verb:
            said = f"layer {name!r}: {_NAMES.get(path, path.removeprefix(f'{FILES}/'))} {verb}"
            found.append(Change(part=part, said=said, path=path))
    return (*found, *platform_changes(part, then, now)) or (_of(after, "changed"),)
