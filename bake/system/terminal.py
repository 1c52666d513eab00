"""What a terminal can show."""

from __future__ import annotations

import os
from typing import TextIO


def coloured(stream: TextIO) -> bool:
    """Whether what is written to this stream may carry colours: a terminal, and not a dumb one; NO_COLOR is not set.

    Source: no-color.org, by which an empty variable counts as none.
    """
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
