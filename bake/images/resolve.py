"""Which image a task uses, building nothing: found by labels, proven by every one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from bake.base import base_digest, check_base, pinned_stack
from bake.cache_folder import cache_folder as cache_folder
from bake.trust import why_not
from generator.key import OCI_BASE_NAME, SCHEMA, SCHEMA_LABEL
from generator.layer import Key, stack_key
from generator.manifest import same_platform
from generator.reference import Digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from bake.engine import Engine, Image
    from bake.settings import Settings
    from generator.environment import Environment
    from generator.recipe import Stack

    Log = Callable[[str], None]

_NO_DIGEST = Digest("sha256:" + "0" * 64)


class Status(StrEnum):
    """How an image was found."""

    DISABLED = "disabled"
    LOCAL_HIT = "local-hit"
    REGISTRY_HIT = "registry-hit"
    MISS = "miss"
    BUILT = "built"
    FALLBACK = "fallback"


@dataclass(frozen=True, kw_only=True)
class ImageResult:
    """What a task uses.

    Attributes:
        environment: the environment's id.
        status: how it was found.
        image: the image for people: the cache tag, or the pinned base.
        image_id: the ID to run, which no moving tag can change; None where nothing is to be run yet.
        cache_key: the key, or None where it could not be computed.
        reason: why it is so, in one line.
        platform: what the image has to run on, `os/architecture[/variant]`; empty where nobody was asked.
        emulated: whether that platform was asked for, instead of the engine's own.
        digest: of the image in the team's registry, for a registry hit.
        install_at_start: whether the task has to do itself what would be baked: desktop, preflight, or both.
        exit_status: the exit status of the error behind a fallback, else 0.
        registry_error: why the team's registry could not be asked, or None.
        push_error: why the image could not be published, or None.
    """

    environment: str
    status: Status
    image: str
    image_id: str | None
    cache_key: Key | None
    reason: str
    platform: str = ""
    emulated: bool = False
    digest: Digest | None = None
    install_at_start: bool = False
    exit_status: int = 0
    registry_error: str | None = None
    push_error: str | None = None

    @property
    def wanted(self) -> str:
        """The platform in words, for a message about an image of another one."""
        return f"{self.platform} is asked for" if self.emulated else f"this engine runs {self.platform}"

    def as_json(self) -> dict[str, object]:
        """The object that `resolve --json` prints."""
        return {
            "schema": 1,
            "environment": self.environment,
            "status": self.status.value,
            "image": self.image,
            "image_id": self.image_id,
            "cache_key": str(self.cache_key) if self.cache_key else None,
            "components": self.cache_key.components() if self.cache_key else {},
            "reason": self.reason,
            "registry_error": self.registry_error,
            "push_error": self.push_error,
        }


def silent(_line: str) -> None:
    """The log of callers that want none."""


def key_of(
    environment: Environment, settings: Settings, engine: Engine, log: Log = silent, stack: Stack | None = None
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
    known: Key, environment: Environment, local: Image | None, settings: Settings, engine: Engine, log: Log
) -> Key:
    """A key that lacks its base's digest, with it."""

    def baked_on() -> Digest | None:
        name = environment.base_image.named
        ours = engine.labelled({SCHEMA_LABEL: SCHEMA, OCI_BASE_NAME: name}).values()
        bases = {known.base_of(labels) for labels in ours} - {None}
        return bases.pop() if len(bases) == 1 else None

    digest = base_digest(environment.base_image, local, settings, engine, log, baked_on)
    return known.on_base(digest)


def resolve(environment: Environment, settings: Settings, engine: Engine, log: Log = silent) -> ImageResult:
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


def glance(environment: Environment, settings: Settings, engine: Engine, log: Log = silent) -> ImageResult:
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
            environment=environment.env_id, status=Status.DISABLED, image=str(environment.base_image),
            image_id=None, cache_key=None, reason=reason, install_at_start=environment.has_image,
        )  # fmt: skip
    stack = pinned_stack(environment, settings, engine, log)
    # all but the base is known before asking anyone, unless a Dockerfile of one's own names images
    known = stack_key(environment, stack, _NO_DIGEST)
    base = engine.image(str(environment.base_image))
    key = _with_base(known, environment, base, settings, engine, log)
    log(f"[desktop-cache] cache key: {key}")
    asked = settings.platform_of(environment)
    miss = ImageResult(
        environment=environment.env_id, status=Status.MISS, image=f"{settings.repository}:{key}", image_id=None,
        cache_key=key, reason="", platform=asked or engine.platform(), emulated=asked is not None,
    )  # fmt: skip
    found = under_tag(miss, settings, engine, stack.top.dockerfile)
    if found.image_id:
        log(f"[desktop-cache] hit (local): {found.image}")
    return found


def search(
    miss: ImageResult, environment: Environment, settings: Settings, engine: Engine, log: Log = silent
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
        from bake.published import ask_registry

        found = ask_registry(miss, settings, engine)
    if found.status is Status.REGISTRY_HIT:
        log(f"[desktop-cache] hit (registry): {miss.image}")
        return found
    if found.registry_error:
        log(f"[desktop-cache] WARNING: {found.registry_error}")
    log(f"[desktop-cache] miss: {found.reason}")
    check_base(environment, settings, engine, found.platform)
    return found


def under_tag(sought: ImageResult, settings: Settings, engine: Engine, dockerfile: bytes = b"") -> ImageResult:
    """What lies under a result's cache tag: a local hit if it counts, else the result with the reason why not.

    Args:
        sought: with a cache key, and the tag that it has in the settings' repository.
        settings, engine: as `resolve`.
        dockerfile: as `bake.trust.why_not`.

    Raises: as `bake.trust.why_not`.
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


def _miss_reason(miss: ImageResult, environment: Environment, settings: Settings, engine: Engine) -> str:
    """Why nothing here is a hit: an image that lost its tag, else what changed against the nearest of our images."""
    from bake.explain import reason_of

    assert miss.cache_key
    ours = engine.labelled({SCHEMA_LABEL: SCHEMA})
    untagged = sorted(i for i, labels in ours.items() if miss.cache_key.mismatch(labels) is None)
    if untagged:
        return f"no image here has the tag {miss.image}; {untagged[0][:19]} has its labels, which may be inherited"
    return reason_of(miss.cache_key, environment, settings, ours.values())
