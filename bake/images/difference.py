"""Why no image has a key: which image is the nearest, and which inputs changed, by their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...generator.layer_key import LayerKey
from ...generator.recipe import DOCKERFILE, INSTALL, SETUP
from ...generator.stack import PREFLIGHT
from .change import Change, platform_changes, verb_of
from .layer_difference import layer_changes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...generator.layer_key import Key
    from .inputs import Inputs, StackInputs


NEVER = "never built for this base"
_SCRIPTS = {"install": ("install script", INSTALL), "setup": ("setup script", SETUP)}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An image of ours.

    Attributes:
        key: the key that its labels prove.
        base_name: its base, `repository:tag`.
        name: its own name.
        where: `here`, or the registry.
        created_s: when it was made, in seconds since 1970; 0 if that is not known.
        is_own: whether it was made for the environment that is explained, as far as that is known.
    """

    key: Key
    base_name: str
    name: str = ""
    where: str = "here"
    created_s: float = 0
    is_own: bool = False


def nearest(key: Key, base_name: str, candidates: Iterable[Candidate]) -> Candidate | None:
    """The image that differs in the fewest inputs; of several, the environment's own, a local one, the newest.

    A layer is compared with layers, and with a desktop only if no layer is near. An image on another base is not near,
    unless all of its recipe but one part is the same.

    Args:
        key: the key that was not found.
        base_name: its base, `repository:tag`; empty if it is not known.
        candidates: our images.
    """
    mine = key.components()
    recipe = mine.keys() - {"variant", "base"}

    def differing(candidate: Candidate) -> set[str]:
        theirs = candidate.key.components()
        return {part for part in recipe | {"base"} if mine[part] != theirs.get(part)}

    def is_near(candidate: Candidate) -> bool:
        others = len(differing(candidate) & recipe)
        alike = others <= 1 and others < len(recipe)
        return alike or candidate.key.base == key.base or candidate.base_name == base_name

    def rank(candidate: Candidate) -> tuple[float, ...]:
        return (
            type(candidate.key) is not type(key),
            len(differing(candidate)),
            len(mine.keys() ^ candidate.key.components().keys()),  # a part below a layer lacks it, as if it had changed
            candidate.base_name != base_name,
            not candidate.is_own,
            candidate.where != "here",
            -candidate.created_s,
        )

    near = [c for c in candidates if _comparable(key, c.key) and is_near(c)]
    return min(near, key=lambda c: (rank(c), str(c.key), c.name), default=None)


def _comparable(key: Key, other: Key) -> bool:
    """Whether an image of another key has all parts that an image of this key lies on, in any version."""
    if not isinstance(key, LayerKey):
        return not isinstance(other, LayerKey)
    has_desktop = not isinstance(other, LayerKey) or other.desktop is not None
    return has_desktop == (key.desktop is not None)


def changes(
    key: Key, base_name: str, now: StackInputs | None, near: Candidate, then: StackInputs | None
) -> tuple[Change, ...]:
    """What changed since an image, in the key's order.

    Args:
        key, base_name: of what is wanted.
        now: what goes into it, or None if it is not at hand.
        near: the image.
        then: what went into that image, or None if it is not at hand: then only parts are named, not their contents.
    """
    found = [*_base_changes(key, base_name, near)]
    mine, theirs = key.components(), near.key.components()
    differ = {
        part: {"before": theirs.get(part), "after": value} for part, value in mine.items() if theirs.get(part) != value
    }
    found += layer_changes((theirs, then), (mine, now))
    for part, (name, path) in _SCRIPTS.items():
        if part in differ:
            found.append(Change(part=part, said=f"{name} changed", path=path, **differ[part]))
    if "dockerfile" in differ:
        old, new = then and then.desktop, now and now.desktop
        named = tuple(_dockerfile_changes(old, new)) if old and new else ()
        said = "Dockerfile, context, build arguments or platforms changed"
        found += named or (Change(part="dockerfile", said=said, **differ["dockerfile"]),)
    if "preflight" in differ:
        old, new = then and then.preflight, now and now.preflight
        named = tuple(_preflight_changes(old, new, alone="dockerfile" not in mine)) if old and new else ()
        said = "preflight changed" if "preflight" in theirs else "preflight added"
        is_said = bool(old and new) and "dockerfile" in differ  # only platforms changed, which are the desktop's too
        found += named or (() if is_said else (Change(part="preflight", said=said, **differ["preflight"]),))
    return tuple(found)


def _base_changes(key: Key, base_name: str, near: Candidate) -> Iterable[Change]:
    before, after = near.key.base.value[:19], key.base.value[:19]
    whole = {"before": str(near.key.base), "after": str(key.base)}
    if base_name and near.base_name != base_name:
        said = f"base image changed from {near.base_name} ({before}) to {base_name} ({after})"
        yield Change(part="base", said=said, **whole)
    elif near.key.base != key.base:
        yield Change(part="base", said=f"base image changed: {near.base_name} moved from {before} to {after}", **whole)
    elif near.key.variant != key.variant:
        yield Change(part="variant", said="base tag changed", before=near.key.variant, after=key.variant)


def _dockerfile_changes(then: Inputs, now: Inputs) -> Iterable[Change]:
    part = "dockerfile"
    if then.digests.get(DOCKERFILE) != now.digests.get(DOCKERFILE):
        yield Change(part=part, said="Dockerfile changed", path=DOCKERFILE)
    for name in sorted({*then.build_args, *now.build_args}):
        verb = verb_of(then.build_args.get(name), now.build_args.get(name))
        if verb:
            yield Change(part=part, said=f"Dockerfile: build argument {name} {verb}")
    for path in sorted({*then.digests, *now.digests} - {DOCKERFILE, INSTALL, SETUP}):
        verb = verb_of(then.digests.get(path), now.digests.get(path))
        if verb:
            yield Change(part=part, said=f"build context: {path} {verb}", path=path)
        elif (path in then.executables) != (path in now.executables):
            is_now = "is" if path in now.executables else "is not"
            yield Change(part=part, said=f"build context: {path} {is_now} executable now", path=path)
    for name in sorted(then.images.keys() & now.images.keys()):
        if (before := then.images[name]) != (after := now.images[name]):
            yield Change(
                part=part, said=f"image {name} moved from {before[:19]} to {after[:19]}", before=before, after=after
            )
    if then.packages != now.packages:
        before, after = (p or "no date" for p in (then.packages, now.packages))
        yield Change(part=part, said=f"packages date moved from {before} to {after}", before=before, after=after)
    yield from platform_changes(part, then, now)
    for name in sorted(then.build_secrets ^ now.build_secrets):
        verb = "added" if name in now.build_secrets else "removed"
        yield Change(part=part, said=f"Dockerfile: build secret {name} {verb}")


def _preflight_changes(then: Inputs, now: Inputs, *, alone: bool) -> Iterable[Change]:
    for path, said in ((PREFLIGHT, "preflight changed"), (DOCKERFILE, "the preflight's Dockerfile changed")):
        before, after = then.digests.get(path), now.digests.get(path)
        if before != after:
            yield Change(part="preflight", said=said, path=path, before=before, after=after)
    if alone:
        yield from platform_changes("preflight", then, now)


def reason(found: Iterable[Change]) -> str:
    """The changes in one line."""
    return "; ".join(change.said for change in found) or NEVER
