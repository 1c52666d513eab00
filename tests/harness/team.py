"""A project of a team, and its images in the registry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness.registries import ACCEPT, Api
from tests.harness.work import work


@dataclass
class Project:
    """A project's folder, which every machine sees, and its repository in the team's registry."""

    folder: Path
    host: str
    path: str

    @property
    def repository(self) -> str:
        """The repository of its images."""
        return f"{self.host}/{self.path}"

    def change(self, **fields: str) -> None:
        """Write the configuration, with these lines of TOML at the top or in the environment.

        Without a line for `cache` there is none: each export would write the whole base too.
        """
        top = "\n".join(v for k, v in {"cache": 'cache = "none"', **fields}.items() if k != "environment")
        (self.folder / "desktop-bake.toml").write_text(
            f'repository = "{self.repository}"\n{top}\n[environments.default]\nbase_image = "{self.base}"\n'
            'headless_desktop_enabled = true\ncache_desktop_build = true\ninstall_script = "install.sh"\n'
            f'setup_script = "setup.sh"\n{fields.get("environment", "")}\n'
        )

    base: str = ""

    def bake(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `desktop-bake` on the first machine."""
        return subprocess.run(
            [sys.executable, "-m", "desktop_bake", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
        )


def answer(done: subprocess.CompletedProcess[str], status: int = 0) -> dict[str, object]:
    """The JSON that a command printed before it exited with this status."""
    assert done.returncode == status, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    found: dict[str, object] = value["images"][0] if "images" in value else value
    return found


def here(*words: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command on the first machine."""
    return subprocess.run(words, cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True, check=False)


# --- what the registry has --------------------------------------------------------------------------------------


def right_labels(shared: Project) -> dict[str, str]:
    """The labels that prove the project's key."""
    from desktop_bake import load_settings
    from desktop_bake.bake.engine.engine import Engine
    from desktop_bake.bake.images.order import key_of

    settings = load_settings(shared.folder / "desktop-bake.toml", {})
    environment = settings.environment(None)
    return key_of(environment, work(Engine(), settings)).labels(environment.base_image.named)


def manifest_of(project: Project, tag: str) -> dict[str, Any]:
    """The first manifest of an image in the project's registry."""
    found = top_of(project, tag)
    return top_of(project, found["manifests"][0]["digest"]) if "manifests" in found else found


def top_of(project: Project, reference: str) -> dict[str, Any]:
    """The manifest or index of a tag or digest in the project's registry."""
    found = Api(project.host).send("GET", f"/v2/{project.path}/manifests/{reference}", headers=ACCEPT)
    assert found.status == 200, found.body
    return dict(json.loads(found.body))
