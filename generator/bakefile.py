"""The bake file: one target a distinct key, rendered from `docker-bake.hcl.j2`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from generator.environment import Environment
    from generator.key import CacheKey
    from generator.recipe import Recipe
    from generator.reference import ImageReference

CACHE_DIR_VARIABLE = "DESKTOP_BAKE_CACHE_DIR"


@dataclass(frozen=True, kw_only=True)
class BakeOptions:
    """What every target shares.

    Args:
        repository: where tags go, without a tag, e.g. `registry.example.com/team/desktop`.
        cache_backend: `local`, `registry`, `none`, or BuildKit's own form `type=gha,…`, passed through.

    Raises:
        ConfigurationError: the repository carries a tag or digest, or the backend is unknown.
    """

    repository: ImageReference
    cache_backend: str = "local"

    def __post_init__(self) -> None:
        if self.repository.tag or self.repository.digest:
            raise ConfigurationError(
                f"repository {str(self.repository)!r} carries a tag or digest",
                "write it without: the key is the tag",
            )
        backend = self.cache_backend
        if backend not in ("local", "registry", "none") and not re.fullmatch(r"type=[a-z0-9]+(,[^\n]*)?", backend):
            raise ConfigurationError(
                f"unknown cache backend {backend!r}",
                "use local, registry, none, or BuildKit's form type=gha,…",
            )


@dataclass(frozen=True, kw_only=True)
class BakeTarget:
    """One target of the bake file (Bake file reference, "Target").

    Attributes:
        name: target name, `[a-zA-Z0-9_-]+`.
        key: the cache key.
        context: the build context's folder, relative to the bake file.
        base: the pinned base, `repository:tag@digest`.
        tags, labels, args, platforms, cache_from, cache_to: the target's attributes of these names.
        recipe: the files that belong into the context.
    """

    name: str
    key: CacheKey
    context: str
    base: str
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    args: Mapping[str, str]
    platforms: tuple[str, ...]
    cache_from: tuple[str, ...]
    cache_to: tuple[str, ...]
    recipe: Recipe


def hcl(text: str) -> str:
    """A quoted HCL string that BuildKit reads back as exactly this text.

    Source: HCL native syntax specification, "Template Expressions"; `${` and `%{` start templates.

    Raises:
        ConfigurationError: the text holds a character that HCL cannot carry (NUL, lone surrogates).
    """
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ConfigurationError(f"{text[:80]!r} holds a character that a bake file cannot carry", "remove it")
    out = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{")
    out = out.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return '"' + "".join(c if c.isprintable() or c == " " else f"\\U{ord(c):08x}" for c in out) + '"'


def bake_targets(
    wanted: Iterable[tuple[Environment, Recipe, CacheKey]], options: BakeOptions
) -> tuple[BakeTarget, ...]:
    """The targets of these environments, one a distinct key, sorted by key.

    Args:
        wanted: each environment with its recipe and computed key.
        options: repository and cache backend.
    """
    by_key = {str(key): (environment, recipe, key) for environment, recipe, key in wanted}
    targets = []
    names: set[str] = set()
    for text, (environment, recipe, key) in sorted(by_key.items()):
        name = "desktop-" + text.replace(".", "_")
        while name in names:  # variants a.b and a_b of one base digest
            name += "_"
        names.add(name)
        cache_from, cache_to = _cache(options, key)
        targets.append(
            BakeTarget(
                name=name,
                key=key,
                context=f"context/{text}",
                base=environment.base_image.pinned(key.base),
                tags=(f"{options.repository}:{text}",),
                labels=key.labels(environment.base_image.named),
                args=dict(sorted(environment.build_args.items())),
                platforms=tuple(sorted(set(environment.platforms))),
                cache_from=cache_from,
                cache_to=cache_to,
                recipe=recipe,
            )
        )
    return tuple(targets)


def _cache(options: BakeOptions, key: CacheKey) -> tuple[tuple[str, ...], tuple[str, ...]]:
    backend = options.cache_backend
    if backend == "none":
        return (), ()
    if backend == "local":  # the folder is a bake variable: its path differs between machines, the file must not
        place = "${" + CACHE_DIR_VARIABLE + "}/" + key.variant
        return (f"type=local,src={place}",), (f"type=local,dest={place},mode=max,ignore-error=true",)
    if backend == "registry":
        ref = f"{options.repository}:cache-{key.variant}"
        return (
            (f"type=registry,ref={ref}",),
            (f"type=registry,ref={ref},mode=max,compression=zstd,ignore-error=true",),
        )
    return (backend,), (backend,)


def render_bake_file(template: str, targets: Iterable[BakeTarget]) -> str:
    """`docker-bake.hcl`: same targets, same bytes.

    Args:
        template: the text of `docker-bake.hcl.j2`.
        targets: from `bake_targets`.

    Source: Bake file reference (docs.docker.com/build/bake/reference).
    """
    import jinja2  # 40 ms that a hit must not pay

    engine = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    engine.filters["hcl"] = hcl
    engine.filters["hcl_cache"] = _hcl_cache
    return engine.from_string(template).render(targets=list(targets), cache_dir_variable=CACHE_DIR_VARIABLE)


def _hcl_cache(text: str) -> str:
    """As `hcl`, but keeping our own reference to the cache folder's variable."""
    reference = "${" + CACHE_DIR_VARIABLE + "}"
    return hcl(text).replace("$" + reference, reference)
