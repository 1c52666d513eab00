"""Running tasks."""

from __future__ import annotations

import subprocess

from desktop_bake.bake.task.labels import TASK_LABEL


def tasks(env_id: str) -> list[str]:
    """The containers of an environment's tasks."""
    return subprocess.run(
        ["docker", "ps", "-aq", "--filter", f"label={TASK_LABEL}={env_id}"], capture_output=True, text=True, check=True
    ).stdout.split()
