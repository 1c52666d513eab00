"""`make history`: every command that explains and tidies, on an engine on which six environments had twenty keys."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = "desktop-bake-history"
NAMES = ("web", "gpu", "docs", "office", "games", "ci")
CONFIG = """
[environments.{name}]
name = "The {name} team"
base_image = "{base}"
headless_desktop_enabled = true
cache_desktop_build = true
install_script = "install.sh"
setup_script = "{name}.sh"
"""
# The commands that are typed once the history exists, and how many lines of their output are shown.
COMMANDS: tuple[tuple[str, int], ...] = (
    ("env list", 99),
    ("env set docs name=Writers platforms=linux/amd64", 99),
    ("env show docs", 99),
    ("env unset docs platforms", 99),
    ("explain --all", 99),
    ("images", 99),
    ("prune --dry-run --keep 1", 99),
    ("prune --dry-run", 99),
    ("doctor", 99),
    ("warm -q", 99),
    ("warm -q --prune --keep 0 --older-than 0", 99),
    ("images", 99),
    ("stats metrics.jsonl --plot stats.svg", 99),
    ("completion bash", 4),
)


class Project:
    """A folder with a configuration of tiny scripts, whose commands are shown as they are typed.

    Args:
        folder: an empty folder.
        base: the base image.
    """

    def __init__(self, folder: Path, base: str) -> None:
        self.folder = folder
        self.variables = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        text = f'repository = "{REPOSITORY}"\ncache = "none"\n'
        text += "".join(CONFIG.format(name=name, base=base) for name in NAMES)
        self.write("desktop-bake.toml", text + 'build_args = { LEVEL = "1" }\n')
        self.write("install.sh", "echo packages > /etc/installed\n")
        self.add("web", 'preflight_script = "web-preflight.sh"')
        self.write("web-preflight.sh", "echo ready > /etc/preflight\n")
        for name in NAMES:
            self.write(f"{name}.sh", f"echo {name} 1 > /etc/{name}\n")

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        (self.folder / name).write_text(text)

    def add(self, environment: str, line: str) -> None:
        """Add a line to an environment."""
        config = self.folder / "desktop-bake.toml"
        setup = f'setup_script = "{environment}.sh"\n'
        config.write_text(config.read_text().replace(setup, f"{setup}{line}\n"))

    def run(self, command: str, *, lines: int = 0) -> None:
        """Run `desktop-bake COMMAND`, and show it with this many lines of its output."""
        done = subprocess.run(
            [sys.executable, "-m", "desktop_bake", *command.split()],
            cwd=self.folder,
            env=self.variables,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            lines = 99
        shown = done.stdout.splitlines()
        if lines:
            print("\n".join([f"\n$ desktop-bake {command}", *shown[:lines], *["…"] * (len(shown) > lines)]), flush=True)
        if done.returncode:
            raise SystemExit(f"exit status {done.returncode}")

    def live(self) -> None:
        """Twenty keys: all six built, all changed, then some of them."""
        build = "build --all -q --metrics metrics.jsonl"
        self.run(build)
        for name in NAMES:
            self.write(f"{name}.sh", f"echo {name} 2 > /etc/{name}\n")
        self.run(build)
        for name in ("gpu", "docs", "games"):
            self.write(f"{name}.sh", f"echo {name} 3 > /etc/{name}\n")
        self.write("web-preflight.sh", "echo steady > /etc/preflight\n")
        self.add("office", 'build_args = { PROXY = "none" }')
        self.run(build)
        self.write("gpu.sh", "echo gpu 4 > /etc/gpu\n")
        self.run(build)
        self.run("resolve ci -q --metrics metrics.jsonl")

    def break_off(self) -> None:
        """Changes that were never built: of a setup, a preflight with its desktop, and a build argument."""
        self.write("docs.sh", "echo docs 4 > /etc/docs\necho printer > /etc/printer\n")
        self.write("web.sh", "echo web 3 > /etc/web\n")
        self.write("web-preflight.sh", "echo go > /etc/preflight\n")
        config = self.folder / "desktop-bake.toml"
        config.write_text(config.read_text().replace('LEVEL = "1"', 'LEVEL = "2"'))


def main() -> int:
    """Make the history, and print the transcript."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder), os.environ["DESKTOP_BAKE_TEST_BASE"])
        try:
            project.live()
            project.break_off()
            for command, lines in COMMANDS:
                project.run(command, lines=lines)
        finally:
            listed = subprocess.run(
                ["docker", "image", "ls", "-q", REPOSITORY], capture_output=True, text=True, check=True
            )
            if listed.stdout:
                subprocess.run(
                    ["docker", "image", "rm", "-f", *listed.stdout.split()], check=False, capture_output=True
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
