"""`desktop-bake images`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...engine.engine import Engine
from ...upkeep.report import as_json, as_text, listing
from ..context import load, log_of, print_json

if TYPE_CHECKING:
    import argparse


def images(arguments: argparse.Namespace) -> int:
    """List what is cached."""

    settings, engine, log = load(arguments), Engine(), log_of(arguments)
    found = listing(settings, engine, log, everywhere=arguments.all, registry=arguments.registry)
    if arguments.json:
        print_json(as_json(found))
    else:
        print(as_text(found, time.time()))
    return 0
