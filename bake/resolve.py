"""Which image a task uses, building nothing: found by labels, proven by every one of them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from bake.base import base_digest, pinned_stack
from bake.cache_folder import cache_folder as cache_folder
from generator.key import OCI_BASE_NAME, SCHEMA, SCHEMA_LABEL
from generator.layer import Key, stack_key
from generator.manifest import same_platform
from generator.reference import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

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
    digest: Digest | None = None
    install_at_start: bool = False
    exit_status: int = 0
    registry_error: str | None = None
    push_error: str | None = None

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
    return search(found, settings, engine, log) if found.status is Status.MISS else found


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
    # all but the base is known before asking anyone, unless a Dockerfile of one's own names images
    known = stack_key(environment, pinned_stack(environment, settings, engine, log), _NO_DIGEST)
    memory = _memory(environment, known)
    base = engine.image(str(environment.base_image))
    remembered = _read(memory)
    guess = engine.image(remembered) if remembered else None
    key = _with_base(known, environment, base, settings, engine, log)
    log(f"[desktop-cache] cache key: {key}")
    tag = f"{settings.repository}:{key}"
    platform = base.platform if base else engine.platform()
    result = ImageResult(
        environment=environment.env_id, status=Status.MISS, image=tag, image_id=None, cache_key=key, reason="",
        platform=platform,
    )  # fmt: skip
    for image in (guess, None if guess and proven(guess, key, platform) else engine.image(tag)):
        if image and proven(image, key, platform):
            _write(memory, image.image_id, remembered)
            return _local_hit(result, image, log)
    return result


def search(miss: ImageResult, settings: Settings, engine: Engine, log: Log = silent) -> ImageResult:
    """The second part of `resolve`: every image of the local store by its labels, then the team's registry.

    A store takes milliseconds for each image that it lists, and a registry may take seconds.

    Args:
        miss: from `glance`.
        settings, engine, log: as `resolve`.

    Returns:
        A local hit; a registry hit, which `pull` brings here; or the miss with its reason. A registry that could not
        be asked is a miss with its `registry_error`.
    """
    assert miss.cache_key
    ours = engine.labelled({SCHEMA_LABEL: SCHEMA})
    for image_id in sorted(i for i, labels in ours.items() if miss.cache_key.mismatch(labels) is None):
        image = engine.image(image_id)
        if image and proven(image, miss.cache_key, miss.platform):
            return _local_hit(miss, image, log)
    miss = replace(miss, reason=_miss_reason(miss, engine.image(miss.image), ours.values(), settings))
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
    return found


def image_under_tag(sought: ImageResult, engine: Engine) -> Image | None:
    """The image under a result's cache tag, where it proves the key."""
    assert sought.cache_key
    image = engine.image(sought.image)
    return image if image and proven(image, sought.cache_key, sought.platform) else None


def _local_hit(miss: ImageResult, image: Image, log: Log) -> ImageResult:
    log(f"[desktop-cache] hit (local): {miss.image}")
    return replace(miss, status=Status.LOCAL_HIT, image_id=image.image_id, reason="labels match")


def proven(image: Image, key: Key, platform: str) -> bool:
    """Whether an image's labels prove this key, and it runs on this platform."""
    return key.mismatch(image.labels) is None and same_platform(image.platform, platform)


def _memory(environment: Environment, known: Key) -> Path:
    """Where the image of the last hit is written down: a guess that saves a query, proven like any other image."""
    inputs = f"{environment.base_image} {known.components()}"
    return cache_folder() / "last-hit" / hashlib.sha256(inputs.encode()).hexdigest()[:32]


def _read(memory: Path) -> str | None:
    try:
        text = memory.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return text if re.fullmatch(r"sha256:[0-9a-f]{64}", text) else None


def _write(memory: Path, image_id: str, before: str | None) -> None:
    if image_id == before:
        return
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(image_id, encoding="ascii")
    except OSError:  # a full or read-only disk costs a query next time, nothing else
        return


def _miss_reason(miss: ImageResult, tagged: Image | None, ours: Iterable[Mapping[str, str]], settings: Settings) -> str:
    """Why nothing here is a hit: what lies under the tag, else what changed against the nearest of our images."""
    from bake.explain import reason_of

    assert miss.cache_key
    if tagged:
        wrong = miss.cache_key.mismatch(tagged.labels)
        platforms = f"is for {tagged.platform}, this engine runs {miss.platform}"
        return f"{miss.image} is not what its tag says: {wrong}" if wrong else f"{miss.image} {platforms}"
    return reason_of(miss.cache_key, settings.environments.get(miss.environment), settings, ours)
