"""`desktop-bake agent-notes`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError
from ...images.resolve import glance
from ...system.text import last_line

if TYPE_CHECKING:
    import argparse

    from ...context import Context


def agent_notes(arguments: argparse.Namespace, context: Context) -> int:
    """Print what a program on an environment's desktop has to know, depending on what its image has."""
    environment = context.settings.environment(arguments.env)
    found = glance(environment, context)
    if not found.image_id or found.lacks_desktop:
        raise ConfigurationError(
            f"there is no image here that has the desktop of environment {environment.env_id!r}",
            f"desktop-bake build {environment.env_id}; in a task: cat /etc/desktop-bake/agent-notes.md",
        )
    done = context.engine.docker("run", "--rm", "--network", "none", "--entrypoint", "agent-notes", found.image_id)
    if done.returncode:
        said = last_line(done.stderr.decode(errors="replace"))
        raise ConfigurationError(
            f"the desktop of environment {environment.env_id!r} has no notes: {said}",
            "a setup script of its own has to write /usr/local/bin/agent-notes",
        )
    sys.stdout.write(done.stdout.decode(errors="replace"))
    return 0
