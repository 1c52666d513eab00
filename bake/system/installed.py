"""The version of what is installed, without `importlib.metadata`: a hit must not pay for its import."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_BEGIN, _END = "desktop_bake-", ".dist-info"


def version() -> str:
    """Our version by the name of the folder that says it (Recording installed projects, ".dist-info"), or empty."""
    for folder in sys.path:
        with suppress(OSError):
            for name in os.listdir(folder or "."):  # noqa: PTH208 (names alone, which is quicker)
                if name.startswith(_BEGIN) and name.endswith(_END):
                    return name[len(_BEGIN) : -len(_END)]
    return ""
