"""The commands that tell what is cached and why, and keep it tidy."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from bake.cli import coloured, load, print_json
from bake.commands import log_of
from bake.resolve import cache_folder, silent
from generator.errors import ConfigurationError, DesktopBakeError

if TYPE_CHECKING:
    import argparse

    from bake.explain import Explanation
    from bake.settings import Settings

_COLOURS = {"ok": "32", "warning": "33", "failure": "31"}


def explain(arguments: argparse.Namespace) -> int:
    """Tell for each environment whether it is a hit, and why it is not."""
    from bake.engine import Engine
    from bake.explain import explain as explain_one

    settings, engine, log = load(arguments), Engine(), log_of(arguments)
    chosen = [settings.environment(arguments.env)] if not arguments.all else [
        e for e in settings.environments.values() if e.cache_enabled
    ]  # fmt: skip
    found = [explain_one(environment, settings, engine, log) for environment in chosen]
    if arguments.json:
        one = [explanation.as_json() for explanation in found]
        print_json({"schema": 1, "environments": one} if arguments.all else one[0])
    else:
        for explanation in found:
            _print_explanation(explanation)
    return 0


def _print_explanation(found: Explanation) -> None:
    from bake.difference import print_diff
    from bake.human import age

    result, near = found.result, found.near
    print(f"{result.environment}: {result.status.value}: {result.reason}")
    if near:
        made = f", made {age(time.time() - near.created_s)} ago" if near.created_s else ""
        print(f"  nearest: {near.name} ({near.where}{made})")
    for change in found.changes:
        print(f"  {change.said}")
        print_diff(found.diffs.get(change, ()), indent="    ")


def images(arguments: argparse.Namespace) -> int:
    """List what is cached."""
    from bake.engine import Engine
    from bake.listing import as_json, as_text, listing

    settings, engine, log = load(arguments), Engine(), log_of(arguments)
    found = listing(settings, engine, log, everywhere=arguments.all, registry=arguments.registry)
    if arguments.json:
        print_json(as_json(found))
    else:
        print(as_text(found, time.time()))
    return 0


def prune(arguments: argparse.Namespace) -> int:
    """Remove what no environment reaches, after asking; exit 1 where something could not be removed."""
    from bake.build_folder import clear_build_folders
    from bake.engine import Engine
    from bake.images import reach
    from bake.listing import plan_as_json, plan_as_text
    from bake.prune import carry_out, plan, policy_of
    from bake.start_note import remove_abandoned

    settings, engine, log = load(arguments), Engine(), log_of(arguments)
    policy = policy_of(arguments)
    if not arguments.dry_run:
        clear_build_folders(cache_folder())
        remove_abandoned(engine.endpoint)
    planned = plan(settings, engine, reach(settings, engine, silent, strict=True), policy, registry=arguments.registry)
    if not arguments.json:
        print(plan_as_text(planned, policy.now_s))
    removed = 0
    faults: list[str] = []
    if not arguments.dry_run and not planned.is_empty:
        if not arguments.yes:
            _confirm()
        removed, faults = carry_out(planned, settings, engine, log)
    if arguments.json:
        print_json({**plan_as_json(planned), "dry_run": arguments.dry_run, "removed": removed, "faults": faults})
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise DesktopBakeError(f"not removed: {faults[0]}{more}", "see: desktop-bake images")
    return 0


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise ConfigurationError("prune asks before it removes, and nobody is here to answer", "add --yes or --dry-run")
    print("Remove? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise DesktopBakeError("nothing was removed", "answer y, or add --yes")


def doctor(arguments: argparse.Namespace) -> int:
    """Look at everything that a build needs; exit with the status that a build would fail with."""
    from bake.doctor import Check, examine, exit_status
    from bake.engine import Engine

    settings: Settings | DesktopBakeError
    try:
        settings = load(arguments)
    except DesktopBakeError as error:
        settings = error
    checks: list[Check] = []
    for check in examine(settings, Engine()):  # each as it comes: a registry may take its time
        checks.append(check)
        if not arguments.json:
            mark = check.state.value.ljust(7)
            if coloured(sys.stdout):
                mark = f"\033[{_COLOURS[check.state.value]}m{mark}\033[0m"
            remedy = f"\n         {check.remedy}" if check.remedy else ""
            print(f"{mark}  {check.name}: {check.said}{remedy}", flush=True)
    status = exit_status(tuple(checks))
    if arguments.json:
        print_json({"schema": 1, "works": status == 0, "checks": [check.as_json() for check in checks]})
    return status
