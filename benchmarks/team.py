"""The gain of a second machine from the team's registry: separate engines, in separate networks."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop_bake import ImageReference
from desktop_bake.bake.config.shipped import shipped
from desktop_bake.bake.registry.client import look_up
from desktop_bake.generator.bakefile import OUTPUT
from tests.harness.machines import Machine, Registry, machine, team_registry
from tests.harness.registries import ACCEPT, Api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Add = Callable[[str, str, str, str], None]


DISK_BYTES = 20_000_000_000  # an image uses a fiftieth of it
CONFIG = """repository = "{repository}"
cache = "{cache}"
[environments.default]
base_image = "{base}"
headless_desktop_enabled = true
cache_desktop_build = true
setup_script = "setup.sh"
"""


class Team:
    """A project of a team: its folder, and the registry that every machine knows by the same name.

    Args:
        folder: an empty folder.
        registry: the team's registry, with the base in it.
        repetitions: the number of runs of every measurement.
    """

    def __init__(self, folder: Path, registry: Registry, repetitions: int) -> None:
        self.folder = folder
        self.registry = registry
        self.repetitions = repetitions
        self.repository = f"{registry.address}/team/desktop"
        self.change()
        self.team = self._config("team.toml", self.repository, "registry")
        self.alone = self._config("alone.toml", "desktop", "none")

    def _config(self, name: str, repository: str, cache: str) -> Path:
        path = self.folder / name
        path.write_text(CONFIG.format(repository=repository, cache=cache, base=self.registry.base))
        return path

    def change(self) -> None:
        """Replace the setup script by a new one."""
        (self.folder / "setup.sh").write_text(
            shipped("recipe/desktop_setup.sh").read_text() + f"\n# {time.time_ns()}\n"
        )

    def publish(self) -> None:
        """Bake and push from the first machine."""
        words = [sys.executable, "-m", "desktop_bake", "build", "-q", "--push", "--config", str(self.team)]
        subprocess.run(words, check=True, capture_output=True, cwd=self.folder)

    @contextmanager
    def newcomer(self) -> Iterator[Callable[[Path, str], float]]:
        """A machine that never built anything: yields the seconds of one call of the API there.

        It has its own disk: ext4 creates files slowly for minutes after thousands were removed, as with the last
        machine's.
        """
        os.sync()  # pending writes of the last machine do not count to this one's time
        folder = self.folder / f"machine-{time.time_ns()}"
        with machine(folder, team=self.registry, disk_bytes=DISK_BYTES) as new, _worker(new) as call:
            yield call

    def measure(self, add: Add) -> None:
        """Add the rows of the second machine."""
        hits, colds, changes = [], [], []
        for _ in range(self.repetitions):
            with self.newcomer() as call:
                colds.append(call(self.alone, "built"))
            with self.newcomer() as call:
                hits.append(call(self.team, "registry-hit"))
                self.change()
                call(self.team, "built")  # the first use of a file, a module, a connection
                self.change()
                changes.append(call(self.team, "built"))
            self.publish()
        hit, cold, change = map(statistics.median, (hits, colds, changes))
        measured = "{:.3f} s / {:.3f} s".format
        add("second machine: registry hit / cold build there", measured(hit, cold), f"{hit / cold:.3f}", "<= 0.25")
        add(
            "second machine: setup changed, team cache / cold build there",
            measured(change, cold),
            f"{change / cold:.3f}",
            "<= 0.05",
        )

    def look_ups(self, add: Add) -> None:
        """Add the rows of a registry look-up: labels, no pull."""
        resolved = subprocess.run(
            [sys.executable, "-m", "desktop_bake", "key", "--json", "--config", str(self.team)],
            check=True,
            capture_output=True,
        )
        name = f"{self.repository}:{json.loads(resolved.stdout)['cache_key']}"
        reference = ImageReference.parse(name)
        inspect = ["docker", "buildx", "imagetools", "inspect", name]
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(self.repetitions * 3):
            ours.append(_seconds(lambda: look_up(reference, "linux/amd64")))
            theirs.append(_seconds(lambda: subprocess.run(inspect, check=True, capture_output=True)))
        mine, other = statistics.median(ours), statistics.median(theirs)
        add(
            "registry look-up of a key / imagetools inspect",
            f"{mine:.3f} s / {other:.3f} s",
            f"{mine / other:.3f}",
            "<= 0.5",
        )

    def sizes(self, add: Add) -> None:
        """Add the size of the layers that are pulled over the base: our zstd against BuildKit's default."""
        rendered = self.folder / "rendered"
        words = [sys.executable, "-m", "desktop_bake", "render", "-q", "--config", str(self.team), "-o", str(rendered)]
        subprocess.run(words, check=True, capture_output=True)
        base = len(_layers_bytes(Api(self.registry.address), "debian", "bookworm"))  # a builder may repack these
        sizes = []
        for path, output in (("zstd", OUTPUT), ("gzip", "type=image,compression=gzip")):
            tag = f"{self.registry.address}/{path}:t"
            bake = ["docker", "buildx", "bake", "--file", str(rendered / "docker-bake.hcl"), "desktop", "--push"]
            for change in (f"tags={tag}", "cache-to=", f"output={output},force-compression=true,push=true"):
                bake += ["--set", f"*.{change}"]
            subprocess.run(bake, check=True, capture_output=True, cwd=self.folder)
            sizes.append(sum(_layers_bytes(Api(self.registry.address), path, "t")[base:]) / 1e6)
            subprocess.run(["docker", "image", "rm", "-f", tag], check=False, capture_output=True)
        zstd, default = sizes
        add(
            "pulled over the base: zstd / BuildKit's default",
            f"{zstd:.1f} MB / {default:.1f} MB",
            f"{zstd / default:.2f}",
            "< 1",
        )


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _layers_bytes(api: Api, path: str, tag: str) -> list[int]:
    """The bytes of each layer of an image's first manifest."""

    def get(reference: str) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(api.send("GET", f"/v2/{path}/manifests/{reference}", headers=ACCEPT).body)
        return read

    found = get(tag)
    if "manifests" in found:
        found = get(found["manifests"][0]["digest"])
    return [layer["size"] for layer in found["layers"]]


@contextmanager
def _worker(where: Machine) -> Iterator[Callable[[Path, str], float]]:
    root = Path(__file__).parent.parent
    process = subprocess.Popen(
        [*where.enter, sys.executable, "-m", "benchmarks.worker"],
        cwd=root,
        env=where.environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )

    def call(config: Path, status: str) -> float:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{config}\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert answer["status"] == status, answer
        return float(answer["seconds"])

    try:
        yield call
    finally:
        process.kill()
        process.communicate()


def measure(base: str, repetitions: int, folder: Path, add: Add) -> None:
    """Add every row of the team.

    Args:
        base: the base image, which the team's registry gets.
        repetitions: the number of runs of every measurement.
        folder: an empty folder.
        add: takes the four cells of a row.
    """
    with team_registry(folder / "registry", bases=[base]) as registry:
        (folder / "project").mkdir()
        team = Team(folder / "project", registry, repetitions)
        try:
            team.publish()
            team.look_ups(add)
            team.sizes(add)
            team.measure(add)
        finally:
            listed = subprocess.run(
                ["docker", "image", "ls", "-q", team.repository], capture_output=True, text=True, check=True
            )
            if listed.stdout:
                subprocess.run(
                    ["docker", "image", "rm", "-f", *listed.stdout.split()], check=False, capture_output=True
                )
