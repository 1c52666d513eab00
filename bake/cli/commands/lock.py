"""`desktop-bake lock`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError, DesktopBakeError, printable
from ...config.lock import Lock
from ...config.lock_names import LOCK_NAME
from ...config.lock_plan import problems, without_key
from ...config.lock_uses import uses_of
from ...upkeep.locking import keys_of, recorded, upgraded
from ..context import print_json, with_or_without_engine
from ..wish import wish_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ....generator.environment import Environment
    from ...config.lock_moves import Moves
    from ...context import Context


def lock(arguments: argparse.Namespace, context: Context) -> int:
    """Lock the images that environments name, move or check the lock, or record what was published."""
    if arguments.check and (arguments.upgrade or arguments.max_age or arguments.images):
        raise ConfigurationError("--check changes nothing", "leave out --upgrade, --max-age and --images")
    if arguments.images and arguments.max_age:
        raise ConfigurationError("--max-age is about bases, tools and packages, not about images", "leave out --images")
    settings = context.settings
    chosen = [settings.environment(e) for e in arguments.env] or list(settings.environments.values())
    whole = (
        not arguments.env and not arguments.environments
    )  # other files in the folder may use the lock of a JSON file
    if arguments.check:
        return _check(chosen, context, arguments, whole=whole)
    if arguments.images:
        return _tell(
            recorded(chosen, with_or_without_engine(context), whole=whole, moving=arguments.upgrade), context, arguments
        )
    if settings.frozen:
        raise ConfigurationError("lock asks registries what tags stand for, and frozen forbids it", "add --check")
    uses, every = uses_of(chosen, settings), uses_of(settings.environments.values(), settings)
    wish = wish_of(arguments.max_age, upgrade=arguments.upgrade, whole=whole)
    done = upgraded(wish, uses, every, with_or_without_engine(context))
    for env_id in uses.undated:
        context.reporter.warn(
            f"{env_id}: its Dockerfile takes no packages date: write ARG DESKTOP_BAKE_BASE above the step that installs"
        )
    return _tell(done, context, arguments)


def _tell(done: Moves, context: Context, arguments: argparse.Namespace) -> int:
    file = context.settings.lock_file
    if arguments.json:
        print_json({"schema": 1, "lock": str(file), **done.as_json()})
    for line in done.lines if not arguments.json else ():
        print(line)
    context.reporter.say(f"[desktop-cache] {printable(str(file))}: {'written' if done.lines else 'nothing moved'}")
    return 0


def _check(chosen: Sequence[Environment], context: Context, arguments: argparse.Namespace, *, whole: bool) -> int:
    """Compare the lock with what environments use, without asking a registry."""
    settings = context.settings
    there = settings.lock or Lock()
    keys = keys_of(chosen, context) if there.images and whole else None
    found = problems(there, uses_of(chosen, settings), whole=whole)
    old = without_key(there, keys) if keys is not None else ()
    for key in old:
        context.reporter.say(f"[desktop-cache] image {key} is of no environment's key; to remove it: lock --images")
    if arguments.json:
        said = [problem.as_json() for problem in found]
        print_json({"schema": 1, "lock": str(settings.lock_file), "problems": said, "images_without_key": list(old)})
    for problem in found if not arguments.json else ():
        print(problem.said)
    sys.stdout.flush()  # in a log of both streams, the error and its remedy come last
    if found:
        is_there = "does not fit" if settings.lock else "is not there"
        raise DesktopBakeError(f"{LOCK_NAME} {is_there}: {found[0].said}", found[0].remedy)
    return 0
