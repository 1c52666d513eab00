"""What a terminal can show."""

from __future__ import annotations

import os
from typing import TextIO


def coloured(stream: TextIO) -> bool:
    """Whether this stream shows colours: it is a terminal, not a dumb one, and NO_COLOR is not set.

    Source: no-color.org, which treats an empty variable as not set.
    """
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
