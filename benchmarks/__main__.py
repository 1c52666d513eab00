"""`make bench`: one table, every line a ratio of medians within this run."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import (
    budget,
    contents,
    idle,
    listing,
    locked,
    many,
    page,
    recipes,
    registry_scale,
    rendering,
    sidebyside,
    store,
    tasks,
    together,
)
from benchmarks.builds import Builds
from benchmarks.clock import medians, quiet, seconds
from benchmarks.team import measure
from desktop_bake import (
    Environment,
    ImageReference,
    Settings,
    ensure_desktop_image,
    start_task,
)
from desktop_bake.bake.config.shipped import gate_text, shipped
from desktop_bake.bake.engine.engine import Engine
from desktop_bake.bake.images.result import Fallback, ImageResult
from desktop_bake.bake.task.novnc import NO_SECRET, novnc_url, wait_for_banner

if TYPE_CHECKING:
    from collections.abc import Callable

LOCAL = ImageReference.parse("desktop-bake")
# What a task did at every start before: install the same tools, as anyone would.
NAIVE = """export DEBIAN_FRONTEND=noninteractive
apt-get update && apt-get install -y --no-install-recommends tigervnc-standalone-server fluxbox xterm websockify novnc \
  imagemagick x11-utils wmctrl xdotool xauth fonts-dejavu xfonts-base
"""


class Bench:
    """The measurements, each adding a row to the table."""

    def __init__(self, repetitions: int, folder: Path, before: str | None = None) -> None:
        self.before = before  # a revision whose recipe is compared with today's
        self.repetitions = repetitions
        self.folder = folder
        self.rows: list[tuple[str, str, str, str]] = []
        self.engine = Engine()
        base = ImageReference.parse(os.environ["DESKTOP_BAKE_TEST_BASE"])
        quiet("docker", "pull", "-q", str(base))
        self.environment = Environment(
            env_id="bench", base_image=base, headless_desktop_enabled=True, cache_desktop_build=True
        )
        self.settings = Settings(repository=LOCAL)
        self.config = folder / "desktop-bake.toml"
        self.config.write_text(
            f'[environments.bench]\nbase_image = "{base}"\n'
            "headless_desktop_enabled = true\ncache_desktop_build = true\n"
        )
        self.image = ensure_desktop_image(self.environment, self.settings)

    def row(self, what: str, ours: float, theirs: float, bar: str, *, times_faster: bool = False) -> None:
        """Add a ratio of two medians in seconds."""
        ratio = theirs / ours if times_faster else ours / theirs
        self.add(what, f"{ours:.3f} s / {theirs:.3f} s", f"{ratio:.2f}", bar)

    def start(self, image: ImageResult) -> float:
        """From nothing to VNC's banner and a window manager, through the API."""
        started = []
        return seconds(
            lambda: started.append(start_task(self.environment, image, self.settings)), lambda: started[0].stop()
        )

    def command(self) -> float:
        """`desktop-bake run`, the whole process, until it reports that noVNC answers."""
        process = subprocess.Popen(
            [sys.executable, "-m", "desktop_bake", "run", "--config", str(self.config), "--", "sleep", "100"],
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        assert process.stderr
        stderr = process.stderr

        def until_ready() -> None:
            while b"[desktop] ready" not in stderr.readline():
                pass

        took = seconds(until_ready)
        process.terminate()
        process.communicate()
        return took

    def bare(self, install: str = "") -> float:
        """Plain `docker run` of the same image and script, until the banner; with `install`, on the base instead."""
        script, gate = shipped("recipe/desktop_run.sh").read_text(), gate_text()
        image = str(self.environment.base_image if install else self.image.image_id)
        names: list[str] = []

        def alive() -> None:
            quiet("docker", "exec", names[0], "true")

        def run() -> None:
            words = ["docker", "run", "-d", "--init", "-p", "127.0.0.1::6080", "--entrypoint", "bash"]
            script_as_it_is = f'{install}\nexec bash -c "$1" desktop "$2" <<<"- stay"'  # "-": no secret
            done = subprocess.run(
                [*words, image, "-c", script_as_it_is, "x", script, gate], capture_output=True, check=True
            )
            names.append(done.stdout.decode().strip())
            port = subprocess.run(["docker", "port", names[0], "6080"], capture_output=True, check=True).stdout
            wait_for_banner(novnc_url(int(port.decode().split()[0].rsplit(":", 1)[1]), NO_SECRET), 600, alive)

        return seconds(run, lambda: quiet("docker", "rm", "-f", names[0]))

    def starts(self) -> None:
        """Task start: the command against bare docker run, and against installing at start."""
        ours, bare = medians(self.repetitions, self.command, self.bare)
        self.row("hit, `desktop-bake run` until ready / bare docker run to the banner", ours, bare, "<= 0.85")
        setup = shipped("recipe/desktop_setup.sh").read_text()
        env_id, base = self.environment.env_id, str(self.environment.base_image)
        at_start = Fallback(environment=env_id, image=base, cache_key=None, reason="measured", exit_status=6)
        naive, slim = medians(
            self.repetitions, lambda: self.bare(f"{NAIVE}\n({setup}\n)"), lambda: self.start(at_start)
        )
        self.row("hit / plain `apt-get install` at every start, times faster", ours, naive, ">= 60", times_faster=True)
        self.row("hit / our own fallback at start, times faster", ours, slim, "", times_faster=True)

    def resolves(self) -> None:
        """The whole `desktop-bake resolve` against the whole `docker image inspect`."""
        ours, inspect = medians(
            self.repetitions * 3,
            lambda: seconds(
                lambda: quiet(sys.executable, "-m", "desktop_bake", "resolve", "-q", "--config", str(self.config))
            ),
            lambda: seconds(lambda: quiet("docker", "image", "inspect", str(self.image.image_id))),
        )
        self.row("resolve on a local hit / docker image inspect", ours, inspect, "<= 4")

    def builds(self) -> None:
        """Our cold build against plain bake of the same file, and a rebuild after a setup change."""
        made = Builds(self.environment, self.settings, self.engine, self.folder)
        cold, plain_cold = medians(self.repetitions, made.ours, made.theirs)
        (again,) = medians(self.repetitions, made.rebuild)
        made.remove()
        self.row("our cold build / plain docker buildx bake", cold, plain_cold, "<= 1.05")
        self.row("rebuild after a setup change / cold build", again, cold, "<= 0.15")

    def size(self) -> None:
        """Megabytes over the base, unpacked, as docker history shows them."""
        added = sidebyside.size_mb(str(self.image.image_id), str(self.environment.base_image))
        self.rows.append(("megabytes added to the base", f"{added:.0f} MB", "", "<= 230"))

    def sidebyside(self) -> None:
        """What people do instead, measured once each: it takes minutes."""
        base, made = str(self.environment.base_image), Builds(self.environment, self.settings, self.engine, self.folder)
        ours = sidebyside.Figures(
            cold_s=made.ours(),
            again_s=made.rebuild(),
            size_mb=sidebyside.size_mb(str(self.image.image_id), base),
            start_s=statistics.median(self.start(self.image) for _ in range(self.repetitions)),
        )
        made.remove()
        sidebyside.measure(ours, base, self.add)

    def add(self, *row: str) -> None:
        """Add a row of four cells."""
        self.rows.append(row)  # type: ignore[arg-type]
        print(row, file=sys.stderr, flush=True)

    def team(self) -> None:
        """What a second machine gains from the team's registry."""
        (self.folder / "team").mkdir()
        measure(str(self.environment.base_image), self.repetitions, self.folder / "team", self.add)

    def store(self) -> None:
        """The cost of `images` and `explain` in a large store."""
        (self.folder / "store").mkdir()
        store.measure(min(self.repetitions, 3), self.folder / "store", self.add)  # each takes a quarter of a minute

    def registry_scale(self) -> None:
        """The cost of a repository with thousands of tags."""
        (self.folder / "registry-scale").mkdir()
        registry_scale.measure(self.repetitions, self.folder / "registry-scale", self.add)

    def locked(self) -> None:
        """The cost of a pre-commit hook on a laptop without Docker."""
        (self.folder / "locked").mkdir()
        took = locked.render_check_s(self.folder / "locked", self.repetitions)
        what = f"`render --check` of {locked.ENVIRONMENTS} environments with a lock, without engine and network"
        self.add(what, f"{took:.3f} s", "", "< 0.3 s")

    def budget(self) -> None:
        """The parts of a hit's time."""
        budget.measure(self.repetitions, self.config, self.add)

    def many(self) -> None:
        """The cost of 1,000 environments on few bases."""
        (self.folder / "many").mkdir()
        many.measure(min(self.repetitions, 3), self.folder / "many", str(self.environment.base_image), self.add)

    def together(self) -> None:
        """The gain of one call of Bake over separate builds."""
        several = together.Environments(self.folder / "together", str(self.environment.base_image))
        at_once, alone = medians(self.repetitions, several.together, several.alone)
        what = f"`build --all` of {together.COUNT} environments / {together.COUNT} single builds"
        self.row(what, at_once, alone, "<= 0.7")


def measured(part: Callable[[Bench], object], bench: Bench) -> bool:
    """Measure a part; return False if it failed, since the figures of all others must not be lost to it."""
    try:
        part(bench)
    except Exception:  # noqa: BLE001 (it is shown, and the status tells it)
        traceback.print_exc()
        return False
    return True


def main() -> int:
    """Measure everything and print the table as Markdown."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("-n", type=int, default=5, help="repetitions, default: %(default)s")
    parser.add_argument("--json", action="store_true")
    parts = {
        "rendering": rendering.measure,
        "locked": Bench.locked,
        "many": Bench.many,
        "size": Bench.size,
        "contents": contents.measure,
        "resolves": Bench.resolves,
        "tasks": tasks.measure,
        "ps": listing.measure,
        "starts": Bench.starts,
        "budget": Bench.budget,
        "idle": idle.measure,
        "builds": Bench.builds,
        "together": Bench.together,
        "team": Bench.team,
        "store": Bench.store,
        "registry-scale": Bench.registry_scale,
        "sidebyside": Bench.sidebyside,
        "page": page.measure,
        "recipes": recipes.measure,
    }
    unasked = {"recipes", "contents"}  # the first needs a revision to compare with, the other is for docs/image-size.md
    parser.add_argument(
        "--only", nargs="+", choices=parts, default=[*parts.keys() - unasked], help="some parts of the table alone"
    )
    parser.add_argument(
        "--before", metavar="REVISION", help="of Git, whose recipe the part `recipes` compares with today's"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments.n, Path(folder), arguments.before)
        failed = [part for part in parts if part in arguments.only and not measured(parts[part], bench)]
    if arguments.json:
        print(json.dumps({"schema": 1, "rows": bench.rows}))
    else:
        print(f"medians of {arguments.n} or more\n\n| what | measured | ratio | bar |\n|---|---|---|---|")
        for row in bench.rows:
            print("| " + " | ".join(row) + " |")
    if failed:
        print(f"not measured, see above: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
