"""A project of tiny scripts, its base and its images."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_bake.bake.engine.docker_config import config_folder
from desktop_bake.bake.engine.engine import Engine

Run = Callable[..., subprocess.CompletedProcess[str]]
# Small enough to bake in a second: it tests our code, not the desktop.
TINY = "#!/bin/sh\necho {0} > /etc/{0}\n"
# One of several that share packages; each has a setup script named after it.
ENVIRONMENT = """[environments.{name}]
base_image = "{base}"
headless_desktop_enabled = true
cache_desktop_build = true
install_script = "install.sh"
setup_script = "{name}.sh"
"""

FIGURES = Path(__file__).parents[2] / "out" / "soak.jsonl"


def copy_client(folder: Path) -> Path:
    """Copy the docker client's configuration into a new folder, except what buildx writes there during builds."""
    return Path(
        shutil.copytree(config_folder(), folder, symlinks=True, ignore=shutil.ignore_patterns("refs", "activity"))
    )


def remove_images(part: str, *, check: bool = False) -> None:
    """Remove from this engine the images whose names contain this unique text; `check` that they go."""
    # In a filter an asterisk matches no slash. Without one the engine reads every image: 15 ms of processor for each.
    names = [f"{before}*{part}*{after}" for before in ("*/" * n for n in range(5)) for after in ("", "/*")]
    images = [image["Id"] for image in Engine().images({"reference": names})]
    if images:
        subprocess.run(["docker", "image", "rm", "-f", *images], capture_output=True, check=check)


def base_name() -> str:
    """The base image that `scripts/engine env` names."""
    name = os.environ.get("DESKTOP_BAKE_TEST_BASE")
    if not name:
        pytest.fail("no engine for the tests: run them by 'make test'")
    return name
