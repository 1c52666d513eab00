"""A task on a machine whose engine a test breaks.

The base has the shipped desktop's packages, so that a desktop installed at start is live within a second too.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from desktop_bake import Environment, Settings, ensure_desktop_image
from tests.harness.machines import Machine, Registry, machine

INSTALLED = "all is there\n"  # what a task's command prints if it found what its recipe installs


def equipped(team: Registry) -> str:
    """The base with a desktop's packages, in the team's registry."""
    return f"{team.address}/equipped:bookworm"


@contextmanager
def equipped_machine(shipped: Environment, settings: Settings, team: Registry, folder: Path) -> Iterator[Machine]:
    """A machine whose engine has its own small disk, with the equipped base on it, which contains this desktop."""
    baked = ensure_desktop_image(shipped, settings)
    assert baked.image_id
    name = equipped(team)
    for words in (("tag", baked.image_id, name), ("push", "-q", name), ("image", "rm", name)):
        subprocess.run(["docker", *words], check=True, capture_output=True)
    with machine(folder, team=team, disk_bytes=3 << 30) as started:
        started.run("docker", "pull", "-q", name, check=True)
        yield started


@dataclass(kw_only=True)
class Task:
    """`desktop-bake run` on a machine, with its own folder, cache folder and recipe.

    Attributes:
        machine: the machine.
        folder: the configuration's folder.
        base: the base image.
        repository: the repository of its images.
        variables: added to the environment.
        first: lines of Python to run first, which lower limits that are too long for a test, such as
            `ensure.RESTART_S = 1`; lowered.py has the modules.
    """

    machine: Machine
    folder: Path
    base: str
    repository: str
    variables: dict[str, str] = field(default_factory=dict)
    first: tuple[str, ...] = ()

    def write(self, install: str = "true", setup: str = "true", top: str = "") -> None:
        """Write the configuration, with these lines of TOML at the top, and the scripts."""
        (self.folder / "install.sh").write_text(f"{install}\necho all is there >/etc/installed\n# {self.repository}\n")
        (self.folder / "setup.sh").write_text(f"{setup}\n")
        (self.folder / "desktop-bake.toml").write_text(
            f'repository = "{self.repository}"\ncache = "none"\n{top}\n[environments.default]\n'
            f'base_image = "{self.base}"\nheadless_desktop_enabled = true\ncache_desktop_build = true\n'
            'install_script = "install.sh"\nsetup_script = "setup.sh"\n'
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start `desktop-bake` with these arguments, in a process of its own."""
        return self.program("lowered", *self.first, "--", *words)

    def program(self, module: str, *words: str) -> subprocess.Popen[str]:
        """Start a program of the harness with these arguments, in the configuration's folder."""
        root = str(Path(__file__).parents[2])
        variables = {"XDG_CACHE_HOME": str(self.folder / "cache"), "PYTHONPATH": root, **self.variables}
        words = (sys.executable, "-m", f"tests.harness.{module}", *words)
        return self.machine.popen(*words, cwd=self.folder, **variables)

    def run(
        self, on: Mapping[str, Callable[[], object]] | None = None, command: str = "cat /etc/installed", *flags: str
    ) -> tuple[int, str]:
        """Run a task; do something at the first line of standard error that matches one of these patterns.

        Returns:
            The exit status, and what was printed on either stream.
        """
        return self.follow(self.start("run", *flags, "--", "sh", "-c", command), on)

    def follow(
        self, process: subprocess.Popen[str], on: Mapping[str, Callable[[], object]] | None = None
    ) -> tuple[int, str]:
        """Follow a process that was started before, in the same way."""
        waiting = dict(on or {})
        printed: list[str] = []
        with process:
            reading = threading.Thread(target=lambda: printed.extend(process.stdout or ()))
            reading.start()
            for line in process.stderr or ():
                printed.append(line)
                for pattern in [pattern for pattern in waiting if re.search(pattern, line)]:
                    waiting.pop(pattern)()
            reading.join()
            status = process.wait(60)
        assert not waiting, "".join(printed)
        return status, "".join(printed)

    def containers(self) -> str:
        """Every remaining container."""
        return self.machine.run("docker", "ps", "-aq", check=True).stdout


def task_on(machine: Machine, folder: Path, team: Registry) -> Task:
    """A task with scripts that install next to nothing."""
    task = Task(machine=machine, folder=folder, base=equipped(team), repository=f"faults-{uuid.uuid4().hex[:8]}")
    task.write()
    return task


def tidy(machine: Machine, team: Registry) -> None:
    """Remove what was built on a machine, images and BuildKit's records; keep the equipped base."""
    words = ("docker", "image", "ls", "-aq", "--filter", "label=desktop-bake.schema")
    images = set(machine.run(*words, check=True).stdout.split())
    images.discard(machine.run("docker", "image", "ls", "-q", equipped(team), check=True).stdout.strip())
    if images:
        machine.run("docker", "image", "rm", "-f", *images, check=True)
    machine.run("docker", "builder", "prune", "-af", check=True)
