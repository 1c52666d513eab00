"""The installed version, without `importlib.metadata`, whose import would slow down a hit."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_BEGIN, _END = "desktop_bake-", ".dist-info"


def version() -> str:
    """Our version from the name of its folder (Recording installed projects, ".dist-info"), or empty."""
    for folder in sys.path:
        with suppress(OSError):
            for name in os.listdir(folder or "."):  # noqa: PTH208 (names alone, which is quicker)
                if name.startswith(_BEGIN) and name.endswith(_END):
                    return name[len(_BEGIN) : -len(_END)]
    return ""
