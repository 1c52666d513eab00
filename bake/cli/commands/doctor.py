"""`desktop-bake doctor`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ....generator.errors import DesktopBakeError
from ...engine.engine import Engine
from ...system.terminal import coloured
from ...upkeep.check import Check, exit_status
from ...upkeep.doctor import examine
from ..context import load, print_json

if TYPE_CHECKING:
    import argparse

    from ...config.settings import Settings


_COLOURS = {"ok": "32", "warning": "33", "failure": "31"}


def doctor(arguments: argparse.Namespace) -> int:
    """Check everything that a build needs; exit with the status that a build would have."""

    settings: Settings | DesktopBakeError
    try:
        settings = load(arguments)
    except DesktopBakeError as error:
        settings = error
    checks: list[Check] = []
    for check in examine(settings, Engine()):  # each check is printed as it comes: a registry may be slow
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
