"""The base images of a worker's tests: the shared Debian, the worker's own Debian, and a few programs of it."""

from __future__ import annotations

import os
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Literal

from tests.harness.machines import tool, tool_environment
from tests.harness.project import remove_images
from tests.harness.registries import HERE, layer_of

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
NAME = "DESKTOP_BAKE_TEST_BASE"
SMALL = Path(__file__).parents[1] / "bases" / "small"

Kind = Literal["shared", "debian", "small"]


class WorkerBases:
    """The names of the bases; each base is made when it is first needed.

    A worker's own base has its own layer, too. BuildKit exports a base under its layers if it knows them from another
    manifest; a client that knows the base by its manifest would then find nothing in that cache.

    Args:
        shared: Debian, on which all workers bake the shipped desktop once.
        folder: a folder for temporary files.
    """

    def __init__(self, shared: str, folder: Path) -> None:
        self.shared = shared
        self._folder = folder
        self._host = shared.partition("/")[0]

    @cached_property
    def debian(self) -> str:
        """Debian, used only by this worker's tests."""
        own = f"{self._host}/{WORKER}/debian:bookworm"
        self._crane("append", "--base", self.shared, "--new_layer", str(self._layer()), "--new_tag", own)
        return own

    @cached_property
    def small(self) -> str:
        """About 5 MB of programs, which are quick to pull, push and cache.

        Like Debian's image it has no creation time, and BuildKit does not know its layers as something that it built.
        """
        own, programs = f"{self._host}/{WORKER}/small:bookworm", self._folder / "programs.tar"
        output = ["--build-arg", f"BASE={self.shared}", "--output", f"type=tar,dest={programs}"]
        subprocess.run(["docker", "buildx", "build", "-q", *output, SMALL], check=True, capture_output=True)
        self._crane("append", "--oci-empty-base", "-f", str(programs), "-f", str(self._layer()), "-t", own)
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self._crane("mutate", "--set-platform", HERE, "--cmd", "/bin/bash", "--env", path, "-t", own, own)
        return own

    def _layer(self) -> Path:
        """The worker's own layer, in an archive."""
        archive = self._folder / "layer.tar"
        archive.write_bytes(layer_of(WORKER.encode()))
        return archive

    def _crane(self, *words: str) -> None:
        subprocess.run([tool("crane"), *words], env=tool_environment(), check=True, capture_output=True)

    def use(self, kind: Kind) -> None:
        """Make this the base of the next tests, and of the programs that they start."""
        os.environ[NAME] = getattr(self, kind)

    def remove(self) -> None:
        """Remove the worker's own bases from the engine."""
        self.use("shared")
        remove_images(f"{self._host}/{WORKER}/")
