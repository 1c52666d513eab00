"""Commands that are killed midway, and what has to be true of a project afterwards.

The moments are random over the length of an undisturbed run. `DESKTOP_BAKE_SEED` repeats those of a failed run.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.harness.project import TINY
from tests.harness.registries import ACCEPT, Api
from tests.harness.tasks import tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


LIMIT_S = 120  # for anything that nothing delays: a build waits ten minutes for a lock
MARK = "DESKTOP_BAKE_TEST_MARK"
SEED = os.environ.get("DESKTOP_BAKE_SEED") or secrets.token_hex(4)


def until(true: Callable[[], bool], said: Callable[[], object]) -> None:
    """Wait for something that has to happen."""
    end = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < end, said()
        time.sleep(0.02)


def docker(*words: str) -> str:
    """What the docker client prints; it has to succeed."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 0, done
    return done.stdout


@dataclass
class Project:
    """A project of tiny scripts whose commands are killed.

    Args:
        folder: its folder.
        number: how often its setup script was changed; the script writes the number into the image.
    """

    folder: Path
    number: int = 0
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def cache(self) -> Path:
        """The cache folder of its commands."""
        return self.folder / "cache" / "desktop-bake"

    @property
    def caches(self) -> Path:
        """BuildKit's local caches in it."""
        return self.cache / "buildkit"

    @property
    def configuration(self) -> Path:
        """Its configuration file."""
        return self.folder / "desktop-bake.toml"

    def change(self) -> None:
        """Give it a different setup script, so that its image is a miss."""
        self.number += 1
        script = TINY.format("configured") + f"echo {self.mark} {self.number} >/etc/round\n"
        (self.folder / "setup.sh").write_text(script)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command in its own process group; its output goes to `said`."""
        with (self.folder / "said").open("wb") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "desktop_bake", *words],
                cwd=self.folder,
                env={**os.environ, MARK: self.mark},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """The output of the last command that was started."""
        return (self.folder / "said").read_text()

    def bake(self, *words: str, statuses: Sequence[int] = (0,)) -> str:
        """The output of an undisturbed command, which has to end within its limit."""
        done = subprocess.run(
            [sys.executable, "-m", "desktop_bake", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode in statuses, done.stderr
        assert "once more without the cache" not in done.stderr
        return done.stdout

    def processes(self) -> list[int]:
        """Its commands, and all that these started."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # ended meanwhile
                if f"{MARK}={self.mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return sorted(found)

    def ends(self) -> None:
        """Wait until nothing that its commands started is running."""
        until(lambda: not self.processes(), lambda: subprocess.run(["ps", "-ef"], capture_output=True, check=True))

    def kill(self, words: Sequence[str], length_s: float, draw: random.Random) -> float | None:
        """Start a command and kill it, its group or one of its children at a random moment of its usual length; return
        its true length if it ended before that, else None."""
        process, ended_s = self.start(*words), None
        began = time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            process.wait(draw.uniform(0, length_s))
            ended_s = time.monotonic() - began
        how = draw.choice(("process", "group", "child"))
        children = [p for p in self.processes() if p != process.pid]
        with suppress(ProcessLookupError):  # it had already ended
            if how == "child" and children:
                os.kill(draw.choice(children), signal.SIGKILL)
            elif how == "group":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait(LIMIT_S)
        assert "Traceback" not in self.said, self.said
        self.ends()
        return ended_s

    def resolve(self) -> dict[str, Any]:
        """Check that a hit, which a task would use, is whole."""
        found: dict[str, Any] = json.loads(self.bake("resolve", "-q", "--json", statuses=(0, 3)))
        if found["status"] == "local-hit":
            made = docker("run", "--rm", found["image_id"], "cat", "/etc/installed", "/etc/configured", "/etc/round")
            assert made == f"installed\nconfigured\n{self.mark} {self.number}\n"
        return found

    def hits(self) -> None:
        """Check that there is a hit here, and that it is whole."""
        assert self.resolve()["status"] == "local-hit"

    def is_tidy(self, env_id: str) -> None:
        """Check that no file, note or container of a killed process is left, except a build's folder for the next."""
        left = [*self.caches.glob(".*"), *self.cache.glob("records/.*")]
        # a note without an ID stays for ten minutes: the engine may still be creating that container
        left += [note for note in self.cache.glob("starting/*") if len(note.read_text().splitlines()) > 2]
        left += [path for path in self.folder.iterdir() if path.name.startswith(".")]
        left += list(self.cache.glob("bake-*"))[1:]
        assert left == [], left
        assert tasks(env_id) == []

    def caches_are_whole(self) -> None:
        """Check that every local cache has each blob that it names."""
        for index in self.caches.glob("*/index.json"):
            blobs = index.parent / "blobs" / "sha256"
            for manifest in json.loads(index.read_bytes())["manifests"]:
                content = json.loads((blobs / manifest["digest"].removeprefix("sha256:")).read_bytes())
                for part in (content["config"], *content["layers"]) if "config" in content else content["manifests"]:
                    name = part["digest"].removeprefix("sha256:")
                    assert hashlib.sha256((blobs / name).read_bytes()).hexdigest() == name

    def published(self, repository: str) -> bool:
        """Whether the registry has its image; checks that it then has all of it."""
        host, _, path = repository.partition("/")
        api, parts = Api(host), [f"manifests/{self.bake('key', '-q').split()[0]}"]
        if api.send("GET", f"/v2/{path}/{parts[0]}", headers=ACCEPT).status == 404:
            return False
        while parts:
            part = parts.pop()
            answer = api.send("GET", f"/v2/{path}/{part}", headers=ACCEPT)
            assert answer.status == 200, part
            if part.startswith("manifests/"):
                content = json.loads(answer.body)
                parts += [f"manifests/{entry['digest']}" for entry in content.get("manifests", ())]
                parts += [f"blobs/{entry['digest']}" for entry in content.get("layers", ())]
                parts += [f"blobs/{content['config']['digest']}"] if "config" in content else []
        return True


def kill_rounds(
    project: Project,
    rounds: int,
    words: Callable[[], Sequence[str]],
    *,
    before: Callable[[], object],
    killed: Callable[[], object],
    after: Callable[[], object],
    env_id: str,
) -> str:
    """Kill a command in this many rounds, after one undisturbed run.

    Args:
        project: the project.
        rounds: the number of rounds.
        words: the command.
        before: prepares each round.
        killed: checks the state after the kill.
        after: checks the state after the command has run again, which has to succeed at once.
        env_id: the environment that must have no containers left.

    Returns:
        The figure.
    """
    print(f"DESKTOP_BAKE_SEED={SEED}")
    before()
    start = time.monotonic()
    project.bake(*words())
    length_s = time.monotonic() - start
    after()
    early = 0
    for number in range(rounds):
        before()
        ended_s = project.kill(words(), length_s, random.Random(f"{SEED} {words()[0]} {number}"))
        early += ended_s is None
        length_s = ended_s or length_s  # the machine was busy when the first was measured
        killed()
        project.bake(*words())
        after()
        project.is_tidy(env_id)
    assert early >= rounds // 2, "most kills came too late"
    return f"{rounds} kills, {early} of them before the command's end; nothing half, stuck or left"


def is_running(length: str) -> bool:
    """Whether a `sleep` of this length runs, in any container."""
    found = subprocess.run(["pgrep", "-fx", f"sleep {length}"], capture_output=True, check=False)
    return found.returncode == 0
