"""A team of many machines that miss the same keys at once: who builds, the registry's load, and the duration.

    python -m benchmarks.crowd --machines 100 --rounds 9

Every machine is a separate process with the real client code: look-up, lease, publishing and pulling, with a real
registry. Its engine is in memory (`bake/engine/protocol.py`), and a build is a pause. In every third round the first
machine that builds is killed midway. The registry's requests are counted from its access log.
"""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.connection
import os
import re
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop_bake import Digest, Environment, ImageReference, Settings
from desktop_bake.bake.build.team_lease import leased
from desktop_bake.bake.images.resolve import glance, search
from desktop_bake.bake.images.result import LocalHit, Miss
from desktop_bake.bake.images.transfer import publish, pull
from desktop_bake.bake.images.trust import BUILT, note
from desktop_bake.bake.registry.client import look_up
from tests.harness.fake_engine import ENDED, FakeEngine
from tests.harness.registries import RealRegistry, push_image, real_registry
from tests.harness.work import work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from desktop_bake.bake.context import Context
    from desktop_bake.bake.system.process import Ended


PATH = "team/desktop"
BASE = ImageReference.parse("registry.example.com/base:bookworm")
ENVIRONMENT = Environment(env_id="office", base_image=BASE, headless_desktop_enabled=True, cache_desktop_build=True)
WAIT_S = 300.0
_REQUEST = re.compile(r'\[([^\]]+)\] "(?:GET|HEAD|PUT|POST|PATCH|DELETE) /v2/')


class TeamEngine(FakeEngine):
    """An engine in memory that pulls from, and pushes to, a real registry."""

    def work(self, *arguments: str, **_: Any) -> Ended:
        """Like `Engine.work`."""
        kind, *_others, name = arguments
        reference = ImageReference.parse(name)
        if kind == "pull":
            found = look_up(reference, "linux/amd64")
            assert found
            self.add("", found.labels, known_as=name)
        else:
            labels = dict(self.store[self.names[reference.named]].labels)
            push_image(reference.domain, reference.path, str(reference.tag), labels)
        return ENDED


def _context(host: str) -> Context:
    """The context of a machine that has only the base."""
    engine = TeamEngine()
    engine.add(BASE.named, known_as=f"{BASE.repository}@{Digest.of(b'base')}")
    return work(engine, Settings(repository=ImageReference.parse(f"{host}/{PATH}"), push=True))


def _obtain(wanted: str, build_s: float, host: str, tell: multiprocessing.connection.Connection) -> str:
    """The part of `bake.obtain` that matters here, with a pause for the build."""
    context = _context(host)
    found = glance(replace(ENVIRONMENT, build_args={"KEY": wanted}), context)
    assert isinstance(found, Miss)
    there = search(found, context)
    if isinstance(there, Miss):
        with leased(there, context, WAIT_S) as got:
            if isinstance(got, Miss):
                tell.send(("builds", wanted))
                time.sleep(build_s)
                order = got.order
                image = context.engine.add(order.tag, order.key.labels(BASE.named))  # type: ignore[attr-defined]
                note(image.image_id, BUILT)
                built = publish(LocalHit(order=order, image_id=image.image_id), context)
                return built.push_error or "built"
            there = got
    pull(there, context)
    return "pulled"


def _machine(folder: Path, host: str, pipe: multiprocessing.connection.Connection) -> None:
    """A machine: for each key that it gets, prints when it has the image."""
    os.environ["XDG_CACHE_HOME"] = str(folder)
    while True:
        wanted, build_s = pipe.recv()
        try:
            pipe.send(("has", _obtain(wanted, build_s, host, pipe)))
        except Exception as error:  # noqa: BLE001  # it is counted, whatever it is
            pipe.send(("has", f"{type(error).__name__}: {error}"))


@dataclass
class Member:
    """A machine of the team."""

    process: Any
    pipe: multiprocessing.connection.Connection


@dataclass
class Round:
    """The result of a round.

    Attributes:
        keys: the number of missed keys.
        builds: how often each was built, killed builds included.
        killed: the number of killed machines.
        ends: the results of the other machines.
        seconds: until the last had its image.
        requests: the registry's requests in each second.
    """

    keys: int
    builds: Counter[str] = field(default_factory=Counter)
    killed: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    seconds: float = 0
    requests: Counter[str] = field(default_factory=Counter)

    def row(self, number: int) -> str:
        """The round as a row of a table."""
        most, total = max(self.builds.values()), self.builds.total()
        ends = ", ".join(f"{count} {end}" for end, count in self.ends.most_common())
        peak, all_of_them = max(self.requests.values(), default=0), self.requests.total()
        return (
            f"| {number} | {self.keys} | {self.killed} | {total} ({most}) | {ends} "
            f"| {all_of_them:,} | {all_of_them / self.seconds:.0f} ({peak}) | {self.seconds:.1f} s |"
        )


class Team:
    """Machines, and the registry that they share.

    Args:
        folder: an empty folder.
        registry: the registry, whose log is beside its configuration.
        count: the number of machines.
    """

    def __init__(self, folder: Path, registry: RealRegistry, count: int) -> None:
        self.folder, self.registry = folder, registry
        self.log = folder / "registry" / "registry.log"
        self._fork = multiprocessing.get_context("fork")  # imported modules are shared by all
        self.members = [self._member(number) for number in range(count)]

    def _member(self, number: int) -> Member:
        ours, theirs = self._fork.Pipe()
        arguments = (self.folder / f"machine-{number}", self.registry.host, theirs)
        process = self._fork.Process(target=_machine, args=arguments, daemon=True)
        process.start()
        theirs.close()
        return Member(process, ours)

    def round(self, keys: int, build_s: float, *, kill: bool) -> Round:
        """Let every machine miss one of this many keys at the same moment."""
        done = Round(keys=keys)
        seen, began, marker = self.log.stat().st_size, time.monotonic(), time.time_ns()
        for number, member in enumerate(self.members):
            member.pipe.send((f"{marker}-{number % keys}", build_s))
        waiting = dict(enumerate(self.members))
        while waiting:
            ready = multiprocessing.connection.wait([member.pipe for member in waiting.values()], WAIT_S)
            if not ready:
                raise TimeoutError(f"{len(waiting)} machines have no image after {WAIT_S:g} s")
            for number in [number for number, member in waiting.items() if member.pipe in ready]:
                what, value = waiting[number].pipe.recv()
                if what == "has":
                    done.ends[value] += 1
                    del waiting[number]
                    continue
                done.builds[value] += 1
                if kill and not done.killed:
                    del waiting[number]
                    self._kill(number, build_s / 2)
                    done.killed += 1
        done.seconds = time.monotonic() - began
        with self.log.open() as log:
            log.seek(seen)
            done.requests.update(_REQUEST.findall(log.read()))
        return done

    def _kill(self, number: int, after_s: float) -> None:
        """Pull a machine's plug in the middle of its build, and set up another in its place."""
        time.sleep(after_s)
        self.end(self.members[number])
        self.members[number] = self._member(number)

    @staticmethod
    def end(member: Member) -> None:
        """End a machine."""
        os.kill(member.process.pid, signal.SIGKILL)
        member.process.join()
        member.pipe.close()

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            self.end(member)


def rounds(team: Team, count: int, build_s: float) -> Iterator[Round]:
    """This many rounds: one key for all, ten keys, a key for each, in turns; every third one with a kill."""
    shapes = (1, min(10, len(team.members)), len(team.members))
    for number in range(count):
        yield team.round(shapes[number % 3], build_s, kill=(number + number // 3) % 3 == 2)


def main() -> int:
    """Print a table; fail if a machine had no image in the end, or a key was built too often."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd")
    parser.add_argument("--machines", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--build-s", type=float, default=10.0, help="how long a build takes, default: %(default)s")
    arguments = parser.parse_args()
    done = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with real_registry(folder / "registry") as registry, Team(folder, registry, arguments.machines) as team:
            print("| round | keys | killed | builds (most of a key) | machines | requests | a second (peak) | time |")
            print("|---|---|---|---|---|---|---|---|", flush=True)
            for number, one in enumerate(rounds(team, arguments.rounds, arguments.build_s), 1):
                done.append(one)
                print(one.row(number), flush=True)
    per_key = [one.builds.total() - one.killed for one in done]
    print(f"\nbuilds per key, but for killed ones: {sum(per_key) / sum(one.keys for one in done):.2f}")
    for kind, those in (("", [o for o in done if not o.killed]), (" with a kill", [o for o in done if o.killed])):
        if those:
            print(f"median until all have it{kind}: {statistics.median(one.seconds for one in those):.1f} s")
    lost = sum(count for one in done for end, count in one.ends.items() if end not in ("built", "pulled"))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
