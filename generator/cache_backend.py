"""Cache backends: what a target's `cache-from` and `cache-to` say (BuildKit, "Cache storage backends")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ConfigurationError
from .layer_key import LayerKey, family_of
from .variables import CACHE_DIR_VARIABLE, CACHE_SCOPE_VARIABLE, DEFAULT_SCOPE, variable

if TYPE_CHECKING:
    from .layer_key import Key
    from .reference import ImageReference


ZSTD, GZIP, UNCOMPRESSED = COMPRESSIONS = ("zstd", "gzip", "uncompressed")
OWN_BACKENDS = ("local", "registry", "inline", "none")
_FOREIGN = re.compile(r"type=(gha|s3|azblob)((?:,[a-z_-]+=[^,\"\s\0-\x1f\x7f]*)*)")  # no quotes: BuildKit reads CSV
_SECRETS = ("secret_access_key", "session_token", "access_key_id", "token", "account_key")
_PLACES = ("type", "src", "dest")  # of the backend `local`, which a second `type` would make of it
_SCOPE = re.compile(r"[A-Za-z0-9_.-]{1,63}")


@dataclass(frozen=True, kw_only=True)
class CacheEntries:
    """What a backend adds to a target.

    Attributes:
        cache_from, cache_to: entries in BuildKit's form; our bake variables stand in them as `${NAME}`.
        tags: further tags under which the image itself carries the cache.
    """

    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def check_backend(backend: str) -> None:
    """Check a cache backend: `local`, `registry`, `inline`, `none`, or BuildKit's `type=gha|s3|azblob,…`.

    Raises:
        ConfigurationError: it is none of these.
    """
    foreign = _FOREIGN.fullmatch(backend)
    if backend not in OWN_BACKENDS and not foreign:
        raise ConfigurationError(
            f"unknown cache backend {backend.partition(',')[0][:40]!r}",  # what follows may be a secret
            f"use {', '.join(OWN_BACKENDS)}, or BuildKit's form type=gha,… (gha, s3 or azblob)",
        )
    names = [option.partition("=")[0] for option in foreign[2].split(",")[1:]] if foreign else []
    for name in names:
        if name in _SECRETS:
            raise ConfigurationError(
                f"the cache backend holds {name}, which would be written into the bake file",
                "give it to BuildKit as an environment variable: see docs/team.md",
            )
        if name in _PLACES or names.count(name) > 1:
            raise ConfigurationError(f"the cache backend holds {name} once too often", "leave it out")


def check_compression(compression: str) -> None:
    """Check how layers are packed.

    Raises:
        ConfigurationError: BuildKit packs none like that, or it is no form that every engine runs.
    """
    if compression not in COMPRESSIONS:
        raise ConfigurationError(f"unknown compression {compression[:40]!r}", f"use one of: {', '.join(COMPRESSIONS)}")


def packing(compression: str) -> str:
    """The options of an export for layers that are packed like this (BuildKit, "Image exporter").

    zstd packs smaller and faster than BuildKit's default, and has a media type in OCI's specification alone; anything
    else is for registries that refuse it, so that layers which were packed before, the base's too, are packed anew.
    """
    return (
        "compression=zstd,oci-mediatypes=true"
        if compression == ZSTD
        else f"compression={compression},force-compression=true"
    )


def check_scope(scope: str) -> None:
    """Check a cache scope, which becomes a part of a tag.

    Raises:
        ConfigurationError: it holds a character that a tag cannot hold, or more than 63.
    """
    if not _SCOPE.fullmatch(scope):
        raise ConfigurationError(
            f"malformed cache scope {scope[:80]!r}", "use letters, digits, '_', '.' and '-', at most 63"
        )


def cache_entries(backend: str, repository: ImageReference | str, key: Key, compression: str = ZSTD) -> CacheEntries:
    """The entries of a target.

    Args:
        backend: as `check_backend` allows it.
        repository: where registry caches lie, beside the images; or the variable that says so.
        key: the target's key.
        compression: how layers of a registry's cache are packed, as `check_compression` allows it.
    """
    family = family_of(key)
    # a layer is one step, which BuildKit itself remembers; a local export would copy the desktop below it once more
    if backend == "none" or (backend == "local" and isinstance(key, LayerKey)):
        return CacheEntries()
    if backend == "local":  # the folder is a bake variable: its path differs between machines, the file must not
        place = f"{variable(CACHE_DIR_VARIABLE)}/{family}"
        return CacheEntries(
            cache_from=(f"type=local,src={place}",),
            cache_to=(f"type=local,dest={place},mode=max,ignore-error=true",),
        )
    reference = f"{repository}:cache-{family}"
    own, main = f"{reference}-{variable(CACHE_SCOPE_VARIABLE)}", f"{reference}-{DEFAULT_SCOPE}"
    cache_from = (f"type=registry,ref={own}", f"type=registry,ref={main}")
    if backend == "registry":
        form = f"mode=max,{packing(compression)},image-manifest=true,ignore-error=true"
        return CacheEntries(cache_from=cache_from, cache_to=(f"type=registry,ref={own},{form}",))
    if backend == "inline":
        return CacheEntries(cache_from=cache_from, cache_to=("type=inline",), tags=(own,))
    options = backend.split(",")
    lasting = backend if any(o.startswith("ignore-error=") for o in options) else f"{backend},ignore-error=true"
    return CacheEntries(cache_from=(backend,), cache_to=(lasting,))
