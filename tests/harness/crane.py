"""Images in registries, made and copied without an engine."""

from __future__ import annotations

import subprocess

from tests.harness.machines import tool, tool_environment


def crane(*words: str) -> str:
    """Run crane, which has to succeed."""
    done = subprocess.run(
        [tool("crane"), "--insecure", *words], env=tool_environment(), check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
