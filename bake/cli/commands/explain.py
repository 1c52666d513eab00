"""`desktop-bake explain`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...system.diff import print_diff
from ...system.text import COLUMNS, age, cut, folded
from ...system.whose import short_key
from ...upkeep.explain import explain as explain_one
from ..context import print_json, with_or_without_engine

if TYPE_CHECKING:
    import argparse

    from ...context import Context
    from ...upkeep.explain import Explanation


def explain(arguments: argparse.Namespace, context: Context) -> int:
    """Say for each environment whether it is a hit, and if not, why."""
    if context.settings.lock is not None:
        context = with_or_without_engine(context)
    context, settings = context.looking(), context.settings
    chosen = (
        [settings.environment(arguments.env)]
        if not arguments.all
        else [e for e in settings.environments.values() if e.cache_enabled]
    )
    found = [explain_one(environment, context) for environment in chosen]
    if arguments.json:
        one = [explanation.as_json() for explanation in found]
        print_json({"schema": 1, "environments": one} if arguments.all else one[0])
    else:
        for explanation in found:
            _print_explanation(explanation, whole=arguments.no_trunc)
    return 0


def _print_explanation(found: Explanation, *, whole: bool) -> None:
    result, near = found.result, found.near
    first = f"{result.environment}: {result.status.value}: {result.reason}"
    if found.changes and not whole:  # each change has its own line
        first = cut(first, COLUMNS)
    print(first if whole else folded(first, COLUMNS))
    if near:
        made = f", made {age(time.time() - near.created_s)} ago" if near.created_s else ""
        name = near.name if whole else short_key(str(near.key))
        print(f"  nearest: {name} ({near.where}{made})")
    for change in found.changes:
        print(f"  {change.said}" if whole else folded(f"  {change.said}", COLUMNS))
        print_diff(found.diffs.get(change, ()), indent="    ")
