"""The labels of a task's container, by which its user finds it again. They contain no secret and no path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..system.installed import version
from ..system.whose import short_hash, this_user

if TYPE_CHECKING:
    from pathlib import Path

    from ...generator.environment import Environment
    from ...generator.layer_key import Key


TASK_LABEL = "desktop-bake-task"  # the environment's ID
KEY_LABEL = f"{TASK_LABEL}.key"
OWNER_LABEL = f"{TASK_LABEL}.owner"
PROJECT_LABEL = f"{TASK_LABEL}.project"
PROJECT_NAME_LABEL = f"{TASK_LABEL}.project-name"
VERSION_LABEL = f"{TASK_LABEL}.version"
FIXED_SIZE_LABEL = f"{TASK_LABEL}.fixed-size"  # set if the desktop does not follow its viewer's window


def labels_of(environment: Environment, key: Key | None, root: Path) -> dict[str, str]:
    """The labels of a task that this user starts.

    Args:
        environment: the task's environment.
        key: its image's key, or None for an image without one.
        root: the configuration's folder, which is the project: its name, and a hash of where it is.
    """
    folder = root.resolve()
    return {
        TASK_LABEL: environment.env_id,
        KEY_LABEL: str(key or ""),
        OWNER_LABEL: this_user(),
        PROJECT_LABEL: short_hash(str(folder)),
        PROJECT_NAME_LABEL: folder.name,
        VERSION_LABEL: version(),
    }
