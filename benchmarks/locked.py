"""`render --check` with a lock: no engine, no docker in PATH, no network."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


ENVIRONMENTS = 20
REPETITIONS = 7  # a minimum: it takes no time
_DIGEST = "sha256:" + "ab" * 32


def render_check_s(folder: Path, repetitions: int) -> float:
    """The duration of checking a rendered folder in a separate process, in seconds.

    Args:
        folder: an empty folder.
        repetitions: the number of runs, of which this is the median.
    """
    names = [f"registry.example.com/base:{number}" for number in range(ENVIRONMENTS)]
    (folder / "desktop-bake.toml").write_text(
        "".join(
            f'[environments.e{number}]\nbase_image = "{name}"\nheadless_desktop_enabled = true\n'
            "cache_desktop_build = true\n"
            for number, name in enumerate(names)
        )
    )
    blocks = "".join(f'\n[base."{name}"]\ndigest = "{_DIGEST}"\nplatforms = ["linux/amd64"]\n' for name in names)
    (folder / "desktop-bake.lock").write_text(f'schema = 1\npackages = "2026-11-27"\n{blocks}')
    away = {"PATH": "", "DOCKER_HOST": "unix:///nowhere/docker.sock", "https_proxy": "http://127.0.0.1:9"}

    def render(*words: str) -> float:
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "desktop_bake", "render", "-o", "ci", *words],
            cwd=folder,
            check=True,
            capture_output=True,
            env={**os.environ, **away},
        )
        return time.perf_counter() - began

    render()
    return statistics.median(render("--check") for _ in range(max(repetitions, REPETITIONS)))
