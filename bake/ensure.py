"""The API in front: an image for a task, built on a miss, and never an exception that loses the task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..generator.errors import CancelledError, ConfigurationError, DesktopBakeError, EngineError
from .config.settings import Settings
from .engine.engine import Engine
from .images.resolve import glance
from .images.result import ImageResult, Status
from .obtain import obtain
from .system.log import silent

if TYPE_CHECKING:
    import threading

    from ..generator.environment import Environment
    from .system.log import Log


RESTART_S = 30.0  # a service's restart takes some seconds, of which its containers' end may be ten


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
            environment=environment.env_id,
            status=Status.FALLBACK,
            image=image.pinned(key.base) if key else str(image),
            image_id=None,
            cache_key=key,
            reason=str(error),
            install_at_start=True,
            exit_status=getattr(error, "exit_status", 1),
        )
