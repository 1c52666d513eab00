"""Which images and caches no environment reaches, and which of them may go."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from ...generator.annotations import is_alias
from ...generator.key import CacheKey
from ...generator.key_family import family_of
from ...generator.layer_key import chain_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ...generator.layer_key import Key
    from .sizes import StoredImage


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What is in use.

    Attributes:
        environments: ids of the environments that reach a key, by the key's text.
        families: ids of the environments that reach a cache family, by its name.
        elsewhere: the folder of another project that made a key, by the key's text.
        in_use: IDs and tags of images that a running or stopped container uses.
        aliases: tags for people that environments have or had; they go with the image.
        alias_templates: the setting `alias_tags`, which tells such tags if no record of them is left.
        layers: the names of an image's topmost layer, if they are known, by the key's text.
    """

    environments: Mapping[str, tuple[str, ...]]
    families: Mapping[str, tuple[str, ...]]
    elsewhere: Mapping[str, str]
    in_use: Collection[str] = ()
    aliases: Collection[str] = ()
    alias_templates: Sequence[str] = ()
    layers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What stays although nothing reaches it.

    Attributes:
        keep: how many of the newest images of each family stay.
        older_than_s: younger images stay, in seconds.
        now_s: the time, in seconds since 1970.
    """

    keep: int = 0
    older_than_s: float = 0
    now_s: float = 0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether one image goes or stays, and why."""

    image: StoredImage
    removed: bool
    reason: str


def reach_of(
    keys: Mapping[str, Key],
    elsewhere: Mapping[str, str],
    in_use: Collection[str] = (),
    aliases: Collection[str] = (),
) -> Reach:
    """What environments reach.

    Args:
        keys: the key of each environment, by its id.
        elsewhere, in_use, aliases: as `Reach`.
    """
    environments: dict[str, list[str]] = defaultdict(list)
    families: dict[str, list[str]] = defaultdict(list)
    for env_id, key in keys.items():
        for reached in reversed(chain_of(key)):  # a changed layer is built on the image below it
            environments[str(reached)].append(env_id)
            families[family_of(reached)].append(env_id)
    return Reach(
        environments={key: tuple(ids) for key, ids in environments.items()},
        families={family: tuple(ids) for family, ids in families.items()},
        elsewhere=elsewhere,
        in_use=in_use,
        aliases=aliases,
    )


def judge(images: Sequence[StoredImage], repository: str, reach: Reach, policy: Policy) -> tuple[Verdict, ...]:
    """The verdict on each image; in doubt it stays.

    Args:
        images: images of one repository, from the local store or a registry.
        repository: the repository, as tags name it.
        reach, policy: what stays.
    """
    kept_of_line: dict[str, int] = defaultdict(int)
    verdicts = []
    for image in sorted(images, key=lambda i: (-i.created_s, i.image_id)):
        reason = _why_kept(image, repository, reach)
        key = image.key
        if reason is None and key:
            line = lineage_of(key, reach.layers)
            if not image.created_s and (policy.keep or policy.older_than_s):  # it may be the newest of all
                reason = "nobody knows when it was made"
            elif kept_of_line[line] < policy.keep:
                kept_of_line[line] += 1
                reason = f"among the last {policy.keep} of its family"
            elif policy.older_than_s and policy.now_s - image.created_s < policy.older_than_s:
                reason = "too young"
        verdicts.append(Verdict(image=image, removed=reason is None, reason=reason or "no environment reaches it"))
    return tuple(verdicts)


def _why_kept(image: StoredImage, repository: str, reach: Reach) -> str | None:
    key = image.key
    if key is None:
        return "its labels prove no key"
    ours = (f"{repository}:{key}", f"{repository}:cache-{family_of(key)}-")
    known = {ours[0], *(f"{repository}:{alias}" for alias in reach.aliases)}
    pulled = f"{repository}@"  # a pull by digest leaves that name, which nobody gave it; no tag has an @
    others = (tag for tag in image.tags if tag not in known and not tag.startswith((ours[1], pulled)))
    foreign = [tag for tag in others if not _is_alias(tag, repository, reach)]
    if foreign:  # also an image that was made from one of ours, and so has its labels
        return f"also tagged {foreign[0]}"
    if ours[0] not in image.tags:
        return "its tag is not its key"
    if str(key) in reach.environments:
        return "reached by " + ", ".join(reach.environments[str(key)])
    if {image.image_id, *image.tags} & set(reach.in_use):
        return "a container uses it"
    if str(key) in reach.elsewhere:
        return f"made for {reach.elsewhere[str(key)]}"
    return None


def _is_alias(tag: str, repository: str, reach: Reach) -> bool:
    """Whether a tag has the form of tags for people; its environment may have been removed on another machine."""
    its, _, name = tag.rpartition(":")
    return its == repository and is_alias(name, reach.alias_templates)


def lineage_of(key: Key, layers: Mapping[str, tuple[str, ...]]) -> str:
    """The line of a key: a later key of a line replaces an earlier one, whatever the scripts of its layers are.

    A line is a variant, an install script, and the layers' names; keys with unknown layer names form one line.

    Args:
        key: a key of the line.
        layers: as in `Reach`.
    """
    line = [key.variant]
    for part in chain_of(key):
        if isinstance(part, CacheKey):
            line.append(part.install.hex[:12])
        elif part.is_preflight:
            line.append("p")
        else:
            line.append(":".join(("l", *layers.get(str(part), ())[:1])))
    return "-".join(line)


def stale_since(images: Iterable[StoredImage], layers: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
    """When the next image of its family was made, in seconds since 1970, by each image's ID.

    There is no entry for the last image of a family, nor for an image whose time is not known.

    Args:
        images: images that may have replaced each other.
        layers: as in `Reach`.
    """
    families: dict[str, list[StoredImage]] = defaultdict(list)
    for image in images:
        if image.key and image.created_s:
            families[lineage_of(image.key, layers)].append(image)
    found: dict[str, float] = {}
    for family in families.values():
        times = sorted({image.created_s for image in family})
        following = dict(pairwise(times))
        found |= {i.image_id: following[i.created_s] for i in family if i.created_s in following}
    return found
