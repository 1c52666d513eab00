"""The digests of a base image and of the images that a user's own Dockerfile names, and the base's platform.

The digests come from the local copy or the registry, as the pull policy says.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError, RegistryError
from ...generator.reference import Digest, ImageReference
from ..config.lock_names import BASE, TOOL
from ..registry.platforms import same_platform
from ..system.lazy import lazy
from .known_digests import known_digest, note_digest
from .locked import NAMES, fixed_digest, locked

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...generator import dockerfile
    from ...generator.environment import Environment
    from ...generator.stack import Stack
    from ..context import Context
    from ..engine.engine import Image
    from ..registry import client
else:
    client = lazy("..registry.client", __package__)
    dockerfile = lazy("...generator.dockerfile", __package__)


def pinned_stack(environment: Environment, context: Context) -> Stack:
    """What is baked for an environment, with the digests of the images that its own Dockerfile names.

    Args:
        environment: the environment.
        context: its settings say where the recipe is, and have the pull policy.

    Raises:
        ConfigurationError: the recipe is wrong, or there is no such image.
        RegistryError: as `base_digest`.
    """
    stack = context.settings.stack(environment)
    if environment.dockerfile is None or stack.desktop is None:
        return stack  # the shipped Dockerfile names none
    named = dockerfile.named_images(stack.desktop.dockerfile, environment.build_args).references
    images = {name: _tool_digest(image, context) for name, image in named.items()}
    return replace(stack, desktop=replace(stack.desktop, images=images))


def _tool_digest(image: ImageReference, context: Context) -> Digest:
    """As `base_digest`, and noted here once it was found: BuildKit keeps such images out of the local store."""
    fixed = fixed_digest(image, TOOL, context.settings)
    if fixed:
        return fixed
    local = context.engine.image(str(image))
    found = base_digest(image, local, context, lambda: known_digest(image), kind=TOOL)
    note_digest(image, found)
    return found


def base_digest(
    reference: ImageReference,
    local: Image | None,
    context: Context,
    baked_on: Callable[[], Digest | None] = lambda: None,
    kind: str = BASE,
) -> Digest:
    """A base's digest as a registry knows it, so that every machine computes the same key.

    Args:
        reference: the base.
        local: the image of that reference in the local store, or None.
        context: its pull policy: `missing` takes the local copy and asks the registry if there is none; `always`
            asks the registry first and takes what is known here if it cannot be asked; `never` never asks.
        baked_on: if there is no copy and the registry cannot be asked, finds the digest on which a local image of this
            recipe was baked: a machine that pulled the desktop need not have its base.
        kind: `base` or `tool`, for messages.

    Raises:
        ConfigurationError: there is no such image.
        RegistryError: nothing is known here, and the registry may not or cannot be asked.
    """
    if reference.digest:
        return reference.digest
    what = NAMES[kind]
    remedy = f"check base_image and that 'docker pull {reference}' works"
    if kind == TOOL:
        remedy = (
            f"write it as {reference.named}@sha256:… in the Dockerfile, or check that 'docker pull {reference}' works"
        )
    copy = _known_digest(local, reference) if local else None
    pull = context.settings.pull
    if copy and pull != "always":
        return copy
    if pull == "never":
        known = baked_on()
        if known:
            return known
        raise RegistryError(
            f"{what} {reference} is not in the local store, and pull is 'never'", f"run: docker pull {reference}"
        )
    try:
        found = client.digest_of(reference, context.access())
    except RegistryError as error:
        known = copy or baked_on()
        if known:
            context.reporter.warn(f"{what} {reference}: {error}; taking what is known here")
            return known
        raise RegistryError(f"{what} {reference}: {error}", remedy) from error
    found = found or copy  # an image that only this engine knows is as fresh as it can be
    if found:
        return found
    raise ConfigurationError(f"{what} {reference} does not exist here or in its registry", remedy)


def check_base(environment: Environment, context: Context, platform: str) -> None:
    """Refuse a base that is for other platforms than those that are wanted.

    The lock says its platforms, or a local copy its own. Otherwise the registry is asked, if it may be; if it does not
    answer, the build reports why.

    Args:
        environment: the environment of the base; if it has `platforms`, these are wanted.
        context: its pull policy, and the engine that may have a copy.
        platform: what the image has to run on.

    Raises:
        ConfigurationError: the base is not for one of them.
    """
    reference, wanted = environment.base_image, environment.platforms or (platform,)
    entry = locked(reference, BASE, context.settings)
    local = None if entry else context.engine.image(str(reference))
    there: tuple[str, ...]
    if entry:
        there = entry.platforms
    elif local and not environment.platforms:
        there = (local.platform,)
    else:
        there = () if context.settings.pull == "never" else _platforms_there(reference, wanted[0], context)
    lacking = next((w for w in wanted if not any(same_platform(t, w) for t in there)), None)
    if lacking is None or not there:
        return
    asked = environment.platforms or context.settings.platform_of(environment)
    whose = f"{lacking} is asked for" if asked else f"this engine runs {lacking}"
    remedy = f"name a base for {lacking}" if asked else f'to run it by emulation, set platform = "{there[0]}"'
    if local:
        remedy = f"run: docker pull --platform {lacking} {reference}; or {remedy}"
    raise ConfigurationError(f"base image {reference} is for {', '.join(there)}, {whose}", remedy)


def _platforms_there(reference: ImageReference, platform: str, context: Context) -> tuple[str, ...]:
    """Which platforms a registry has an image for; empty if it does not say."""
    with contextlib.suppress(RegistryError):
        found = client.look_up(reference, platform, context.access())
        return tuple(p for p in found.platforms if p != "unknown/unknown") if found else ()
    return ()


def _known_digest(image: Image, reference: ImageReference) -> Digest:
    """What a registry calls the local image; its ID if no registry knows it."""
    known = [ImageReference.parse(text) for text in image.repo_digests]
    for candidate in known:
        if candidate.repository == reference.repository and candidate.digest:
            return candidate.digest
    digests = sorted(str(k.digest) for k in known if k.digest)
    return Digest(digests[0] if digests else image.image_id)
