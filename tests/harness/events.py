"""Events of a metrics file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def lines(path: Path) -> list[dict[str, Any]]:
    """The events in a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def event(status: str, total: float, environment: str = "a", command: str = "run", day: int = 1) -> str:
    """A line of a file."""
    return json.dumps(
        {
            "schema": 1,
            "at": f"2026-03-{day:02}T12:00:00+00:00",
            "command": command,
            "bytes": None,
            "environment": environment,
            "status": status,
            "cache_key": None,
            "error": None,
            "seconds": {"look": 0.5, "build": total - 0.5, "total": total},
        }
    )
