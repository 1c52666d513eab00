"""The output of `images`: tables for people, one object for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...generator.layer_key import LayerKey
from ..system.text import age, cut, size, table
from ..system.whose import short_key
from .inventory import CacheFamily, cache_families, in_repository, published_among, reach, stored_images
from .layers import held, with_layers
from .policy import stale_since
from .sizes import freed_bytes_each

if TYPE_CHECKING:
    from ..context import Context
    from .sizes import StoredImage


_ENVIRONMENTS, _PART, NAME = 16, 14, 34  # at most 80 together with the other columns


@dataclass(frozen=True, kw_only=True)
class Row:
    """One image.

    Attributes:
        image: the image.
        name: its tag.
        environments: ids of the environments that reach it.
        in_use: whether a container uses it.
        frees_bytes: how much removing only this image frees.
        stale_since_s: since when nothing reaches it, as far as this is known, in seconds since 1970.
        published: whether the team's registry has it; None if it was not asked, or gave no clear answer.
        layers: the names that environments give the layer that was baked last, else its name when it was made; empty
            if it is not a layer, or if no name is known.
    """

    image: StoredImage
    name: str
    environments: tuple[str, ...]
    in_use: bool
    frees_bytes: int
    stale_since_s: float | None
    published: bool | None = None
    layers: tuple[str, ...] = ()

    @property
    def part(self) -> str:
        """The part that was baked last: `desktop`, `layer` or `preflight`."""
        key = self.image.key
        return ("preflight" if key.is_preflight else "layer") if isinstance(key, LayerKey) else "desktop"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What is cached: the images, newest first, and the cache folders with the environments that use them.

    Attributes:
        rows: the images.
        stale_bytes: how much removing all stale images frees.
        caches: the cache folders.
        asked: whether the team's registry was asked.
    """

    rows: tuple[Row, ...]
    stale_bytes: int
    caches: tuple[tuple[CacheFamily, tuple[str, ...]], ...]
    asked: bool = False


def listing(context: Context, *, everywhere: bool, registry: bool = False) -> Listing:
    """What is cached here.

    Args:
        context: the environments, the repository and the engine.
        everywhere: whether to list images of other repositories, too.
        registry: whether the team's registry is asked for each image of the configured repository.

    Raises:
        EngineError: no engine answers.
        ConfigurationError, RegistryError: as `published_among`, if the registry is asked.
    """
    engine, repository = context.engine, context.settings.repository
    reached = reach(context, strict=False)
    every = stored_images(engine)
    layered = with_layers(every, engine)
    shown = [i for i in every if i.key and i.tags and (everywhere or in_repository(i, repository))]
    reached_of = {i.image_id: reached.environments.get(str(i.key), ()) for i in shown}
    stale = {image_id for image_id, environments in reached_of.items() if not environments}
    frees, stale_bytes = freed_bytes_each([i.image_id for i in shown], stale, layered, held(layered, engine))
    since = stale_since(shown, reached.layers)
    own = [i for i in shown if in_repository(i, repository)]
    published = published_among(own, context) if registry else {}
    rows = [
        Row(
            image=image,
            name=image.name,
            environments=reached_of[image.image_id],
            in_use=bool({image.image_id, *image.tags} & set(reached.in_use)),
            frees_bytes=frees[image.image_id],
            stale_since_s=since.get(image.image_id) if image.image_id in stale else None,
            published=published.get(image.image_id),
            layers=reached.layers.get(str(image.key), ()),
        )
        for image in sorted(shown, key=lambda i: (-i.created_s, i.image_id))
    ]
    caches = tuple((family, reached.families.get(family.name, ())) for family in cache_families())
    return Listing(rows=tuple(rows), stale_bytes=stale_bytes, caches=caches, asked=registry)


def _iso(time_s: float | None) -> str | None:
    return None if time_s is None else datetime.fromtimestamp(time_s, UTC).isoformat()


def as_json(found: Listing) -> dict[str, object]:
    """The object that `images --json` prints; sizes in bytes, times in ISO 8601."""
    return {
        "schema": 1,
        "images": [
            {
                "image": row.name,
                "image_id": row.image.image_id,
                "cache_key": str(row.image.key),
                "size_bytes": row.image.size_bytes,
                "frees_bytes": row.frees_bytes,
                "created": _iso(row.image.created_s or None),
                "state": "live" if row.environments else "stale",
                "environments": list(row.environments),
                "stale_since": _iso(row.stale_since_s),
                "in_use": row.in_use,
                "published": row.published,
                "part": row.part,
                "layers": list(row.layers),
            }
            for row in found.rows
        ],
        "stale_frees_bytes": found.stale_bytes,
        "caches": [
            {
                "family": family.name,
                "size_bytes": family.size_bytes,
                "used": _iso(family.used_s),
                "environments": list(environments),
            }
            for family, environments in found.caches
        ],
    }


def _key(image: StoredImage) -> str:
    """The digits that stand for an image's key, as in `ps`; `-` if it has no key."""
    return short_key(str(image.key)) if image.key else "-"


def as_text(found: Listing, now_s: float, *, whole: bool = False) -> str:
    """The listing as tables.

    Args:
        found: what is cached.
        now_s: the time, in seconds since 1970.
        whole: whether to show whole names, keys and all that is known, on lines of any length; else 80 columns.
    """
    parts = []
    if found.rows:
        parts.append(table(_whole(found, now_s) if whole else _short(found, now_s)))
        parts.append(f"all stale images together: {size(found.stale_bytes)}")
    else:
        parts.append("no images: desktop-bake build")
    if found.caches:
        folders = [("CACHE", "SIZE", "USED", "ENVIRONMENTS")]
        folders += [
            (
                f.name if whole else cut(f.name, NAME),
                size(f.size_bytes),
                f"{age(now_s - f.used_s)} ago",
                _environments(e, whole=whole),
            )
            for f, e in found.caches
        ]
        parts.append(table(folders))
    return "\n\n".join(parts)


def _environments(ids: tuple[str, ...], *, whole: bool) -> str:
    text = ", ".join(ids) or "-"
    return text if whole else cut(text, _ENVIRONMENTS)


def _short(found: Listing, now_s: float) -> list[tuple[str, ...]]:
    """The columns for people; if the registry was asked, its answer replaces the size that an image frees."""
    last = "REGISTRY" if found.asked else "FREES"
    rows: list[tuple[str, ...]] = [("ENVIRONMENT", "KEY", "PART", "SIZE", last, "AGE")]
    for row in found.rows:
        old = age(now_s - row.image.created_s) if row.image.created_s else "-"
        answer = _SAID[row.published] if found.asked else size(row.frees_bytes)
        environments, part = _environments(row.environments, whole=False), cut(_part(row), _PART)
        rows.append((environments, _key(row.image), part, size(row.image.size_bytes), answer, old))
    return rows


_SAID = {True: "yes", False: "no", None: "-"}


def _part(row: Row) -> str:
    return " ".join((row.part, ", ".join(row.layers))).strip()


def _whole(found: Listing, now_s: float) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("IMAGE", "PART", "SIZE", "FREES", "MADE", *(["REGISTRY"] if found.asked else []), "STATE", "ENVIRONMENTS")
    ]
    for row in found.rows:
        state = "live" if row.environments else "stale"
        if row.stale_since_s is not None:
            state += f" for {age(now_s - row.stale_since_s)}"
        state += ", in use" if row.in_use else ""
        made = f"{age(now_s - row.image.created_s)} ago" if row.image.created_s else "-"
        sizes = size(row.image.size_bytes), size(row.frees_bytes)
        there = [_SAID[row.published]] if found.asked else []
        rows.append((row.name, _part(row), *sizes, made, *there, state, _environments(row.environments, whole=True)))
    return rows
