"""The API in front: an image for a task, built on a miss, and never an exception that loses the task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bake.engine import Engine
from bake.resolve import ImageResult, Status, resolve, silent
from bake.settings import Settings
from generator.errors import ConfigurationError, DesktopBakeError, EngineError

if TYPE_CHECKING:
    from bake.resolve import Log
    from generator.environment import Environment


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
        result = resolve(environment, settings, engine, log)
        if result.status is not Status.MISS or result.cache_key is None:
            return result
        from bake.build import build  # slow to import, which a hit must not pay

        return build(environment, result.cache_key.base, settings, engine, log, progress)
    except ConfigurationError:
        raise
    except (DesktopBakeError, OSError) as error:
        if isinstance(error, EngineError) and result is None:
            raise
        if not settings.fallback:
            raise
        said = str(error).removeprefix("build failed: ")
        log(f"[desktop-cache] build failed: {said}")
        log("[desktop-cache] falling back to runtime install")
        key = result.cache_key if result else None
        image = environment.base_image
        return ImageResult(
            environment=environment.env_id, status=Status.FALLBACK,
            image=image.pinned(key.base) if key else str(image), image_id=None, cache_key=key, reason=str(error),
            install_at_start=True, exit_status=getattr(error, "exit_status", 1),
        )  # fmt: skip
