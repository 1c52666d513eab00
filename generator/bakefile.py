"""The bake file: one target a distinct key, rendered from `docker-bake.hcl.j2`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .attest import check_attest
from .cache_backend import (
    CACHE_DIR_VARIABLE,
    CACHE_SCOPE_VARIABLE,
    DEFAULT_SCOPE,
    ZSTD,
    cache_entries,
    check_backend,
    check_compression,
    packing,
)
from .dockerfile import context_name, named_images
from .errors import ConfigurationError
from .layer_key import LayerKey
from .recipe import BASE_ARGUMENT, Preflight, Recipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .environment import Environment
    from .layer_key import Key
    from .recipe import Stack
    from .reference import ImageReference


# Empty, since --load adds an output to one that is there, and --push to one that loads: the engine's own builder would
# export each image twice at once, of which one fails where both give it its name.
OUTPUT_VARIABLE = "DESKTOP_BAKE_OUTPUT"
VARIABLES = {CACHE_DIR_VARIABLE: ".desktop-cache", CACHE_SCOPE_VARIABLE: DEFAULT_SCOPE, OUTPUT_VARIABLE: ""}
OUTPUT = f"type=image,{packing(ZSTD)}"  # the engine keeps and pushes the same bytes
CHECK_CONTEXT = "check"
PICTURES = "pictures"


@dataclass(frozen=True, kw_only=True)
class BakeOptions:
    """What every target shares.

    Args:
        repository: where tags go, without a tag, e.g. `registry.example.com/team/desktop`.
        cache_backend: `local`, `registry`, `inline`, `none`, or BuildKit's own form `type=gha,…`, passed through.
        attest: attestations in BuildKit's form, such as `type=sbom`; where there is none for provenance, the builder
            adds its own.
        compression: how layers of a registry's cache are packed.

    Raises:
        ConfigurationError: the repository carries a tag or digest, the backend is unknown, or an attestation malformed.
    """

    repository: ImageReference
    cache_backend: str = "local"
    attest: tuple[str, ...] = ()
    compression: str = ZSTD

    def __post_init__(self) -> None:
        check_compression(self.compression)
        if self.repository.tag or self.repository.digest:
            raise ConfigurationError(
                f"repository {str(self.repository)!r} carries a tag or digest",
                "write it without: the key is the tag",
            )
        check_backend(self.cache_backend)
        check_attest(self.attest)


@dataclass(frozen=True, kw_only=True)
class BakeTarget:
    """One target of the bake file (Bake file reference, "Target").

    Attributes:
        name: target name, `[a-zA-Z0-9_-]+`.
        key: the cache key.
        context: the build context's folder, relative to the bake file.
        base: the named context `base`: `docker-image://repository:tag@digest`, or a desktop's `target:…`.
        images: further named contexts: an image that the Dockerfile names, pinned likewise, by that name.
        tags, labels, args, platforms, cache_from, cache_to, attest: the target's attributes of these names.
        secrets: names of variables that a step may mount.
        recipe: the files that belong into the context.
    """

    name: str
    key: Key
    context: str
    base: str
    images: Mapping[str, str]
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    args: Mapping[str, str]
    platforms: tuple[str, ...]
    secrets: tuple[str, ...]
    cache_from: tuple[str, ...]
    cache_to: tuple[str, ...]
    attest: tuple[str, ...]
    recipe: Recipe | Preflight

    @property
    def has_desktop(self) -> bool:
        """Whether a desktop is in the image."""
        return not isinstance(self.key, LayerKey) or self.key.desktop is not None


@dataclass(frozen=True, kw_only=True)
class CheckTarget:
    """A target that starts a baked desktop while it is built and exports its picture; it makes no image.

    Attributes:
        name: target name.
        context: the folder of the check, relative to the bake file; what lies in it is part of no key.
        desktop: the named context `desktop`, `target:…`.
        platforms: as the desktop's.
        output: where the picture goes, as Bake's `output`, relative to the working directory of the call: what lies
            inside it Bake writes without asking (Bake file reference, "Entitlements").
    """

    name: str
    context: str
    desktop: str
    platforms: tuple[str, ...]
    output: str


def bake_targets(wanted: Iterable[tuple[Environment, Stack, Key]], options: BakeOptions) -> tuple[BakeTarget, ...]:
    """The targets of these environments, one a distinct key, sorted by key: what lies on a desktop follows it.

    Args:
        wanted: each environment with what is baked for it and its computed key.
        options: repository and cache backend.
    """
    by_key: dict[str, tuple[Environment, Recipe | Preflight, Key]] = {}
    for environment, stack, key in wanted:
        desktop = key.desktop if isinstance(key, LayerKey) else key
        if desktop and stack.desktop:
            by_key[str(desktop)] = (environment, stack.desktop, desktop)
        if stack.preflight:
            by_key[str(key)] = (environment, stack.preflight, key)
    targets = []
    names: dict[str, str] = {}
    for text, (environment, recipe, key) in sorted(by_key.items()):
        layer = key if isinstance(key, LayerKey) else None
        name = ("preflight-" if layer and not layer.desktop else "desktop-") + text.replace(".", "_")
        while name in names.values():  # variants a.b and a_b of one base digest
            name += "_"
        names[text] = name
        cache = cache_entries(options.cache_backend, options.repository, key, options.compression)
        pinned = f"docker-image://{environment.base_image.pinned(key.base)}"
        images, frontend = _pinned_images(environment, recipe)
        targets.append(
            BakeTarget(
                name=name,
                key=key,
                context=f"context/{text}",
                base=f"target:{names[str(layer.desktop)]}" if layer and layer.desktop else pinned,
                images={name: f"docker-image://{image}" for name, image in images.items()},
                tags=(f"{options.repository}:{text}", *cache.tags),
                labels=key.labels(environment.base_image.named),
                args=frontend | _arguments(environment, recipe, key),
                platforms=tuple(sorted(set(environment.platforms))),
                secrets=() if layer else tuple(sorted(set(environment.build_secrets))),
                cache_from=cache.cache_from,
                cache_to=cache.cache_to,
                attest=options.attest,
                recipe=recipe,
            )
        )
    return tuple(targets)


def _pinned_images(environment: Environment, recipe: Recipe | Preflight) -> tuple[dict[str, str], dict[str, str]]:
    """The images of a Dockerfile of one's own by name, pinned; and the build argument that pins its frontend."""
    if isinstance(recipe, Preflight) or not recipe.images:
        return {}, {}
    named = named_images(recipe.dockerfile, environment.build_args)
    pinned = {name: image.pinned(recipe.images[name]) for name, image in named.references.items()}
    tools = {name: pinned[name] for name in map(context_name, named.tools)}
    return tools, {"BUILDKIT_SYNTAX": pinned[context_name(named.frontend)]} if named.frontend else {}


def _arguments(environment: Environment, recipe: Recipe | Preflight, key: Key) -> dict[str, str]:
    """The environment's build arguments, and ours: what the steps verify and keep downloads apart by."""
    if isinstance(key, LayerKey):
        return dict(sorted(recipe.digests().items()))
    packages = f"-{recipe.packages}" if isinstance(recipe, Recipe) and recipe.packages else ""
    base = {BASE_ARGUMENT: f"{key.base.hex[:16]}{packages}"}
    return dict(sorted({**environment.build_args, **recipe.digests(), **base}.items()))


def check_targets(targets: Iterable[BakeTarget]) -> tuple[CheckTarget, ...]:
    """The self-test of each of these targets, in their order."""
    return tuple(
        CheckTarget(
            name=target.name.replace("desktop-", "desktop-check-", 1),
            context=CHECK_CONTEXT,
            desktop=f"target:{target.name}",
            platforms=target.platforms,
            output=f"type=local,dest={PICTURES}/{target.key}",
        )
        for target in targets
        if target.has_desktop
    )
