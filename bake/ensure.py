"""The API in front: an image for a task, built on a miss, and never an exception that loses the task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bake.engine import Engine
from bake.resolve import ImageResult, Status, glance, search, silent
from bake.settings import Settings
from generator.errors import ConfigurationError, DesktopBakeError, EngineError, RegistryError, TimeLimitError

if TYPE_CHECKING:
    from bake.resolve import Log
    from generator.environment import Environment


def obtain(
    found: ImageResult, environment: Environment, settings: Settings, engine: Engine, log: Log, progress: str
) -> ImageResult:
    """Bring what is not here: pull it from the team's registry, or build it and publish what was built.

    What went into it is written down, for `explain`.

    Args:
        found: the result of `glance`.
        environment, settings, engine, log, progress: as `ensure_desktop_image`.

    Raises:
        DesktopBakeError: as `build`.
    """
    if found.status is not Status.MISS:
        return found
    from bake.build import Preparation, build  # slow to import, which a hit must not pay
    from bake.record import write_record
    from bake.transfer import publish, pull

    draw = progress != "plain"
    with Preparation(settings, engine, progress) as ready:  # while others are asked
        found = search(found, settings, engine, log)
        if found.status is Status.MISS:
            built = build(environment, found, settings, engine, log, progress, ready)
    if found.status is Status.LOCAL_HIT:
        return found
    write_record(environment, found.cache_key, settings)
    if found.status is Status.REGISTRY_HIT:
        try:
            return pull(found, settings, engine, log, draw=draw)
        except (RegistryError, TimeLimitError) as error:
            log(f"[desktop-cache] WARNING: {error}")
            found = replace(found, registry_error=str(error))
            built = build(environment, found, settings, engine, log, progress)
    built = replace(built, registry_error=found.registry_error)
    if settings.push and built.status is Status.BUILT:
        return publish(built, settings, engine, log, draw=draw)
    return built


def _as_build_failure(error: Exception) -> str:
    return f"build failed: {str(error).removeprefix('build failed: ')}"


def ensure_desktop_image(
    environment: Environment,
    settings: Settings | None = None,
    *,
    engine: Engine | None = None,
    log: Log = silent,
    progress: str = "plain",
) -> ImageResult:
    """The image a task of this environment uses, built on a miss; a failure falls back, never loses the task.

    Args:
        environment: the environment.
        settings: repository, cache and limits; the defaults where None.
        engine: the engine; the docker client's own where None.
        log: gets one line at a time.
        progress: as `build`.

    Returns:
        A result whose `image_id` can be run as it is, or, for `disabled` and `fallback`, the base image
        with `install_at_start`.

    Raises:
        ConfigurationError: the recipe or configuration is wrong: never answered with a fallback.
        EngineError: no engine answers, so that no task could start either.
        BuildFailedError, TimeLimitError: a build failed and `settings.fallback` is off.
    """
    settings = settings or Settings()
    engine = engine or Engine()
    result = None
    try:
        result = glance(environment, settings, engine, log)
        return obtain(result, environment, settings, engine, log, progress)
    except ConfigurationError:
        raise
    except (DesktopBakeError, OSError) as error:
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
