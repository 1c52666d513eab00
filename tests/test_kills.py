"""SIGKILL at any moment of anything: afterwards nothing is half, stuck or left, and nothing goes on.

The moments are drawn over the length of an undisturbed run. `DESKTOP_BAKE_SEED` draws those of a failed run again.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import secrets
import shutil
import subprocess
import tarfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kills import Project, docker, until
from tests.machines import Registry, tool
from tests.test_task import tasks
from tests.test_team import remote_builder

SEED = os.environ.get("DESKTOP_BAKE_SEED") or secrets.token_hex(4)

Rounds = Callable[[int, int], int]
Figure = Callable[[str], None]
Killing = Callable[..., None]


@pytest.fixture
def killed(project: Path) -> Project:
    """A project whose commands are killed."""
    return Project(project)


@pytest.fixture
def killing(request: pytest.FixtureRequest, rounds: Rounds, figure: Figure) -> Killing:
    """Rounds of a kill each, after one run that nothing disturbs.

    words: the command, of the round's number
    few, many: how many rounds, as `rounds` has them
    before: what each round needs
    killed: what has to be true after the kill
    after: what has to be true once the command ran again, which has to go through at once
    """

    def run(
        project: Project, words: Callable[[], tuple[str, ...]], few: int, many: int, *, before: Callable[[], object],
        killed: Callable[[], object], after: Callable[[], object], env_id: str = "default",
    ) -> None:  # fmt: skip
        print(f"DESKTOP_BAKE_SEED={SEED}")
        before()
        start = time.monotonic()
        project.bake(*words())
        length_s = time.monotonic() - start
        after()
        number = rounds(few, many)
        for i in range(number):
            before()
            project.kill(words(), length_s, random.Random(f"{SEED} {request.node.name} {i}"))
            killed()
            project.bake(*words())
            after()
            project.is_tidy(env_id)
        figure(f"{words()[0]}: {number} kills, nothing half, stuck or left")

    return run


def built(project: Project) -> None:
    """Bake a further image."""
    project.change()
    project.bake("build", "--cache", "none")


def test_build(killed: Project, killing: Killing) -> None:
    """A build: a hit is whole, the local cache whole or gone, and the next build takes it without a complaint."""

    def whole() -> None:
        killed.caches_are_whole()
        killed.resolve()

    def after() -> None:
        killed.hits()
        killed.caches_are_whole()
        assert len(list(killed.caches.glob("*/index.json"))) == 1

    killing(killed, lambda: ("build",), 3, 80, before=killed.change, killed=whole, after=after)
    built(killed)
    assert not list(killed.cache.glob("bake-*"))


@pytest.fixture(scope="module")
def small(team: Registry, base: str) -> str:
    """A base image of a shell and little else, in the team's registry: handed over in no time."""
    name, programs = f"{team.address}/small:1", "/bin/bash /bin/sh /bin/cat"
    pack = f"tar --no-recursion -ch /etc /tmp {programs} $(ldd {programs} | grep -o '/lib[^ ]*' | sort -u)"
    subprocess.run(
        f"docker run --rm {base} sh -c \"$PACK\" | docker import - {name}", shell=True, check=True, capture_output=True,
        env={**os.environ, "PACK": pack},
    )  # fmt: skip
    docker("push", "-q", name)
    return name


def test_load(killed: Project, killing: Killing, small: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A build by a builder that hands its image over as an archive: no half of it is taken for a hit."""
    text = killed.configuration.read_text().splitlines()
    killed.configuration.write_text("\n".join(f'base_image = "{small}"' if "base_" in t else t for t in text))
    with remote_builder(os.environ["DOCKER_HOST"], tmp_path_factory.mktemp("b")) as builder:
        words = ("build", "--cache", "none", "--builder", builder)
        killing(killed, lambda: words, 1, 40, before=killed.change, killed=killed.resolve, after=killed.hits)


@pytest.fixture
def published(killed: Project, team: Registry) -> str:
    """The project's repository, in the team's registry."""
    text = killed.configuration.read_text()
    name = f"{team.address}/{text.split(chr(34))[1]}"
    killed.configuration.write_text(f'repository = "{name}"\n' + text.partition("\n")[2])
    return name


def test_push(killed: Project, killing: Killing, published: str) -> None:
    """A push: the registry has the image with all its parts, or not at all."""

    def after() -> None:
        assert killed.published(published)

    killing(
        killed, lambda: ("build", "--cache", "none", "--push"), 2, 40, before=lambda: built(killed),
        killed=lambda: killed.published(published), after=after,
    )  # fmt: skip


def test_pull(killed: Project, killing: Killing, published: str) -> None:
    """A pull: a hit has every byte of every layer."""
    large = b""

    def before() -> None:
        """In the registry is an image with a layer that this engine has never seen."""
        nonlocal large
        killed.change()
        killed.bake("build", "--cache", "none", "--push")
        name = f"{published}:{killed.bake('key', '-q').split()[0]}"
        large = os.urandom(24 << 20)
        layer = killed.folder / "layer.tar"
        with tarfile.open(layer, "w") as tar:
            entry = tarfile.TarInfo("etc/large")
            entry.size = len(large)
            tar.addfile(entry, io.BytesIO(large))
        subprocess.run([tool("crane"), "append", "-b", name, "-f", layer, "-t", name], check=True, capture_output=True)
        docker("image", "rm", "-f", name)

    def hit() -> str:
        found = killed.resolve()
        if found["status"] == "local-hit":
            said = docker("run", "--rm", found["image_id"], "sha256sum", "/etc/large")
            assert said.split()[0] == hashlib.sha256(large).hexdigest()
        return str(found["status"])

    def after() -> None:
        assert hit() == "local-hit"

    killing(killed, lambda: ("build",), 1, 30, before=before, killed=hit, after=after)


def test_configuration(killed: Project, killing: Killing) -> None:
    """An edit of the configuration: the file is the old one or the new one; other people's files stay."""
    text = killed.configuration.read_text()
    neighbour = killed.folder / ".desktop-bake.toml.swp"
    contents = [text]

    def before() -> None:
        killed.number += 1
        contents[:] = [killed.configuration.read_text(), f'{text}name = "{"x" * 9000}{killed.number}"\n']

    def after() -> None:
        assert killed.configuration.read_text() == contents[1]
        assert neighbour.exists()
        neighbour.unlink()

    def words() -> tuple[str, ...]:
        neighbour.touch()
        return ("env", "set", "default", f"name={'x' * 9000}{killed.number}")

    def whole() -> None:
        assert killed.configuration.read_text() in contents

    killing(killed, words, 2, 40, before=before, killed=whole, after=after)


def test_prune(killed: Project, killing: Killing) -> None:
    """A prune: what an environment reaches stays, and what is going is whole or gone."""
    files = 3000

    def before() -> None:
        """The image of the round before and a cache are reached by nothing."""
        killed.change()
        killed.bake("build")
        (family,) = killed.caches.iterdir()
        other = family.with_name("bookworm-000000000000")
        shutil.copytree(family, other)
        for number in range(files):
            (other / f"{number}").touch()

    def whole() -> None:
        killed.hits()
        for other in killed.caches.glob("*-000000000000"):
            assert sum(path.name.isdecimal() for path in other.iterdir()) == files

    def after() -> None:
        killed.hits()
        assert len(list(killed.caches.iterdir())) == 1
        repository = killed.configuration.read_text().split('"')[1]
        assert len(docker("image", "ls", "-q", repository).split()) == 1

    killing(killed, lambda: ("prune", "--yes"), 1, 30, before=before, killed=whole, after=after)


@pytest.mark.parametrize("flags", [(), ("--detach",)])
def test_run(killed: Project, killing: Killing, base: str, flags: tuple[str, ...]) -> None:
    """A run with a desktop: its container is gone with it, or with the next run; one that was never told of, too."""
    env_id = f"killed-{uuid.uuid4().hex[:8]}"
    killed.configuration.write_text(
        f'[environments.{env_id}]\nbase_image = "{base}"\nheadless_desktop_enabled = true\ncache_desktop_build = true\n'
    )
    killed.bake("build", env_id)

    def whole() -> None:
        if not flags:
            until(lambda: not [c for c in tasks(env_id) if started(c)], lambda: docker("ps", "-a"))

    def after() -> None:
        until(lambda: not tasks(env_id), lambda: docker("ps", "-a"))

    words = ("run", *flags, env_id, "--", "true")
    killing(killed, lambda: words, 2, 20, before=lambda: None, killed=whole, after=after, env_id=env_id)


def started(container: str) -> bool:
    """Whether a container has run."""
    shown = subprocess.run(
        ["docker", "inspect", "-f", "{{.State.Status}}", container], capture_output=True, check=False
    )
    return shown.stdout.strip() not in (b"", b"created")


def test_a_silent_step_ends(killed: Project) -> None:
    """A build that waits for a step without a word ends with its program, in BuildKit too."""
    length = f"9{uuid.uuid4().int % 10**12}"
    (killed.folder / "install.sh").write_text(f"echo under way; sleep {length}\n")
    process = killed.start("build")
    until(lambda: "under way" in killed.said, lambda: killed.said)
    until(lambda: is_running(length), lambda: killed.said)
    process.kill()
    process.wait()
    killed.ends()
    until(lambda: not is_running(length), lambda: docker("ps"))


def test_an_install_at_start_ends(killed: Project) -> None:
    """A task that is still installing ends with its program."""
    length = f"9{uuid.uuid4().int % 10**12}"
    env_id = f"killed-{uuid.uuid4().hex[:8]}"
    text = killed.configuration.read_text().replace("default", env_id)
    killed.configuration.write_text(text.replace("cache_desktop_build = true\n", ""))
    (killed.folder / "install.sh").write_text(f"sleep {length}\n")
    process = killed.start("run", env_id)
    until(lambda: is_running(length), lambda: killed.said)
    process.kill()
    process.wait()
    until(lambda: not tasks(env_id), lambda: docker("ps"))
    assert not is_running(length)


def is_running(length: str) -> bool:
    """Whether `sleep` of this length runs, in whatever container."""
    found = subprocess.run(["pgrep", "-fx", f"sleep {length}"], capture_output=True, check=False)
    return found.returncode == 0
