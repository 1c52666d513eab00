"""Lines of other programs without their secrets."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


SHORTEST_SECRET = 4  # a shorter value would blank out half of every line
_LOGIN = re.compile(r"(?<=://)[^\s/@\"']+@")
_QUERY = re.compile(r"(?<=://)([^\s?\"']*)\?[^\s\"']+")
HIDDEN = "***"


def without_secrets(names: Iterable[str] = ()) -> Callable[[str], str]:
    """A function that hides logins and signatures in URLs, and the values of these variables.

    Registries redirect to URLs that work for anybody who has them, and docker prints such a URL if it fails.

    Args:
        names: variables of this process's environment, such as the build secrets of an environment.
    """
    lines = {line.strip() for name in names for line in os.environ.get(name, "").splitlines()}
    values = sorted((line for line in lines if len(line) >= SHORTEST_SECRET), key=len, reverse=True)

    def hide(line: str) -> str:
        for value in values:
            line = line.replace(value, HIDDEN)
        if "://" in line:
            line = _QUERY.sub(rf"\1?{HIDDEN}", _LOGIN.sub(f"{HIDDEN}@", line))
        return line

    return hide
