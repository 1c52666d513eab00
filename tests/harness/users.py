"""Users of a Debian machine."""

from __future__ import annotations

ROOT, DAEMON, NOBODY = 0, 1, 65534  # users that every Debian has

USER = "54321"  # without an entry
