"""Cache backends: what a target's `cache-from` and `cache-to` say (BuildKit, "Cache storage backends")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .cache_setting import DEFAULT_SCOPE, ZSTD
from .key_family import family_of
from .layer_key import LayerKey
from .variables import CACHE_DIR_VARIABLE, CACHE_SCOPE_VARIABLE, variable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .layer_key import Key
    from .reference import ImageReference

LOCAL = "type=local,"  # the beginning of an entry that is a folder
INLINE = "type=inline"


@dataclass(frozen=True, kw_only=True)
class CacheEntries:
    """What a backend adds to a target.

    Attributes:
        cache_from, cache_to: entries in BuildKit's form; our bake variables appear in them as `${NAME}`.
        tags: further tags, if the image itself carries the cache.
    """

    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def packing(compression: str) -> str:
    """The export options for this compression of layers (BuildKit, "Image exporter").

    zstd packs smaller and faster than BuildKit's default, but only OCI's specification has a media type for it. Any
    other compression is for registries that refuse it, so packed layers are packed again, also the base's.
    """
    return (
        "compression=zstd,oci-mediatypes=true"
        if compression == ZSTD
        else f"compression={compression},force-compression=true"
    )


def cache_entries(backend: str, repository: ImageReference | str, key: Key, compression: str = ZSTD) -> CacheEntries:
    """The entries of a target.

    Args:
        backend: as `check_backend` allows it.
        repository: the repository of registry caches and images; or the variable that states it.
        key: the target's key.
        compression: how layers of a registry's cache are packed, as `check_compression` allows it.
    """
    family = family_of(key)
    # a layer is one step, which BuildKit itself caches; a local export would copy the desktop below it again
    if backend == "none" or (backend == "local" and isinstance(key, LayerKey)):
        return CacheEntries()
    if backend == "local":  # the folder is a bake variable: its path differs between machines, the file must not
        place = f"{variable(CACHE_DIR_VARIABLE)}/{family}"
        return CacheEntries(
            cache_from=(f"{LOCAL}src={place}",),
            cache_to=(f"{LOCAL}dest={place},mode=max,ignore-error=true",),
        )
    reference = f"{repository}:cache-{family}"
    own, main = f"{reference}-{variable(CACHE_SCOPE_VARIABLE)}", f"{reference}-{DEFAULT_SCOPE}"
    cache_from = (f"type=registry,ref={own}", f"type=registry,ref={main}")
    if backend == "registry":
        form = f"mode=max,{packing(compression)},image-manifest=true,ignore-error=true"
        return CacheEntries(cache_from=cache_from, cache_to=(f"type=registry,ref={own},{form}",))
    if backend == "inline":
        return CacheEntries(cache_from=cache_from, cache_to=(INLINE,), tags=(own,))
    options = backend.split(",")
    lasting = backend if any(o.startswith("ignore-error=") for o in options) else f"{backend},ignore-error=true"
    return CacheEntries(cache_from=(backend,), cache_to=(lasting,))


def exporters(caches: Iterable[tuple[str, tuple[str, ...]]], *, folders_alone: bool) -> set[str]:
    """The names of the targets that export a cache; of several that write to one place at once, only the first.

    A cache in the image belongs to that image alone.

    Args:
        caches: name and `cache_to` of each target, in order.
        folders_alone: whether only local folders count as places; BuildKit locks them for one export. A registry takes
            several, and the last one stays: needed if any target may be built by itself, else wasted.
    """
    first: dict[tuple[str, ...], str] = {}
    found = set()
    for name, cache_to in caches:
        is_shared = any(entry.startswith(LOCAL) for entry in cache_to) if folders_alone else INLINE not in cache_to
        if cache_to and (not is_shared or first.setdefault(cache_to, name) == name):
            found.add(name)
    return found
