"""`desktop-bake prune`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError, DesktopBakeError
from ...upkeep.plan_report import plan_as_json, plan_as_text
from ...upkeep.prune import carry_out, clear_left_over, plan_now
from ..context import print_json
from ..retention import policy_of

if TYPE_CHECKING:
    import argparse

    from ...context import Context


def prune(arguments: argparse.Namespace, context: Context) -> int:
    """Remove what no environment reaches, after asking; exit with 1 if something could not be removed."""
    policy = policy_of(arguments)
    if not arguments.dry_run:
        clear_left_over(context)
    planned = plan_now(context, policy, registry=arguments.registry)
    if not arguments.json:
        print(plan_as_text(planned, policy.now_s, whole=arguments.no_trunc))
    removed = 0
    faults: list[str] = []
    if not arguments.dry_run and not planned.is_empty:
        if not arguments.yes:
            _confirm()
        removed, faults = carry_out(planned, context)
    if arguments.json:
        print_json({**plan_as_json(planned), "dry_run": arguments.dry_run, "removed": removed, "faults": faults})
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise DesktopBakeError(f"not removed: {faults[0]}{more}", "see: desktop-bake images")
    return 0


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "prune asks before it removes anything, but nobody can answer here", "add --yes or --dry-run"
        )
    print("Remove? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise DesktopBakeError("prune removed nothing", "answer y, or add --yes")
