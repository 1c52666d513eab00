"""The targets of a bake file: one for each distinct key, named after environments, and their self-tests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .annotations import alias_tags_of
from .cache_backend import cache_entries, packing
from .cache_setting import ZSTD
from .described import checked
from .dockerfile import context_name, named_images
from .errors import ConfigurationError
from .layer_key import chain_of, desktop_of
from .recipe import BASE_ARGUMENT, Recipe
from .stack import LayerRecipe
from .target_names import CHECK, DESKTOP, PREFLIGHT, layer_name, names_of
from .variables import FOLDER_VARIABLE, REPOSITORY_VARIABLE, variable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .bake_options import BakeOptions
    from .environment import Environment
    from .layer_key import Key
    from .stack import Part, Stack


OUTPUT = f"type=image,{packing(ZSTD)}"  # the engine keeps and pushes the same bytes
CONTEXTS, CHECK_CONTEXT, PICTURES = "context", "check", "pictures"
RUN, COMPOSE_FILE = "run", "run/compose.yaml"  # starts a published image without us


@dataclass(frozen=True, kw_only=True)
class BakeTarget:
    """A target of the bake file (Bake file reference, "Target").

    Attributes:
        name: `desktop-NAME`, `preflight-NAME` or `layer-LAYER-NAME`, after the first environment that uses it.
        holds: what is in the image, the lowest first: `desktop`, `preflight`, and `layer LAYER` of each layer.
        environments: ids of the environments whose tasks use this image, each with its name in the bake file; empty
            if the target exists only for what is built on it.
        above: ids of the environments whose image is built on it.
        key: the cache key.
        image: `repository:key`, the tag unless a variable is set.
        context: the build context's folder, relative to the bake file's; targets with the same files share it.
        base_name: the base image, `repository:tag`.
        base: the named context `base`: `docker-image://repository:tag@digest`, or the `target:…` below it.
        images: further named contexts: images that the Dockerfile names, by that name, pinned in the same way.
        tags, cache_from, cache_to: the target's attributes of these names; variables appear in them as `${NAME}`.
        labels, args, platforms: the target's attributes of these names.
        secrets: names of variables that a step may mount.
        recipe: the files of the build context.
    """

    name: str
    holds: tuple[str, ...]
    environments: Mapping[str, str]
    above: tuple[str, ...]
    key: Key
    image: str
    context: str
    base_name: str
    base: str
    images: Mapping[str, str]
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    args: Mapping[str, str]
    platforms: tuple[str, ...]
    secrets: tuple[str, ...]
    cache_from: tuple[str, ...]
    cache_to: tuple[str, ...]
    recipe: Part

    @property
    def has_desktop(self) -> bool:
        """Whether the image has a desktop."""
        return desktop_of(self.key) is not None


@dataclass(frozen=True, kw_only=True)
class CheckTarget:
    """A target that starts a baked desktop during the build and exports a picture of it; it makes no image.

    Attributes:
        name: the name of the target.
        environment: the name of the environment after which it and its picture are named.
        desktop: the target that has the desktop.
        platforms: the desktop's platforms.
        output: where the picture goes, as Bake's `output`.
    """

    name: str
    environment: str
    desktop: str
    platforms: tuple[str, ...]
    output: str


@dataclass(kw_only=True)
class _Part:
    """What is known of a key while the targets are collected."""

    environment: Environment
    recipe: Part
    key: Key
    below: _Part | None
    users: list[str] = field(default_factory=list)
    above: list[str] = field(default_factory=list)

    @property
    def holds(self) -> tuple[str, ...]:
        """As in `BakeTarget`."""
        recipe = self.recipe
        own = f"layer {recipe.name}" if isinstance(recipe, LayerRecipe) else self.kind
        return (*(self.below.holds if self.below else ()), own)

    @property
    def kind(self) -> str:
        """The beginning of the target's name, for a desktop or a preflight."""
        return DESKTOP if isinstance(self.recipe, Recipe) else PREFLIGHT


@checked
def bake_targets(wanted: Iterable[tuple[Environment, Stack, Key]], options: BakeOptions) -> tuple[BakeTarget, ...]:
    """The targets of these environments, one for each distinct key; a target follows the ones that it is built on.

    Args:
        wanted: each environment with its stack and its computed key.
        options: repository, cache backend, and what else every target shares.

    Raises:
        ConfigurationError: a tag of `alias_tags` is invalid or belongs to two environments, or two have the same id.
    """
    wanted = list(wanted)
    env_ids = dict.fromkeys([*options.environments, *(environment.env_id for environment, _, _ in wanted)])
    names, aliases = names_of(env_ids), alias_tags_of(options.alias_tags, env_ids)
    contexts: dict[object, str] = {}
    targets: dict[str, BakeTarget] = {}
    for text, part in _parts(wanted).items():
        key, recipe, environment = part.key, part.recipe, part.environment
        name = _name_of(part, names[environment.env_id], [target.name for target in targets.values()])
        files = tuple((path, file.content, file.executable) for path, file in recipe.context())
        context = contexts.setdefault(files, f"{CONTEXTS}/{name.removeprefix(f'{DESKTOP}-')}")
        cache = cache_entries(options.cache_backend, variable(REPOSITORY_VARIABLE), key, options.compression)
        images, frontend = _pinned_images(environment, recipe)
        named = [user for user in part.users if user not in options.without_aliases]
        people = [f"{variable(REPOSITORY_VARIABLE)}:{tag}" for user in named for tag in aliases[user]]
        base = f"docker-image://{environment.base_image.pinned(key.base)}"
        targets[text] = BakeTarget(
            name=name,
            holds=part.holds,
            environments={user: names[user] for user in part.users},
            above=tuple(part.above),
            key=key,
            image=f"{options.repository}:{text}",
            context=context,
            base_name=environment.base_image.named,
            base=f"target:{targets[str(key.below)].name}" if key.below else base,
            images={name: f"docker-image://{image}" for name, image in images.items()},
            tags=(f"{variable(REPOSITORY_VARIABLE)}:{text}", *people, *cache.tags),
            labels=key.labels(environment.base_image.named),
            args=frontend | _arguments(environment, recipe, key),
            platforms=tuple(sorted(set(environment.platforms))),
            secrets=tuple(sorted(set(environment.build_secrets))) if isinstance(recipe, Recipe) else (),
            cache_from=cache.cache_from,
            cache_to=cache.cache_to,
            recipe=recipe,
        )
    return tuple(targets.values())


def _parts(wanted: Iterable[tuple[Environment, Stack, Key]]) -> dict[str, _Part]:
    """The parts to bake by key's text, each with the environments that use or build on it; lower parts come first."""
    parts: dict[str, _Part] = {}
    for environment, stack, key in wanted:
        below = None
        for each, recipe in zip(chain_of(key), stack.parts, strict=True):
            part = _Part(environment=environment, recipe=recipe, key=each, below=below)
            below = parts.setdefault(str(each), part)
            (below.users if each is key else below.above).append(environment.env_id)
    owners = Counter(user for part in parts.values() for user in part.users)
    for env_id, count in owners.items():
        if count > 1:
            raise ConfigurationError(f"{count} environments have the id {env_id!r}", "give each an id of its own")
    return parts


def _name_of(part: _Part, environment: str, taken: Iterable[str]) -> str:
    """The target's name; for a layer, it includes the layer's name."""
    if isinstance(part.recipe, LayerRecipe):
        return layer_name(part.recipe.name, environment, part.key.digest.hex, taken)
    return f"{part.kind}-{environment}"


def _pinned_images(environment: Environment, recipe: Part) -> tuple[dict[str, str], dict[str, str]]:
    """The images that a custom Dockerfile names, pinned, by name; and the build argument that pins its frontend."""
    if not isinstance(recipe, Recipe) or not recipe.images:
        return {}, {}
    named = named_images(recipe.dockerfile, environment.build_args)
    pinned = {name: image.pinned(recipe.images[name]) for name, image in named.references.items()}
    tools = {name: pinned[name] for name in map(context_name, named.tools)}
    return tools, {"BUILDKIT_SYNTAX": pinned[context_name(named.frontend)]} if named.frontend else {}


def _arguments(environment: Environment, recipe: Part, key: Key) -> dict[str, str]:
    """The environment's build arguments, and ours, by which the steps verify files and keep downloads apart."""
    if not isinstance(recipe, Recipe):
        return dict(sorted(recipe.arguments(key.base).items()))
    packages = f"-{recipe.packages}" if recipe.packages else ""
    base = {BASE_ARGUMENT: f"{key.base.hex[:16]}{packages}"}
    return dict(sorted({**environment.build_args, **recipe.digests(), **base}.items()))


def check_targets(targets: Iterable[BakeTarget]) -> tuple[CheckTarget, ...]:
    """The self-test of each of these targets that has a desktop and serves an environment, in their order."""
    first = ((target, next(iter(target.environments.values()), None)) for target in targets)
    return tuple(
        CheckTarget(
            name=f"{CHECK}-{name}",
            environment=name,
            desktop=target.name,
            platforms=target.platforms,
            output=f"type=local,dest={variable(FOLDER_VARIABLE)}/{PICTURES}/{name}",
        )
        for target, name in first
        if target.has_desktop and name
    )
