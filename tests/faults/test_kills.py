"""SIGKILL at any moment of any command: afterwards nothing is half done, stuck, left behind or still running."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.harness.builders import remote_builder
from tests.harness.kills import Project, docker, is_running, kill_rounds, until
from tests.harness.machines import Registry, tool
from tests.harness.project import remove_images
from tests.harness.team import here

Rounds = Callable[[int, int], int]
Figure = Callable[[str], None]
ENV = f"kills-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def killed(project: Path, local_cache: None) -> Project:
    """A project whose commands are killed, with its own environment: other tests start tasks meanwhile."""
    made = Project(project)
    made.configuration.write_text(made.configuration.read_text().replace("environments.default", f"environments.{ENV}"))
    return made


def built(project: Project) -> None:
    """Bake another image."""
    project.change()
    project.bake("build", "--cache", "none")


def test_build(killed: Project, rounds: Rounds, figure: Figure) -> None:
    """A build: a hit is whole, the local cache is whole or gone, and the next build uses it without an error."""

    def whole() -> None:
        killed.caches_are_whole()
        killed.resolve()

    def after() -> None:
        killed.hits()
        killed.caches_are_whole()
        assert len(list(killed.caches.glob("*/index.json"))) == 1

    figure(
        kill_rounds(
            killed, rounds(1, 80), lambda: ("build",), before=killed.change, killed=whole, after=after, env_id=ENV
        )
    )
    built(killed)
    assert not list(killed.cache.glob("bake-*"))


def test_load(
    killed: Project, rounds: Rounds, figure: Figure, team: Registry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A build by a builder that hands its image over as an archive: half an image is never taken for a hit."""
    text = killed.configuration.read_text().splitlines()
    killed.configuration.write_text("\n".join(f'base_image = "{team.base}"' if "base_" in t else t for t in text))
    with remote_builder(os.environ["DOCKER_HOST"], here, tmp_path_factory.mktemp("b")) as builder:
        words = ("build", "--cache", "none", "--builder", builder)
        figure(
            kill_rounds(
                killed,
                rounds(1, 40),
                lambda: words,
                before=killed.change,
                killed=killed.resolve,
                after=killed.hits,
                env_id=ENV,
            )
        )


@pytest.fixture
def published(killed: Project, team: Registry) -> Iterator[str]:
    """The project's repository, in the team's registry."""
    text = killed.configuration.read_text()
    name = f"{team.address}/{text.split(chr(34))[1]}"
    killed.configuration.write_text(f'repository = "{name}"\n' + text.partition("\n")[2])
    yield name
    remove_images(name, check=True)


def test_push(killed: Project, rounds: Rounds, figure: Figure, published: str) -> None:
    """A push: the registry has the image with all its parts, or nothing."""

    def after() -> None:
        assert killed.published(published)

    words = ("build", "--cache", "none", "--push")
    figure(
        kill_rounds(
            killed,
            rounds(1, 40),
            lambda: words,
            before=lambda: built(killed),
            killed=lambda: killed.published(published),
            after=after,
            env_id=ENV,
        )
    )


def test_pull(killed: Project, rounds: Rounds, figure: Figure, published: str) -> None:
    """A pull: a hit has every byte of every layer."""
    large, pulled = b"", ""

    def before() -> None:
        """The registry has an image with a layer that is new to this engine."""
        nonlocal large, pulled
        killed.change()
        killed.bake("build", "--cache", "none", "--push")
        name = f"{published}:{killed.bake('key', '-q').split()[0]}"
        large = os.urandom(8 << 20)
        layer = killed.folder / "layer.tar"
        with tarfile.open(layer, "w") as tar:
            entry = tarfile.TarInfo("etc/large")
            entry.size = len(large)
            tar.addfile(entry, io.BytesIO(large))
        crane = partial(subprocess.run, check=True, capture_output=True, text=True)
        crane([tool("crane"), "append", "-b", name, "-f", layer, "-t", name])
        pulled = crane([tool("crane"), "digest", name]).stdout.strip()
        docker("image", "rm", "-f", name)

    def hit() -> str:
        found = killed.resolve()
        if found["status"] == "local-hit" and found["image_id"] != pulled:  # the pull was killed
            assert "[desktop-cache] WARNING: cannot pull" in killed.said
        elif found["status"] == "local-hit":
            said = docker("run", "--rm", found["image_id"], "sha256sum", "/etc/large")
            assert said.split()[0] == hashlib.sha256(large).hexdigest()
        return str(found["status"])

    def after() -> None:
        assert hit() == "local-hit"

    figure(kill_rounds(killed, rounds(1, 30), lambda: ("build",), before=before, killed=hit, after=after, env_id=ENV))


def test_configuration(killed: Project, rounds: Rounds, figure: Figure) -> None:
    """An edit of the configuration: the file is the old one or the new one; other files stay."""
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
        return ("env", "set", ENV, f"name={'x' * 9000}{killed.number}")

    def whole() -> None:
        assert killed.configuration.read_text() in contents

    figure(kill_rounds(killed, rounds(1, 40), words, before=before, killed=whole, after=after, env_id=ENV))


def test_prune(killed: Project, rounds: Rounds, figure: Figure) -> None:
    """A prune: what an environment uses stays, and what is being removed is whole or gone."""
    files = 3000

    def before() -> None:
        """Nothing uses the image of the round before, nor a cache."""
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

    figure(
        kill_rounds(
            killed, rounds(1, 30), lambda: ("prune", "--yes"), before=before, killed=whole, after=after, env_id=ENV
        )
    )


def test_a_silent_step_ends(killed: Project) -> None:
    """A build that waits for a silent step ends with its program, in BuildKit too."""
    length = f"9{uuid.uuid4().int % 10**12}"
    (killed.folder / "install.sh").write_text(f"echo under way; sleep {length}\n")
    process = killed.start("build")
    until(lambda: "under way" in killed.said, lambda: killed.said)
    until(lambda: is_running(length), lambda: killed.said)
    process.kill()
    process.wait()
    killed.ends()
    until(lambda: not is_running(length), lambda: docker("ps"))
