"""`desktop-bake stats`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ...metrics.plot import plot
from ...metrics.summary import as_json, as_text, events_of, summarize
from ...system.files import cannot_write
from ..context import print_json

if TYPE_CHECKING:
    import argparse


def stats(arguments: argparse.Namespace) -> int:
    """Print a summary of a metrics file, and draw it."""
    events, unread = events_of(arguments.file)
    summary = summarize(events, unread)
    if arguments.plot:
        try:
            arguments.plot.write_text(plot(events, summary), encoding="utf-8")
        except OSError as error:
            raise cannot_write(arguments.plot, error, "--plot") from error
    if arguments.json:
        print_json(as_json(summary))
    else:
        print("\n".join(as_text(summary)))
    if unread:
        print(f"note: {unread} lines are no events", file=sys.stderr)
    return 0
