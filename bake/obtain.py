"""The image of a miss: pulled from the team's registry, or built here and published."""

from __future__ import annotations

import time
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from ..generator.errors import BuildFailedError, RegistryError, TimeLimitError
from ..generator.reference import ImageReference
from .images.resolve import glance, search, under_tag
from .images.result import ImageResult, Status

if TYPE_CHECKING:
    from ..generator.environment import Environment
    from ..generator.layer_key import LayerKey
    from ..generator.reference import Digest
    from .build.bake import Preparation
    from .config.settings import Settings
    from .engine.engine import Engine
    from .system.log import Log


def obtain(
    found: ImageResult,
    environment: Environment,
    settings: Settings,
    engine: Engine,
    log: Log,
    progress: str,
    *,
    pausing: bool = False,
) -> ImageResult:
    """Bring what is not here: pull it from the team's registry, or build it and publish what was built.

    What went into it is written down, for `explain`.

    Args:
        found: the result of `glance`.
        environment, settings, log, progress: as `ensure_desktop_image`.
        engine: the engine; where its `cancel` is set by another thread, this gives up.
        pausing: whether no build is tried for a while after several of its key failed.

    Raises:
        DesktopBakeError: as `build`.
    """
    if found.status is not Status.MISS:
        return found
    from .build.bake import Preparation  # slow to import, which a hit must not pay
    from .images.history import write_record
    from .images.transfer import publish
    from .system.folders import cache_place

    def made(miss: ImageResult, ready: Preparation, leases: ExitStack | None) -> ImageResult:
        return _make(miss, environment, settings, engine, log, progress, ready, leases, pausing=pausing)

    cache = cache_place()
    if cache.why:
        log(f"[desktop-cache] WARNING: {cache.why}: {cache.remedy}")
    with ExitStack() as leases:  # until what was built is published
        with Preparation(settings, engine, progress) as ready:  # while others are asked
            found = search(found, environment, settings, engine, log)
            if found.status is Status.MISS:
                built = made(found, ready, leases)
        if found.status is Status.LOCAL_HIT:
            return found
        write_record(environment, found.cache_key, settings, engine)
        if found.status is Status.REGISTRY_HIT:
            found = _pulled(found, settings, engine, log, progress)
            if found.image_id:
                return found
            with Preparation(settings, engine, progress) as ready:
                built = made(found, ready, None)
        built = replace(built, registry_error=built.registry_error or found.registry_error)
        if settings.push and built.status is Status.BUILT:
            return publish(built, settings, engine, log, draw=progress != "plain")
        return built


def _make(
    miss: ImageResult,
    environment: Environment,
    settings: Settings,
    engine: Engine,
    log: Log,
    progress: str,
    ready: Preparation,
    leases: ExitStack | None,
    *,
    pausing: bool,
) -> ImageResult:
    """Build an image here, unless another process, or another machine of the team, does.

    Args:
        leases: where this machine's lease is kept until it is given back; None to build without one.
        miss, environment, settings, engine, log, progress, pausing: as `obtain`.
        ready: as `build`.
    """
    from .build import pause
    from .build.bake import build
    from .build.machine_lock import Turn
    from .build.team_lease import leased
    from .system.process import ended_by

    def desktop_of(layer: LayerKey, driver: str) -> str | None:
        return desktop_below(environment, layer, settings, engine, log, progress, driver)

    assert miss.cache_key
    key, end = miss.cache_key, time.monotonic() + settings.build_timeout_s
    if not pausing:
        pause.lift(key)
    with Turn(key, environment.env_id, settings.build_timeout_s, log, engine.cancel) as turn:
        here = under_tag(miss, settings, engine, settings.stack(environment).top.dockerfile)
        if here.image_id:
            return replace(here, reason="built by another process")
        turn.announce()
        with pause.attempt(key, log) if pausing else nullcontext():
            if leases and settings.push and settings.lease:
                left_s = end - time.monotonic()
                platform = "" if environment.platforms else miss.platform
                lease = leased(miss, settings, engine, log, left_s, engine.cancel, platform=platform)
                found = leases.enter_context(lease)
                if found.status is Status.REGISTRY_HIT:
                    miss = _pulled(found, settings, engine, log, progress)
                    if miss.image_id:
                        return miss
            with ended_by(engine.cancel, ready.child.end):
                built = build(environment, miss, settings, engine, log, ready, desktop_of)
            return replace(built, registry_error=miss.registry_error)


def _pulled(hit: ImageResult, settings: Settings, engine: Engine, log: Log, progress: str) -> ImageResult:
    """A registry hit with the image that was pulled; or the miss that it is where it cannot be pulled."""
    from .images.transfer import pull

    try:
        return pull(hit, settings, engine, log, draw=progress != "plain")
    except (RegistryError, TimeLimitError) as error:
        log(f"[desktop-cache] WARNING: {error}")
        tag = f"{settings.repository}:{hit.cache_key}"
        return replace(hit, status=Status.MISS, image=tag, digest=None, registry_error=str(error))


def desktop_below(
    environment: Environment,
    key: LayerKey,
    settings: Settings,
    engine: Engine,
    log: Log,
    progress: str,
    driver: str,
) -> str | None:
    """What a layer is built on instead of the desktop's target: the desktop's image, built where it is missing.

    With the target, BuildKit would bake the desktop again wherever its own cache was pruned.

    Args:
        environment, settings, engine, log, progress: as `build`.
        key: the layer's key, with a desktop.
        driver: the builder's: only the engine's own sees the images of the engine.

    Returns:
        `docker-image://…@digest`, or None where the builder has no way to the image and has to take the target.

    Raises:
        DesktopBakeError: as `build`.
    """
    from .images.published import ask_registry
    from .images.transfer import publish

    image = environment.base_image
    pinned = replace(image, tag=image.tag or (None if image.digest else "latest"), digest=key.base)
    desktop = replace(environment, base_image=pinned, preflight_script=None, preflight_run_script=None)
    if environment.platforms:  # an image here may hold one of them alone
        return None
    found = glance(desktop, settings, engine, log)
    if found.cache_key != key.desktop:
        raise BuildFailedError("a script of the desktop changed while it was built", "try again")
    if driver != "docker":
        if not settings.has_registry:
            return None
        there = ask_registry(replace(found, status=Status.MISS), settings, engine)
        return f"docker-image://{there.image}" if there.status is Status.REGISTRY_HIT else None
    result = obtain(found, desktop, settings, engine, log, progress)
    if settings.push and result.status is Status.LOCAL_HIT:
        result = publish(result, settings, engine, log, draw=progress != "plain")
    assert result.image_id
    name = replace(settings.repository, tag=str(key.desktop))
    engine.tag(result.image_id, name)
    digest = _digest(result.image_id, name, engine)
    return f"docker-image://{name}@{digest}" if digest else None


def _digest(image_id: str, name: ImageReference, engine: Engine) -> Digest | None:
    """What BuildKit finds an image of the engine by, which no moving tag can change.

    None for an image that was built in the classic store and never pushed: that has an ID alone.
    """
    image = engine.image(image_id)
    known = [ImageReference.parse(text) for text in image.repo_digests] if image else []
    return next((k.digest for k in known if k.repository == name.repository), None)
