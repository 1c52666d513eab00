"""`desktop-bake warm`."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError, RegistryError
from ...config.lock_uses import uses_of
from ...system.durations import duration_s
from ...upkeep.locking import upgraded
from ...upkeep.warm import Round, tidy_up, warm_round
from ..context import reporter_of, work_of
from ..retention import policy_of
from ..wish import wish_of

if TYPE_CHECKING:
    import argparse

    from ...context import Context


def warm(arguments: argparse.Namespace) -> int:
    """Run a round, or one every interval until SIGTERM or Ctrl-C, which is success; print a summary line for each."""
    every_s = None if arguments.watch is None else duration_s(arguments.watch)
    if every_s == 0:
        raise ConfigurationError("--watch is 0", "write how long from one round to the next, such as 15m")
    policy_of(arguments)
    number = 0
    try:
        while True:
            number, began = number + 1, time.monotonic()
            done = _round(number, arguments, first=number == 1)
            print(json.dumps(done.as_json(), ensure_ascii=False) if arguments.json else done.line(), flush=True)
            if every_s is None:
                return done.status
            time.sleep(max(0.0, began + every_s - time.monotonic()))
    except KeyboardInterrupt:
        if every_s is None:
            raise
        reporter_of(arguments).say("[desktop-cache] stopped")
        return 0


def _with_newer_lock(context: Context, arguments: argparse.Namespace) -> Context:
    """Move old entries of the lock if that is asked for, and reload; entries that cannot be moved now stay."""
    if arguments.max_age is None:
        return context
    wish, settings = wish_of(arguments.max_age), context.settings
    if settings.lock is None or settings.frozen or arguments.environments:
        raise ConfigurationError(
            "--max-age moves the lock of desktop-bake.toml, and there is none that may move",
            "run: desktop-bake lock; and leave out --frozen and --environments",
        )
    uses = uses_of(settings.environments.values(), settings)
    try:
        for line in upgraded(wish, uses, uses, context).lines:
            context.reporter.say(f"[desktop-cache] lock: {line}")
    except RegistryError as error:
        context.reporter.warn(f"the lock stays as it is: {error}")
    return work_of(arguments)


def _round(number: int, arguments: argparse.Namespace, *, first: bool) -> Round:
    """Run a round with the current configuration; if it no longer loads, the watch goes on."""
    at = datetime.now(UTC)
    try:
        tasks = _with_newer_lock(work_of(arguments), arguments)
        push = tasks.settings.has_registry and not arguments.no_push
        asking = replace(tasks, settings=replace(tasks.settings, pull=arguments.pull or "always", push=push))
        tidy = (lambda: tidy_up(tasks, policy_of(arguments))) if arguments.prune else None
        if arguments.recorder:
            arguments.recorder.restart()  # the pause before the round does not count
        return warm_round(number, asking, arguments.env, tidy, arguments.recorder)
    except ConfigurationError as error:
        if first:
            raise
        return Round(number=number, at=at, seconds=0.0, error=str(error), exit_status=error.exit_status)
