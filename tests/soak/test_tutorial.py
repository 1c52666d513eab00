"""The whole tutorial, word for word, with its own repository and team registry."""

from __future__ import annotations

import os
import subprocess
import uuid
from typing import TYPE_CHECKING

from tests.harness.project import remove_images
from tests.harness.tutorial import Shell, steps

if TYPE_CHECKING:
    from pathlib import Path


def test_the_tutorial(tmp_path: Path, base: str) -> None:
    """Three pages in order; "another machine" has neither the image nor our cache folder."""
    own = f"tutorial-{uuid.uuid4().hex[:8]}"
    path = f"{os.environ['DESKTOP_BAKE_TEST_REGISTRY']}/{own}/desktop"
    instead = {
        "debian:bookworm": base,
        "desktop-bake:bookworm": f"{own}:bookworm",
        "registry.example.com/team/desktop": path,
        # an engine with more images may have one with such a layer, and then the reason is another
        "web: miss: layer 'browser' added": "web: miss: …",
        "web: miss: layer 'greeting' added": "web: miss: …",
    }
    variables = {"DESKTOP_BAKE_REPOSITORY": own, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    shell = Shell(folder=tmp_path, instead=instead, variables=variables, times=[])
    try:
        for page in ("first-desktop.md", "your-environment.md", "team.md"):
            if page == "team.md":
                del variables["DESKTOP_BAKE_REPOSITORY"]
            for step in steps(page):
                if step.command.startswith("desktop-bake run default"):
                    remove_images(path)
                    variables["XDG_CACHE_HOME"] = str(tmp_path / "other")
                shell.run(step)
    finally:
        subprocess.run(["docker", "rm", "-f", "first", "web"], capture_output=True, check=False)
        remove_images(own)
        remove_images(path)
    for command, seconds in shell.times:
        print(f"{seconds:7.1f} s  {command}")
    assert len(shell.times) > 25
