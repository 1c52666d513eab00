"""`build --all` of several environments against as many single builds, each starting without any of their steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING

from desktop_bake.bake.engine.engine import Engine

if TYPE_CHECKING:
    from pathlib import Path


COUNT = 8
# Some seconds of one core's work, and some megabytes that no compressor makes smaller, like packages.
_INSTALL = """#!/bin/sh
# {run}-{install}
i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done
head -c 8000000 /dev/urandom >/usr/lib/packages
"""
_SETUP = """#!/bin/sh
# {run}-{number}
i=0; while [ $i -lt 60000 ]; do i=$((i + 1)); done
head -c 500000 /dev/urandom >/etc/settings
"""
_ENVIRONMENT = """[environments.e{number}]
base_image = "{base}"
headless_desktop_enabled = true
cache_desktop_build = true
install_script = "install-{install}.sh"
setup_script = "setup-{number}.sh"
"""


class Environments:
    """Distinct environments: all differ in their setup, and two of them install something else than the others.

    Args:
        folder: their folder.
        base: their base.
    """

    def __init__(self, folder: Path, base: str) -> None:
        self.folder, self.base = folder, base
        self.repository = f"desktop-bake-bench-{uuid.uuid4().hex[:8]}"
        folder.mkdir(parents=True, exist_ok=True)

    def together(self) -> float:
        """Seconds of `build --all`."""
        return self._timed(["--all"])

    def alone(self) -> float:
        """Seconds of separate builds, one after another."""
        return self._timed(*([f"e{number}"] for number in range(COUNT)))

    def _timed(self, *commands: list[str]) -> float:
        self._write()
        began = time.perf_counter()
        for words in commands:
            self._build(*words)
        took = time.perf_counter() - began
        built = Engine().images({"reference": [f"{self.repository}:*"]})
        names = [name for image in built for name in image.get("RepoTags") or ()]
        assert len(names) == COUNT, names
        subprocess.run(["docker", "image", "rm", "-f", *names], check=True, capture_output=True)
        return took

    def _write(self) -> None:
        """New scripts whose steps BuildKit does not know."""
        run, text = uuid.uuid4().hex, f'repository = "{self.repository}"\ncache = "none"\n'
        for number in range(COUNT):
            install = max(0, number - COUNT + 3)
            script = self.folder / f"install-{install}.sh"
            script.write_text(_INSTALL.format(run=run, install=install))
            (self.folder / f"setup-{number}.sh").write_text(_SETUP.format(run=run, number=number))
            text += _ENVIRONMENT.format(number=number, base=self.base, install=install)
        (self.folder / "desktop-bake.toml").write_text(text)

    def _build(self, *words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "desktop_bake", "build", "--json", "--quiet", *words],
            cwd=self.folder,
            env={**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache")},
            stdin=subprocess.DEVNULL,
            check=True,
            capture_output=True,
            text=True,
        )
        statuses = {image["status"] for image in json.loads(done.stdout)["images"]}
        assert statuses == {"built"}, done.stdout
