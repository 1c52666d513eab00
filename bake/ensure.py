"""The API in front: an image for a task, built on a miss; a failure that a start may mend does not lose the task."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from ..generator.described import checked
from ..generator.errors import CancelledError, ConfigurationError, DesktopBakeError, EngineError, ScriptFailedError
from .config.settings import Settings
from .context import context_of
from .images.guess import Guess
from .images.resolve import glance, under_tag
from .images.result import Fallback, LocalHit, Miss
from .obtain import obtain
from .system.lazy import lazy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from ..generator.environment import Environment
    from . import together
    from .context import Context, Work
    from .images.order import Order
    from .images.result import Disabled, ImageResult
else:
    together = lazy(".together", __package__)


RESTART_S = 30.0  # restarting the service takes some seconds; stopping its containers may take ten


@checked
def ensure_desktop_image(
    environment: Environment, settings: Settings | None = None, **work: Unpack[Work]
) -> ImageResult:
    """Return the image for a task of this environment, and build it on a miss; fall back if the build fails.

    After three failed builds of a key in a row, no build is tried for 15 minutes, except by `desktop-bake build`, so
    that a broken script does not cost every task a build.

    Args:
        environment: the environment.
        settings: repository, cache and limits; the defaults if None.
        work: the keywords of `Work`, all optional. `engine`: the engine; the docker client's own if None. `log`:
            receives one line at a time. `progress`: BuildKit's progress, `plain` for lines in the log, or `auto` to
            draw on this process's terminal. `cancel`: set by another thread to cancel; a build is then stopped in
            BuildKit, too. `on_event`: receives `Pulling` and `Building` as they begin.

    Returns:
        A result whose `image_id` can be run as it is, or the base image with `install_at_start`. After a failure it is
        the nearest existing image; `lacks_desktop`, `lacks_preflight` and `baked_layers` say what is missing. This
        function may be called from any thread.

    Raises:
        ConfigurationError: the recipe or configuration is wrong; this never falls back.
        EngineError: no engine answers, so no task could start either; if the engine ends during a build, the call waits
            for its return.
        ScriptFailedError: the environment's own script failed the build, as it would at a task's start, and
            `settings.install_at_start` is off.
        BuildFailedError, TimeLimitError: a build failed and `settings.fallback` is off.
        CancelledError: `cancel` was set.
    """
    return ensured(environment, context_of(settings or Settings(), **work))


@checked
def ensure_desktop_images(
    environments: Sequence[Environment], settings: Settings | None = None, **work: Unpack[Work]
) -> dict[str, ImageResult]:
    """Return the images for tasks of several environments, and bake the missing ones in one call, which shares steps.

    A failing environment does not affect the others: each has its own result, or its own fallback.

    Args:
        environments: the environments.
        settings, work: see `ensure_desktop_image`.

    Returns:
        A result for each environment's ID, as `ensure_desktop_image` returns it.

    Raises:
        ConfigurationError, ScriptFailedError, BuildFailedError, TimeLimitError: see `ensure_desktop_image`; for the
            first environment that failed, when every other environment has its image.
        EngineError, CancelledError: see `ensure_desktop_image`.
    """
    context = context_of(settings or Settings(), **work)
    pausing = context.settings.fallback
    try:
        outcomes = together.obtain_all(environments, context, pausing=pausing)
    except EngineError as error:
        if not _is_back(error, context):
            raise
        outcomes = together.obtain_all(environments, context, pausing=pausing)
    results: dict[str, ImageResult] = {}
    for outcome in outcomes:
        why, env_id = outcome.error, outcome.environment.env_id
        if isinstance(why, ConfigurationError) or (why and not context.settings.fallback):
            raise why
        if isinstance(why, ScriptFailedError) and not context.settings.install_at_start:
            raise _not_started(why, env_id) from why
        if why:
            results[env_id] = _fallback(outcome.environment, outcome.found, why, context)
        elif outcome.result:
            results[env_id] = outcome.result
    return results


def _is_back(error: EngineError, context: Context) -> bool:
    """Whether an engine that ended during the work answers again."""
    context.reporter.warn(f"{error}; waiting for its return, at most {RESTART_S:g} s")
    return context.engine.returns(RESTART_S, context.cancel)


def ensured(environment: Environment, context: Context) -> ImageResult:
    """Do the work of `ensure_desktop_image`."""
    found: Disabled | LocalHit | Miss | None = None

    def attempt() -> ImageResult:
        nonlocal found
        found = glance(environment, context, Guess(context))
        return obtain(found, context, pausing=context.settings.fallback)

    try:
        try:
            return attempt()
        except EngineError as error:
            if found is None or context.is_cancelled or context.engine.answers():
                raise
            if not _is_back(error, context):
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
        if isinstance(error, ScriptFailedError) and not context.settings.install_at_start:
            raise _not_started(error, environment.env_id) from error
        return _fallback(environment, found, error, context)


def _not_started(error: ScriptFailedError, env_id: str) -> ScriptFailedError:
    """The error for an environment whose own script has just failed: none of its tasks starts."""
    told = f"{error}; no task of environment {env_id!r} starts: the same script would fail again"
    tried = "fix the script, or install at start all the same: run --install-at-start, install_at_start = true"
    return ScriptFailedError(told, f"{error.remedy}; {tried}")


def _fallback(
    environment: Environment, found: Disabled | LocalHit | Miss | None, error: Exception, context: Context
) -> Fallback:
    """Log why, and return the nearest image below, else the base, pinned if its digest is known."""
    if found is None:
        context.reporter.warn(str(error))
    else:
        context.reporter.say(f"[desktop-cache] build failed: {str(error).removeprefix('build failed: ')}")
    context.reporter.say("[desktop-cache] falling back to runtime install")
    key = found.cache_key if found else None
    image = environment.base_image
    near = _nearest(found.order, context) if isinstance(found, Miss) else None
    if near:
        context.reporter.say(f"[desktop-cache] nearest image: {near.image}; the task installs the rest")
    return Fallback(
        environment=environment.env_id,
        image=near.image if near else image.pinned(key.base) if key else str(image),
        image_id=near.image_id if near else None,
        cache_key=key,
        reason=str(error),
        exit_status=getattr(error, "exit_status", 1),
        upon=near.order if near else None,
        install_at_start=near is None,
    )


def _nearest(order: Order, context: Context) -> LocalHit | None:
    """The local image that has most of what is wanted; None if there is only the base."""
    try:
        looked = (under_tag(below, context) for below in islice(order.chain(), 1, None))
        return next((found for found in looked if isinstance(found, LocalHit)), None)
    except DesktopBakeError:  # the engine has just failed; the base is still good
        return None
