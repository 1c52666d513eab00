"""A task as an engine lists it (Docker Engine API, "List containers")."""

from __future__ import annotations

from typing import Any


def listed(
    begin: str, *, environment: str = "office", name: str = "", created: int = 0, state: str = "running", said: str = ""
) -> dict[str, Any]:
    """A task whose container's ID begins with this."""
    container_id = begin.ljust(64, "0")
    return {
        "Id": container_id,
        "Names": [f"/{name or 'desktop-bake-' + container_id[:12]}"],
        "Created": created,
        "State": state,
        "Status": said,
        "Ports": [{"IP": "127.0.0.1", "PrivatePort": 6080, "PublicPort": 49153, "Type": "tcp"}],
        "Labels": {
            "desktop-bake-task": environment,
            "desktop-bake-task.key": "key",
            "desktop-bake-task.owner": "me",
            "desktop-bake-task.project": "0123",
            "desktop-bake-task.project-name": "mine",
            "desktop-bake-task.version": "1",
        },
    }
