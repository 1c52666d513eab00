"""Lines of the log that tests wait for."""

from __future__ import annotations

WAITING = "[desktop-cache] waiting: another process builds "
