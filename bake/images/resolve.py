"""Which image a task uses, building nothing: found by labels, proven by every one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.key import OCI_BASE_NAME, SCHEMA, SCHEMA_LABEL
from ...generator.layer_key import Key, stack_key
from ...generator.reference import Digest
from ..registry.manifest import same_platform
from ..system.log import silent
from .base_digest import base_digest, check_base, pinned_stack
from .result import ImageResult, Status
from .trust import why_not

if TYPE_CHECKING:
    from ...generator.environment import Environment
    from ...generator.recipe import Stack
    from ..config.settings import Settings
    from ..engine.engine import Image
    from ..engine.protocol import ImageEngine
    from ..system.log import Log


_NO_DIGEST = Digest("sha256:" + "0" * 64)


def key_of(
    environment: Environment, settings: Settings, engine: ImageEngine, log: Log = silent, stack: Stack | None = None
) -> Key:
    """The cache key of an environment, with its base's digest as the pull policy says.

    Args:
        environment, settings, engine, log: as `pinned_stack`.
        stack: what is baked for it, if the caller has it already.

    Raises:
        ConfigurationError, RegistryError: as `base_digest`.
    """
    stack = stack or pinned_stack(environment, settings, engine, log)
    known = stack_key(environment, stack, _NO_DIGEST)
    return _with_base(known, environment, engine.image(str(environment.base_image)), settings, engine, log)


def _with_base(
    known: Key, environment: Environment, local: Image | None, settings: Settings, engine: ImageEngine, log: Log
) -> Key:
    """A key that lacks its base's digest, with it."""

    def baked_on() -> Digest | None:
        name = environment.base_image.named
        ours = engine.labelled({SCHEMA_LABEL: SCHEMA, OCI_BASE_NAME: name}).values()
        bases = {known.base_of(labels) for labels in ours} - {None}
        return bases.pop() if len(bases) == 1 else None

    digest = base_digest(environment.base_image, local, settings, engine, log, baked_on)
    return known.on_base(digest)


def resolve(environment: Environment, settings: Settings, engine: ImageEngine, log: Log = silent) -> ImageResult:
    """What a task of this environment would use, building and pulling nothing.

    Args:
        environment: the environment.
        settings: where tags go and the recipe lies.
        engine: the engine to ask.
        log: gets one line at a time.

    Raises: as `glance`.
    """
    found = glance(environment, settings, engine, log)
    return search(found, environment, settings, engine, log) if found.status is Status.MISS else found


def glance(environment: Environment, settings: Settings, engine: ImageEngine, log: Log = silent) -> ImageResult:
    """The first part of `resolve`, some milliseconds long: the toggles, the key, and the image known by name.

    Args: as `resolve`.

    Returns:
        A local hit, `disabled`, or a miss that `search` has to look into.

    Raises:
        ConfigurationError: the recipe or the base image is wrong.
        EngineError: no engine answers.
        RegistryError: the base's digest cannot be found out.
    """
    if not environment.cache_enabled:
        reason = "cache_desktop_build is off" if environment.has_image else "headless desktop is off"
        return ImageResult(
            environment=environment.env_id,
            status=Status.DISABLED,
            image=str(environment.base_image),
            image_id=None,
            cache_key=None,
            reason=reason,
            install_at_start=environment.has_image,
        )
    stack = pinned_stack(environment, settings, engine, log)
    # all but the base is known before asking anyone, unless a Dockerfile of one's own names images
    known = stack_key(environment, stack, _NO_DIGEST)
    base = engine.image(str(environment.base_image))
    key = _with_base(known, environment, base, settings, engine, log)
    log(f"[desktop-cache] cache key: {key}")
    asked = settings.platform_of(environment)
    miss = ImageResult(
        environment=environment.env_id,
        status=Status.MISS,
        image=f"{settings.repository}:{key}",
        image_id=None,
        cache_key=key,
        reason="",
        platform=asked or engine.platform(),
        emulated=asked is not None,
    )
    found = under_tag(miss, settings, engine, stack.top.dockerfile)
    if found.image_id:
        log(f"[desktop-cache] hit (local): {found.image}")
    return found


def search(
    miss: ImageResult, environment: Environment, settings: Settings, engine: ImageEngine, log: Log = silent
) -> ImageResult:
    """The second part of `resolve`: what changed against our other images, then the team's registry.

    A store takes milliseconds for each image that it lists, and a registry may take seconds.

    Args:
        miss: from `glance`.
        environment, settings, engine, log: as `resolve`.

    Returns:
        A registry hit, which `pull` brings here; or the miss with its reason. A registry that could not be asked is a
        miss with its `registry_error`.
    """
    miss = replace(miss, reason=miss.reason or _miss_reason(miss, environment, settings, engine))
    found = miss
    if settings.has_registry:
        from .published import ask_registry

        found = ask_registry(miss, settings, engine)
    if found.status is Status.REGISTRY_HIT:
        log(f"[desktop-cache] hit (registry): {miss.image}")
        return found
    if found.registry_error:
        log(f"[desktop-cache] WARNING: {found.registry_error}")
    log(f"[desktop-cache] miss: {found.reason}")
    check_base(environment, settings, engine, found.platform)
    return found


def under_tag(sought: ImageResult, settings: Settings, engine: ImageEngine, dockerfile: bytes = b"") -> ImageResult:
    """What lies under a result's cache tag: a local hit if it counts, else the result with the reason why not.

    Args:
        sought: with a cache key, and the tag that it has in the settings' repository.
        settings, engine: as `resolve`.
        dockerfile: as `bake.images.trust.why_not`.

    Raises: as `bake.images.trust.why_not`.
    """
    assert sought.cache_key
    image = engine.image(sought.image)
    if image is None:
        return sought
    wrong = sought.cache_key.mismatch(image.labels)
    if wrong:
        return replace(sought, reason=f"{sought.image} is not what its tag says: {wrong}")
    if not same_platform(image.platform, sought.platform):
        return replace(sought, reason=f"{sought.image} is for {image.platform}, {sought.wanted}")
    doubt = why_not(image, dockerfile, settings, engine)
    if doubt:
        return replace(sought, reason=f"{sought.image} is not used: {doubt}")
    return replace(sought, status=Status.LOCAL_HIT, image_id=image.image_id, reason="labels match")


def proven(image: Image, key: Key, platform: str) -> bool:
    """Whether an image's labels prove this key, and it runs on this platform."""
    return key.mismatch(image.labels) is None and same_platform(image.platform, platform)


def _miss_reason(miss: ImageResult, environment: Environment, settings: Settings, engine: ImageEngine) -> str:
    """Why nothing here is a hit: an image that lost its tag, else what changed against the nearest of our images."""
    from .reason import reason_of

    assert miss.cache_key
    ours = engine.labelled({SCHEMA_LABEL: SCHEMA})
    untagged = sorted(i for i, labels in ours.items() if miss.cache_key.mismatch(labels) is None)
    if untagged:
        return f"no image here has the tag {miss.image}; {untagged[0][:19]} has its labels, which may be inherited"
    return reason_of(miss.cache_key, environment, settings, ours.values())
