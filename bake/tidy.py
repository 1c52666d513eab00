"""The commands that tell why and keep it tidy: doctor."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from bake.cli import coloured, load
from generator.errors import DesktopBakeError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from bake.settings import Settings

_COLOURS = {"ok": "32", "warning": "33", "failure": "31"}


def add_parsers(verb: Callable[[str, str, str], argparse.ArgumentParser]) -> None:
    """Add these commands to the command line.

    Args:
        verb: makes a command's parser of its name, its purpose and an example.
    """
    command = verb("doctor", "engine, buildx, registry, credentials, disk: each with its remedy", "doctor --json")
    command.add_argument("--json", action="store_true", help="one JSON object on standard output")
    command.set_defaults(function=doctor)


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


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
        _print_json({"schema": 1, "works": status == 0, "checks": [check.as_json() for check in checks]})
    return status
