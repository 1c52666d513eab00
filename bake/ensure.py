"""The API in front: an image for a task, built on a miss, and never an exception that loses the task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..generator.errors import CancelledError, ConfigurationError, DesktopBakeError, EngineError
from .config.settings import Settings
from .context import context_of
from .images.resolve import glance
from .images.result import Fallback
from .obtain import obtain

if TYPE_CHECKING:
    from typing import Unpack

    from ..generator.environment import Environment
    from .context import Context, Work
    from .images.result import Disabled, ImageResult, LocalHit, Miss


RESTART_S = 30.0  # a service's restart takes some seconds, of which its containers' end may be ten


def ensure_desktop_image(
    environment: Environment, settings: Settings | None = None, **work: Unpack[Work]
) -> ImageResult:
    """The image a task of this environment uses, built on a miss; a failure falls back, never loses the task.

    After three builds of a key that failed in a row, none is tried for 15 minutes, unless `desktop-bake build` asks for
    one: a broken script does not cost every task a build.

    Args:
        environment: the environment.
        settings: repository, cache and limits; the defaults where None.
        work: the keywords of `Work`, each of which may be left out. `engine`: the engine; the docker client's own
            where None. `log`: gets one line at a time. `progress`: BuildKit's, `plain` for lines in the log, or `auto`
            to draw on this process's terminal. `cancel`: set by another thread to give up; a build is then stopped in
            BuildKit too.

    Returns:
        A result whose `image_id` can be run as it is, or, for `disabled` and `fallback`, the base image
        with `install_at_start`. It may be called from any thread.

    Raises:
        ConfigurationError: the recipe or configuration is wrong: never answered with a fallback.
        EngineError: no engine answers, so that no task could start either; one that ends during a build is waited for.
        BuildFailedError, TimeLimitError: a build failed and `settings.fallback` is off.
        CancelledError: `cancel` was set.
    """
    return ensured(environment, context_of(settings or Settings(), **work))


def ensured(environment: Environment, context: Context) -> ImageResult:
    """As `ensure_desktop_image`."""
    found: Disabled | LocalHit | Miss | None = None

    def attempt() -> ImageResult:
        nonlocal found
        found = glance(environment, context)
        return obtain(found, context, pausing=context.settings.fallback)

    try:
        try:
            return attempt()
        except EngineError as error:
            if found is None or context.is_cancelled or context.engine.answers():
                raise
            context.reporter.warn(f"{error}; waiting for its return, at most {RESTART_S:g} s")
            if not context.engine.returns(RESTART_S, context.cancel):
                found = None
                raise
        return attempt()
    except (ConfigurationError, CancelledError):
        raise
    except (DesktopBakeError, OSError) as error:
        if context.is_cancelled:
            raise CancelledError("cancelled") from error
        if isinstance(error, EngineError) and found is None:
            raise
        if not context.settings.fallback:
            raise
        return _fallback(environment, found, error, context)


def _fallback(
    environment: Environment, found: Disabled | LocalHit | Miss | None, error: Exception, context: Context
) -> Fallback:
    """The base, pinned if its digest is known, after a line on why."""
    if found is None:
        context.reporter.warn(str(error))
    else:
        context.reporter.say(f"[desktop-cache] build failed: {str(error).removeprefix('build failed: ')}")
    context.reporter.say("[desktop-cache] falling back to runtime install")
    key = found.cache_key if found else None
    image = environment.base_image
    return Fallback(
        environment=environment.env_id,
        image=image.pinned(key.base) if key else str(image),
        cache_key=key,
        reason=str(error),
        exit_status=getattr(error, "exit_status", 1),
    )
