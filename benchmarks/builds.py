"""Builds that no cache knows, and the same builds by plain Docker."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from desktop_bake import ensure_desktop_image
from desktop_bake.bake.build.render import bake_options, rendered_files, targets_of, write_files
from desktop_bake.bake.config.shipped import shipped
from desktop_bake.bake.context import Context
from desktop_bake.bake.images.result import Status
from desktop_bake.generator.bakefile import OUTPUT

if TYPE_CHECKING:
    from pathlib import Path

    from desktop_bake import Environment, Settings
    from desktop_bake.bake.engine.engine import Engine


class Builds:
    """The environment with its own scripts.

    A build is cold because its scripts are new and its package cache is empty: no build cache of others is pruned.

    Args:
        environment: the environment.
        settings: the settings of its images.
        engine: the engine that bakes them.
        folder: the folder for its scripts.
    """

    def __init__(self, environment: Environment, settings: Settings, engine: Engine, folder: Path) -> None:
        self.folder, self.engine = folder, engine
        self.settings = replace(settings, cache="none", root=folder)
        self.environment = replace(
            environment, install_script="install.sh", setup_script="setup.sh", dockerfile="bench.Dockerfile"
        )
        self.made: list[str] = []

    def ours(self) -> float:
        """Seconds of a cold build by our API."""
        self._never_seen()
        return self._bake()

    def rebuild(self) -> float:
        """Seconds of a build by our API after a change of the setup."""
        self._new("setup.sh", "recipe/desktop_setup.sh")
        return self._bake()

    def theirs(self) -> float:
        """Seconds of a cold `docker buildx bake` of the same file."""
        self._never_seen()
        targets = targets_of([self.environment], Context(settings=self.settings, engine=self.engine))
        plain = self.folder / str(targets[0].key)
        write_files(plain, rendered_files(targets, bake_options(self.settings)))
        self.made.append(targets[0].image)
        words = ["docker", "buildx", "bake", "desktop", "--set", f"*.output={OUTPUT}"]
        began = time.perf_counter()
        subprocess.run(words, check=True, capture_output=True, cwd=plain, stdin=subprocess.DEVNULL)
        return time.perf_counter() - began

    def remove(self) -> None:
        """Remove the images."""
        subprocess.run(["docker", "image", "rm", "-f", *self.made], check=True, capture_output=True)

    def _new(self, name: str, source: str) -> None:
        (self.folder / name).write_text(shipped(source).read_text() + f"\n# {time.time_ns()}\n")

    def _never_seen(self) -> None:
        self._new("install.sh", "recipe/desktop_install.sh")
        self._new("setup.sh", "recipe/desktop_setup.sh")
        text = shipped("recipe/Dockerfile").read_text()
        own = text.replace("id=desktop-bake-", f"id=bench-{time.time_ns()}-")
        (self.folder / "bench.Dockerfile").write_text(own)

    def _bake(self) -> float:
        began = time.perf_counter()
        result = ensure_desktop_image(self.environment, self.settings)
        took = time.perf_counter() - began
        assert result.status is Status.BUILT, result
        self.made.append(result.image)
        return took
