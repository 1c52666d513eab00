"""A three-layer environment with the shipped desktop, changed at each level: what is rebuilt, and how long it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

CONFIG = """
repository = "{repository}"
[layers.certs]
script = "certs.sh"
below_desktop = true
[layers.tools]
script = "tools/tools.sh"
files = ["tools/lib.sh"]
[environments.office]
base_image = "{base}"
headless_desktop_enabled = true
cache_desktop_build = true
setup_script = "setup.sh"
layers = ["certs", {{ name = "hello", packages = ["{package}"] }}, "tools"]
"""
SEEN = "hello; cat /etc/certs /etc/tools; xprop -root _NET_SUPPORTING_WM_CHECK"


class Project:
    """A folder of such an environment.

    Args:
        folder: its folder.
        base: its base image.
    """

    def __init__(self, folder: Path, base: str) -> None:
        self.folder, self.base = folder, base
        self.repository = f"desktop-bake-layers-{uuid.uuid4().hex[:8]}"
        (folder / "tools").mkdir()
        shipped = Path(__file__).parents[1] / "recipe" / "desktop_setup.sh"
        (folder / "setup.sh").write_text(shipped.read_text())
        for name, text in {"certs.sh": "echo certs >/etc/certs\n", "tools/lib.sh": "say() { echo tools; }\n"}.items():
            (folder / name).write_text(f"{text}# {uuid.uuid4()}\n")  # in no cache yet
        (folder / "tools/tools.sh").write_text(". ./lib.sh\nsay >/etc/tools\n")
        self.configure("hello")

    def configure(self, package: str) -> None:
        """Write the configuration, with this package as the middle layer."""
        text = CONFIG.format(repository=self.repository, base=self.base, package=package)
        (self.folder / "desktop-bake.toml").write_text(text)

    def change(self, name: str) -> None:
        """Change a script."""
        with (self.folder / name).open("a") as file:
            file.write(f"# {uuid.uuid4()}\n")

    def call(self, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command that has to end with this status."""
        done = subprocess.run(
            [sys.executable, "-m", "desktop_bake", *words], cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode != status:
            sys.exit(f"{' '.join(words)}: {done.stderr}")
        return done

    def row(self, what: str) -> None:
        """Build what changed, and print the reason, what was baked and the seconds."""
        reason = json.loads(self.call("resolve", "--json", status=3).stdout)["reason"]
        began = time.monotonic()
        done = self.call("build")
        took = time.monotonic() - began
        images = done.stderr.count("[desktop-cache] building ")
        print(f"| {what} | {reason} | {images} of 4 | {took:.1f} s |", flush=True)


def measure(project: Project) -> None:
    """Print a Markdown table, and what a task of it sees."""
    print("| changed | the reason of the miss | baked | time |\n|---|---|---|---|")
    project.row("nothing yet")
    for what, name in (
        ("`tools`, a file beside its script", "tools/lib.sh"),
        ("the setup of the desktop", "setup.sh"),
        ("`certs`, below the desktop", "certs.sh"),
    ):
        project.change(name)
        project.row(what)
    project.configure("hello-traditional")
    project.row("the packages above the desktop")
    began = time.monotonic()
    project.call("build")
    print(f"| nothing | - | 0 of 4 | {time.monotonic() - began:.1f} s |")
    began = time.monotonic()
    done = project.call("run", "--", "sh", "-c", SEEN)
    print(f"\na task of it, in {time.monotonic() - began:.1f} s: {' '.join(done.stdout.split())}")


def main() -> int:
    """Measure it, and remove the images."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder), os.environ["DESKTOP_BAKE_TEST_BASE"])
        try:
            measure(project)
        finally:
            words = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", project.repository]
            names = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
            subprocess.run(["docker", "image", "rm", "-f", *names], capture_output=True, check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
