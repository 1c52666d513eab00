"""`desktop-bake stats`."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError
from ...metrics.plot import plot
from ...metrics.summary import as_json, as_text, read_events, summarize
from ..context import print_json

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


_LONGEST_LINE = 1 << 20


def stats(arguments: argparse.Namespace) -> int:
    """Print what a file comes to, and draw it."""
    path: Path = arguments.file
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            events, unread = read_events(iter(partial(file.readline, _LONGEST_LINE), ""))
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", "name the FILE of --metrics FILE") from error
    summary = summarize(events, unread)
    if arguments.plot:
        try:
            arguments.plot.write_text(plot(events, summary), encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"cannot write {arguments.plot}: {error.strerror}", "choose another") from error
    if arguments.json:
        print_json(as_json(summary))
    else:
        print("\n".join(as_text(summary)))
    if unread:
        print(f"note: {unread} lines are no events", file=sys.stderr)
    return 0
