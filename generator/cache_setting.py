"""The valid values of cache settings: backend, compression, scope (BuildKit, "Cache storage backends")."""

from __future__ import annotations

import re

from .errors import ConfigurationError

ZSTD, GZIP, UNCOMPRESSED = COMPRESSIONS = ("zstd", "gzip", "uncompressed")
DEFAULT_SCOPE = "main"
OWN_BACKENDS = ("local", "registry", "inline", "none")
_FOREIGN = re.compile(r"type=(gha|s3|azblob)((?:,[a-z_-]+=[^,\"\s\0-\x1f\x7f]*)*)")  # no quotes: BuildKit reads CSV
_SECRETS = ("secret_access_key", "session_token", "access_key_id", "token", "account_key")
_PLACES = ("type", "src", "dest")  # of the backend `local`, which a second `type` would select
_SCOPE = re.compile(r"[A-Za-z0-9_.-]{1,63}")


def check_backend(backend: str) -> None:
    """Check a cache backend: `local`, `registry`, `inline`, `none`, or BuildKit's `type=gha|s3|azblob,…`.

    Raises:
        ConfigurationError: the backend is none of these.
    """
    foreign = _FOREIGN.fullmatch(backend)
    if backend not in OWN_BACKENDS and not foreign:
        raise ConfigurationError(
            f"unknown cache backend {backend.partition(',')[0][:40]!r}",  # the rest may be a secret
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
        ConfigurationError: BuildKit has no such compression, or not every engine can run it.
    """
    if compression not in COMPRESSIONS:
        raise ConfigurationError(f"unknown compression {compression[:40]!r}", f"use one of: {', '.join(COMPRESSIONS)}")


def check_scope(scope: str) -> None:
    """Check a cache scope, which becomes part of a tag.

    Raises:
        ConfigurationError: it has a character that a tag cannot have, or more than 63 characters.
    """
    if not _SCOPE.fullmatch(scope):
        raise ConfigurationError(
            f"malformed cache scope {scope[:80]!r}", "use letters, digits, '_', '.' and '-', at most 63"
        )
