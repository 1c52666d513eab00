"""The cost of commands over 1,000 environments against 10 on the same bases, and the number of their requests."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from desktop_bake.bake.engine.api import Endpoint
from tests.harness.proxy import faulty
from tests.harness.relay import Watch, ignore, passing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Add = Callable[[str, str, str, str], None]


BASES, FEW, MANY = 5, 10, 1000
_SCRIPT = "#!/bin/sh\ntrue\n"
_ENVIRONMENT = """[environments.e{number}]
base_image = "{base}"
headless_desktop_enabled = true
cache_desktop_build = true
install_script = "script.sh"
setup_script = "script.sh"
"""
_COMMANDS = {
    "render -o": ["render", "-o", "out"],
    "build --all": ["build", "--all"],
    "explain --all": ["explain", "--all"],
}


@contextmanager
def counted(engine: str) -> Iterator[tuple[str, list[bytes]]]:
    """The DOCKER_HOST of a relay to an engine, and the first line of each request: our connections have one each.

    Args:
        engine: the engine's own, `unix://…`.
    """
    seen: list[bytes] = []

    def watches() -> tuple[Watch, Watch]:
        is_first = iter((True,))

        def note(piece: bytes) -> None:
            if next(is_first, False):
                seen.append(piece.partition(b"\r\n")[0])

        return note, ignore

    with passing(engine, watches) as host:
        yield host, seen


class Environments:
    """Two configurations of environments that are all here and in a registry.

    Args:
        folder: an empty folder.
        base: what the bases are made of.
        registry: `HOST:PORT`.
    """

    def __init__(self, folder: Path, base: str, registry: str) -> None:
        self.folder = folder
        place = f"{registry}/bench-{uuid.uuid4().hex[:8]}"
        self.bases = [f"{place}/base:{number}" for number in range(BASES)]
        (folder / "script.sh").write_text(_SCRIPT)
        for count in (FEW, MANY):
            text = f'repository = "{place}/desktop"\ncache = "none"\n'
            text += "".join(_ENVIRONMENT.format(number=n, base=self.bases[n % BASES]) for n in range(count))
            (folder / f"{count}.toml").write_text(text)
        for number, name in enumerate(self.bases):
            made = f"FROM {base}\nLABEL bench={number}\n"
            words = ["docker", "buildx", "build", "-q", "--load", "-t", name, "-"]
            subprocess.run(words, input=made.encode(), check=True, capture_output=True)
            subprocess.run(["docker", "push", "-q", name], check=True, capture_output=True)
        self.run(FEW, ["build", "--all", "--push"])

    def run(self, count: int, words: list[str], host: str = "") -> float:
        """Seconds of a command, as a whole process."""
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        own = {"XDG_CACHE_HOME": str(self.folder / "cache"), **({"DOCKER_HOST": host} if host else {})}
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "desktop_bake", *words, "-q", "--config", str(self.folder / f"{count}.toml")],
            cwd=self.folder,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return time.perf_counter() - start

    def remove(self) -> None:
        """Remove the images."""
        listed = ["docker", "image", "ls", "-q", f"{self.bases[0].rpartition('/')[0]}/*"]
        ids = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
        subprocess.run(["docker", "image", "rm", "-f", *dict.fromkeys(ids)], check=True, capture_output=True)


def measure(repetitions: int, folder: Path, base: str, add: Add) -> None:
    """Add the rows.

    repetitions: the number of runs of every measurement, in turns.
        repetitions: of every measurement, in turns.
        folder: an empty folder.
        base: a base whose registry takes pushes.
        add: takes the four cells of a row.
    """
    with faulty(base.partition("/")[0]) as proxy, counted(Endpoint.current().host) as (host, seen):
        every = Environments(folder, base, proxy.host)
        try:
            for name, words in _COMMANDS.items():
                times = [(every.run(FEW, words), every.run(MANY, words)) for _ in range(repetitions)]
                few, many = (statistics.median(column) for column in zip(*times, strict=True))
                seen.clear()
                every.run(MANY, words, host)
                add(
                    f"`{name}` of {MANY:,} environments on {BASES} bases, {len(seen)} engine requests / of {FEW}",
                    f"{many:.3f} s / {few:.3f} s",
                    f"{many / few:.1f}",
                    "<= 5, <= 20 requests",
                )
            proxy.requests.clear()
            took = every.run(MANY, ["warm"])
            asked = len(proxy.requests)
            add(f"`warm` of {MANY:,} environments, all there", f"{took:.3f} s", f"{asked} registry requests", "<= 30")
        finally:
            every.remove()
