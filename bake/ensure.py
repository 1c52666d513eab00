"""The API in front: an image for a task, built on a miss, and never an exception that loses the task."""

from __future__ import annotations

import time
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from bake.engine import Engine
from bake.resolve import ImageResult, Status, glance, search, silent, under_tag
from bake.settings import Settings
from generator.errors import (
    CancelledError,
    ConfigurationError,
    DesktopBakeError,
    EngineError,
    RegistryError,
    TimeLimitError,
)

if TYPE_CHECKING:
    import threading

    from bake.build import Preparation
    from bake.resolve import Log
    from generator.environment import Environment

RESTART_S = 30.0  # a service's restart takes some seconds, of which its containers' end may be ten


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
    from bake.build import Preparation  # slow to import, which a hit must not pay
    from bake.cache_folder import cache_place
    from bake.record import write_record
    from bake.transfer import publish

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
    from bake import failures
    from bake.build import build
    from bake.lease import leased
    from bake.process import ended_by
    from bake.turn import Turn

    assert miss.cache_key
    key, end = miss.cache_key, time.monotonic() + settings.build_timeout_s
    if not pausing:
        failures.lift(key)
    with Turn(key, environment.env_id, settings.build_timeout_s, log, engine.cancel) as turn:
        here = under_tag(miss, settings, engine, settings.stack(environment).top.dockerfile)
        if here.image_id:
            return replace(here, reason="built by another process")
        turn.announce()
        with failures.attempt(key, log) if pausing else nullcontext():
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
                built = build(environment, miss, settings, engine, log, progress, ready)
            return replace(built, registry_error=miss.registry_error)


def _pulled(hit: ImageResult, settings: Settings, engine: Engine, log: Log, progress: str) -> ImageResult:
    """A registry hit with the image that was pulled; or the miss that it is where it cannot be pulled."""
    from bake.transfer import pull

    try:
        return pull(hit, settings, engine, log, draw=progress != "plain")
    except (RegistryError, TimeLimitError) as error:
        log(f"[desktop-cache] WARNING: {error}")
        tag = f"{settings.repository}:{hit.cache_key}"
        return replace(hit, status=Status.MISS, image=tag, digest=None, registry_error=str(error))


def _checked(log: Log, cancel: threading.Event | None) -> Log:
    """The log, which also ends what writes to it where `cancel` is set."""
    if cancel is None:
        return log

    def write(line: str) -> None:
        if cancel.is_set():
            raise CancelledError("cancelled")
        log(line)

    return write


def _as_build_failure(error: Exception) -> str:
    return f"build failed: {str(error).removeprefix('build failed: ')}"


def ensure_desktop_image(
    environment: Environment,
    settings: Settings | None = None,
    *,
    engine: Engine | None = None,
    log: Log = silent,
    progress: str = "plain",
    cancel: threading.Event | None = None,
) -> ImageResult:
    """The image a task of this environment uses, built on a miss; a failure falls back, never loses the task.

    After three builds of a key that failed in a row, none is tried for 15 minutes, unless `desktop-bake build` asks for
    one: a broken script does not cost every task a build.

    Args:
        environment: the environment.
        settings: repository, cache and limits; the defaults where None.
        engine: the engine; the docker client's own where None.
        log: gets one line at a time.
        progress: as `build`.
        cancel: set by another thread to give up; a build is then stopped in BuildKit too. It may be called from any
            thread.

    Returns:
        A result whose `image_id` can be run as it is, or, for `disabled` and `fallback`, the base image
        with `install_at_start`.

    Raises:
        ConfigurationError: the recipe or configuration is wrong: never answered with a fallback.
        EngineError: no engine answers, so that no task could start either; one that ends during a build is waited for.
        BuildFailedError, TimeLimitError: a build failed and `settings.fallback` is off.
        CancelledError: `cancel` was set.
    """
    settings = settings or Settings()
    engine = (engine or Engine()).cancelled_by(cancel)
    result, log = None, _checked(log, cancel)

    def attempt() -> ImageResult:
        nonlocal result
        result = glance(environment, settings, engine, log)
        return obtain(result, environment, settings, engine, log, progress, pausing=settings.fallback)

    try:
        try:
            return attempt()
        except EngineError as error:
            if result is None or engine.answers():
                raise
            log(f"[desktop-cache] WARNING: {error}; waiting for its return, at most {RESTART_S:g} s")
            if not engine.returns(RESTART_S):
                result = None
                raise
        return attempt()
    except (ConfigurationError, CancelledError):
        raise
    except (DesktopBakeError, OSError) as error:
        if cancel and cancel.is_set():
            raise CancelledError("cancelled") from error
        if isinstance(error, EngineError) and result is None:
            raise
        if not settings.fallback:
            raise
        log(f"[desktop-cache] WARNING: {error}" if result is None else f"[desktop-cache] {_as_build_failure(error)}")
        log("[desktop-cache] falling back to runtime install")
        key = result.cache_key if result else None
        image = environment.base_image
        return ImageResult(
            environment=environment.env_id, status=Status.FALLBACK,
            image=image.pinned(key.base) if key else str(image), image_id=None, cache_key=key, reason=str(error),
            install_at_start=True, exit_status=getattr(error, "exit_status", 1),
        )  # fmt: skip
