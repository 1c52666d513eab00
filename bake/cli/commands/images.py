"""`desktop-bake images`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...upkeep.report import as_json, as_text, listing
from ..context import print_json

if TYPE_CHECKING:
    import argparse

    from ...context import Context


def images(arguments: argparse.Namespace, context: Context) -> int:
    """List what is cached."""
    found = listing(context, everywhere=arguments.all, registry=arguments.registry)
    if arguments.json:
        print_json(as_json(found))
    else:
        print(as_text(found, time.time(), whole=arguments.no_trunc))
    return 0
