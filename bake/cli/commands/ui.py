"""`desktop-bake ui`."""

from __future__ import annotations

import contextlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError
from ...engine.engine import Engine
from ...system.lazy import lazy
from ...ui.source import Source
from ..context import environment_file, load

if TYPE_CHECKING:
    import argparse

    from ...ui import server
else:
    server = lazy("...ui.server", __package__)


NEEDED = ("starlette", "uvicorn")


def ui(arguments: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, which counts as success."""
    if any(find_spec(name) is None for name in NEEDED):
        raise ConfigurationError(
            "the page needs two more packages",
            "install them: pipx install --force 'desktop-bake[ui]', or pip install 'desktop-bake[ui]'",
        )
    metrics = arguments.metrics or os.environ.get("DESKTOP_BAKE_METRICS")
    load(arguments)  # report errors in it here; later ones appear on the page
    source = Source(
        load=lambda: load(arguments),
        file=environment_file(arguments),
        new_engine=Engine,
        metrics=Path(metrics) if metrics else None,
    )

    def told(url: str) -> None:
        print(url, flush=True)
        if not arguments.quiet:
            print("[desktop-bake] the page is at this address, for you alone; Ctrl-C ends it", file=sys.stderr)

    with contextlib.suppress(KeyboardInterrupt):
        server.serve(source, arguments.port, told, opened=arguments.open)
    return 0
