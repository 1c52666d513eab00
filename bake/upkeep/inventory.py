"""What is cached here: our images in the local store, our cache folders, and which environments reach them."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from ...generator.annotations import alias_tags_of
from ...generator.errors import ConfigurationError, DesktopBakeError, EngineError, RegistryError
from ...generator.key import SCHEMA, SCHEMA_LABEL
from ...generator.layer_key import chain_of
from ...generator.stack import LayerRecipe
from ..build import local_cache
from ..images.history import layers_made, made_elsewhere, made_for
from ..images.order import stack_and_key
from ..images.published import is_published
from ..registry.client import digest_of
from ..system.folders import cache_folder
from ..task.film import recorder_of
from .policy import Reach, reach_of
from .sizes import StoredImage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ...generator.layer_key import Key
    from ...generator.reference import ImageReference
    from ..config.settings import Settings
    from ..context import Context
    from ..engine.protocol import ImageEngine


_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class CacheFamily:
    """A local cache folder of BuildKit.

    Attributes:
        name: the name of the family.
        folder: the folder.
        size_bytes: how much removing it frees.
        used_s: when a build last wrote to it, in seconds since 1970.
    """

    name: str
    folder: Path
    size_bytes: int
    used_s: float


def stored_images(engine: ImageEngine, **filters: list[str]) -> tuple[StoredImage, ...]:
    """Images without their layers, from one query; if no other filter is given, all images with our labels.

    Args:
        engine: the engine.
        filters: filters of the engine's API (Docker Engine API, "List Images").

    Raises:
        EngineError: no engine answers.
    """
    listed = engine.images(filters or {"label": [f"{SCHEMA_LABEL}={SCHEMA}"]})
    try:
        return tuple(
            StoredImage(
                image_id=entry["Id"],
                tags=tuple(tag for tag in entry.get("RepoTags") or () if not tag.startswith("<none>")),
                labels=entry.get("Labels") or {},
                created_s=max(0, entry["Created"]),
                size_bytes=entry["Size"],
                unpacked_bytes=_unpacked_bytes(entry),
            )
            for entry in listed
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise EngineError("the engine's answer is not understood", "check: docker image ls") from error


def _unpacked_bytes(entry: Mapping[str, Any]) -> int:
    """The unpacked size of an image's layers, from engines with containerd's store; 0 if it is not a single image."""
    there = [m for m in entry.get("Manifests") or () if m.get("Kind") == "image" and m.get("Available")]
    return int(there[0]["ImageData"]["Size"]["Unpacked"]) if len(there) == 1 else 0


def published_among(images: Sequence[StoredImage], context: Context) -> dict[str, bool | None]:
    """Whether the team's registry has these images, by ID; None without a clear answer.

    Its tags are keys, and it may have many thousands that are not here, so each key is asked for, a few at a time.

    Args:
        images: images of the configured repository.
        context: the registry, and the engine.

    Raises:
        ConfigurationError: the repository is not in a registry.
        RegistryError: the registry cannot be asked.
    """

    check_registry(context.settings, "images")
    digest_of(context.settings.repository, context.access())  # of any tag: otherwise each image would wait
    platform = context.engine.platform()

    def ask(image: StoredImage) -> bool | None:
        try:
            return image.key is not None and is_published(image.key, platform, context)
        except RegistryError as error:
            context.reporter.warn(str(error))
            return None

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip((image.image_id for image in images), pool.map(ask, images), strict=True))


def check_registry(settings: Settings, command: str) -> None:
    """Refuse `COMMAND --registry` if there is no registry.

    Raises:
        ConfigurationError: the repository is not in a registry.
    """
    if not settings.has_registry:
        raise ConfigurationError(
            f"repository {str(settings.repository)!r} is in no registry", f"{command} without --registry"
        )


def cache_families() -> tuple[CacheFamily, ...]:
    """The local cache folders, the most recently used first."""
    found = []
    for folder in local_cache.folders(cache_folder() / "buildkit"):
        size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file() and not f.is_symlink())
        found.append(CacheFamily(name=folder.name, folder=folder, size_bytes=size, used_s=folder.stat().st_mtime))
    return tuple(sorted(found, key=lambda f: -f.used_s))


def reach(context: Context, *, strict: bool) -> Reach:
    """What environments with their cache switched on reach, what containers use, and the names of layers.

    The film recorder on an environment's base is reached, too: no environment names it, but the next film needs it.

    Args:
        context: the environments, and the engine.
        strict: whether an environment whose key cannot be computed is an error, or only a line of the log.

    Raises:
        DesktopBakeError: as `key_of`, if `strict`.
    """
    keys: dict[str, Key] = {}
    named: dict[str, tuple[str, ...]] = {}
    looking = context.looking()
    for env_id, environment in context.settings.environments.items():
        if not environment.cache_enabled:
            continue
        try:
            stack, keys[env_id] = stack_and_key(environment, looking)
        except DesktopBakeError as error:
            if strict or isinstance(error, EngineError):
                raise
            context.reporter.warn(f"environment {env_id!r}: {error}")
            continue
        for key, part in zip(chain_of(keys[env_id]), stack.parts, strict=True):
            if isinstance(part, LayerRecipe):
                named[str(key)] = tuple(dict.fromkeys((*named.get(str(key), ()), part.name)))
    on_bases = {(e.base_image, e.platform): e for e in reversed([context.settings.environments[i] for i in keys])}
    for recorder in map(recorder_of, on_bases.values()):
        with contextlib.suppress(DesktopBakeError):
            keys[recorder.env_id] = stack_and_key(recorder, looking)[1]
    containers = context.engine.ask("GET", "/containers/json", {"all": True}).content
    used = {str(c.get(field)) for c in containers for field in ("ImageID", "Image")}
    reached = reach_of(keys, made_elsewhere(context.settings), used, _aliases(context.settings))
    return replace(reached, layers={**layers_made(), **named}, alias_templates=context.settings.alias_tags)


def _aliases(settings: Settings) -> frozenset[str]:
    """The tags for people of current environments, and of those for which something was made here."""
    found = set(chain.from_iterable(alias_tags_of(settings.alias_tags, settings.environments).values()))
    for env_id in made_for(settings) - set(settings.environments):
        with contextlib.suppress(ConfigurationError):
            found.update(alias_tags_of(settings.alias_tags, [env_id])[env_id])
    return frozenset(found)


def in_repository(image: StoredImage, repository: ImageReference) -> bool:
    """Whether an image has a tag in this repository."""
    return any(tag.rpartition(":")[0] == repository.repository for tag in image.tags)
