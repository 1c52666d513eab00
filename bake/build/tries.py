"""The tries of one bake: what else than the recipe may have failed it, and how it is tried once more."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from ...generator.errors import BuildFailedError, TimeLimitError
from ..images.resolve import proven
from ..system.process import ended_by
from ..system.redaction import without_secrets
from .failed_step import FinalError, failure_of
from .lost_record import remove_lost

if TYPE_CHECKING:
    from ..context import Context
    from .bake_request import Wanted
    from .preparation import Preparation


# BuildKit's garbage collection removed a record that a build was about to use (moby/buildkit#3959).
_COLLECTED = re.compile(r"failed to (load ref|get dead record)")
# BuildKit found no image of this name, and another process made one before BuildKit did (docker/buildx#3576).
_NAMED = re.compile(r'image "([^"]+)": already exists')


def bake(request: dict[str, Any], wanted: Wanted, ready: Preparation) -> None:
    """Run a bake, and run it again if something else than the recipe may have failed it; once for each such cause.

    BuildKit ignores a cache whose manifest it cannot read, but fails a build if its cached layers are gone or changed:
    the next try imports no cache. A record of BuildKit that has lost its snapshot is removed first, else it would fail
    the next try, too. BuildKit also fails if another process, with another cache folder and so another
    lock, gives an image the same name at the same moment. If that process has made everything that is wanted, its
    images serve; if not, the next try finds the name. A failure that another try cannot fix is not tried again.

    Args:
        request: to the process that bakes.
        wanted: its targets.
        ready: what was prepared.

    Raises:
        FinalError: a step failed, or the machine ran short.
        BuildFailedError: BuildKit made no image.
        TimeLimitError: the limit was reached, over all tries.
        CancelledError: another thread gave up.
    """
    context, tried = ready.context, set[str]()
    limit_s = context.settings.build_timeout_s * len(wanted.asked)
    end = time.monotonic() + limit_s
    imports = any(t.cache_from and request["set"].get(f"{t.name}.cache-from") != "" for t in wanted.targets)
    while True:
        try:
            return _try(request, limit_s, end, ready)
        except FinalError:
            raise
        except BuildFailedError as error:
            named = _NAMED.search(str(error))
            lost = remove_lost(str(error), context)
            is_cache = imports or _COLLECTED.search(str(error))
            cause = named[1] if named else "that record" if lost else "the cache" if is_cache else ""
            if not cause or cause in tried:
                raise
            tried.add(cause)
            if named and _are_here(wanted, context):
                context.reporter.say(f"[desktop-cache] another process has just made {cause}")
                return None
            context.reporter.warn(f"{error}; once more" + ("" if named else f" without {cause}"))
            if not lost:
                request = _of_own_cache(request, has_run=named is not None)
            ready.renew()


def _try(request: dict[str, Any], limit_s: float, end: float, ready: Preparation) -> None:
    context, given, hide = ready.context, json.dumps(request).encode(), without_secrets(request["secrets"])
    with ended_by(context.cancel, ready.child.end):
        ended = ready.child.follow(end - time.monotonic(), context.reporter, given, hide)
    if ended.timed_out:
        raise TimeLimitError(f"the build was stopped after {limit_s:g} s", "raise build_timeout_s")
    if ended.status:
        raise failure_of(ended.lines)


def _are_here(wanted: Wanted, context: Context) -> bool:
    """Whether all images are here; never if they are to be made afresh: the other process may have used a cache."""
    for target in wanted.targets:
        if target.name in wanted.asked:
            image, platforms = context.engine.image(target.image), target.platforms or (context.engine.platform(),)
            if not image or not any(proven(image, target.key, platform) for platform in platforms):
                return False
    return not context.afresh


def _of_own_cache(request: dict[str, Any], *, has_run: bool) -> dict[str, Any]:
    """The request to bake without importing a cache.

    Args:
        request: of the last try.
        has_run: whether its steps have just run; the next try then takes them from BuildKit, also if they were to run
            afresh: of several results of one step, BuildKit takes the latest.
    """
    overrides: dict[str, str] = request["set"]
    kept = {name: value for name, value in overrides.items() if not (has_run and name.endswith(".no-cache"))}
    targets = [name.removesuffix(".context") for name in overrides if name.endswith(".context")]
    return {**request, "set": {**kept, **{f"{target}.cache-from": "" for target in targets}}}
