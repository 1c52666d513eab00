"""buildx: whether it is there, and what its builders can do."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import BuildFailedError, EngineError
from desktop_bake.bake.engine.buildx import Builder, builder, require_answer, require_buildx

if TYPE_CHECKING:
    from desktop_bake.bake.engine.engine import Engine

CONTAINER = "Name: b\nDriver:        docker-container\nLast Activity: x\n"
CLASSIC = (
    "Name:   default\nDriver: docker\nLabels:\n org.mobyproject.buildkit.worker.moby.host-gateway-ip: 172.17.0.1\n"
)
STORE = CLASSIC + " org.mobyproject.buildkit.worker.containerd.namespace: moby\n"
VERSION = "github.com/docker/buildx v0.21.1 7c2359c\n"


class Docker:
    """An engine and its client, as far as buildx goes.

    Args:
        said: what `docker buildx inspect` and `docker buildx version` print, each with a status and what it says of it.
        is_up: whether the engine answers.
        has_store: whether it has containerd's image store.
    """

    def __init__(self, *, is_up: bool = True, has_store: bool = False, **said: tuple[int, str, str]) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._said = said
        self._is_up = is_up
        self._has_store = has_store

    def docker(self, *words: str) -> CompletedProcess[bytes]:
        """As `Engine.docker`."""
        self.asked.append(words)
        status, output, errors = self._said[words[1]]
        return CompletedProcess(words, status, output.encode(), errors.encode())

    def answers(self) -> bool:
        """As `Engine.answers`."""
        return self._is_up

    def has_containerd_store(self) -> bool:
        """As `Engine.has_containerd_store`."""
        return self._has_store


def engine(docker: Docker) -> Engine:
    """The same, as its callers know it."""
    return cast("Engine", docker)


@pytest.mark.parametrize("has_store", [False, True])
def test_the_engines_own(has_store: bool) -> None:
    """If nobody chose a builder, the engine's own is taken, and no client is asked."""
    docker = Docker(has_store=has_store)
    assert builder(engine(docker), None) == Builder(driver="docker", exports_cache=has_store)
    assert builder(engine(docker), "") == Builder(driver="docker", exports_cache=has_store)
    assert docker.asked == []


# What buildx writes at each build on an engine whose builder nobody chose.
NOBODY = '{"Key":"unix:///run/docker.sock","Name":"","Global":false}'


@pytest.mark.parametrize("has_store", [False, True])
def test_nobody_chose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_store: bool) -> None:
    """Whoever built before has notes of buildx without a builder's name: still no client is asked."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "buildx" / "defaults").mkdir(parents=True)
    (tmp_path / "buildx" / "current").write_text(NOBODY)
    docker = Docker(has_store=has_store)
    assert builder(engine(docker), None) == Builder(driver="docker", exports_cache=has_store)
    assert docker.asked == []


@pytest.mark.parametrize("chosen", ["variable", "file", "file elsewhere", "default", "unreadable", "of another form"])
def test_a_builder_that_was_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    """A builder may be chosen by a variable, or by what `docker buildx use` writes, here or where buildx is told to;
    notes that are not understood are the client's to read."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    if chosen == "variable":
        monkeypatch.setenv("BUILDX_BUILDER", "b")
    else:
        folder = tmp_path / ("elsewhere" if chosen == "file elsewhere" else "buildx")
        (folder / "defaults").mkdir(parents=True)
        notes = {"default": NOBODY, "unreadable": "{", "of another form": "[]"}
        (folder / "current").write_text(notes.get(chosen, NOBODY.replace('"Name":""', '"Name":"b"')))
        if chosen == "default":
            (folder / "defaults" / "0a").write_text("b")
        if chosen == "file elsewhere":
            monkeypatch.setenv("BUILDX_CONFIG", str(folder))
    docker = Docker(inspect=(0, CONTAINER, ""))
    assert builder(engine(docker), None) == Builder(driver="docker-container", exports_cache=True)
    assert docker.asked == [("buildx", "inspect")]


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (CONTAINER, Builder(driver="docker-container", exports_cache=True)),
        ("Driver: remote\n", Builder(driver="remote", exports_cache=True)),
        (CLASSIC, Builder(driver="docker", exports_cache=False)),
        (STORE, Builder(driver="docker", exports_cache=True)),
    ],
)
def test_a_builder_by_its_name(shown: str, wanted: Builder) -> None:
    """The classic image store of the engine's own builder exports no cache; all others do."""
    docker = Docker(inspect=(0, shown, ""))
    assert builder(engine(docker), "b") == wanted
    assert docker.asked == [("buildx", "inspect", "b")]


@pytest.mark.parametrize(
    ("inspected", "version", "says", "remedy"),
    [
        ((1, "", 'ERROR: no builder "b" found\n'), VERSION, 'builder b: no builder "b" found', "see: docker buildx ls"),
        ((1, "", ""), VERSION, "builder b: no reason given", "see: docker buildx ls"),
        ((0, "Name: b\n", ""), VERSION, "builder b: no reason given", "see: docker buildx ls"),
        ((1, "", "docker: 'buildx' is not a docker command."), "", "buildx is missing", "install the docker-buildx"),
        (
            (1, "", "x"),
            VERSION.replace("21", "12"),
            "buildx v0.12.1 is too old",
            "install the docker-buildx plugin, 0.13",
        ),
    ],
)
def test_no_such_builder(inspected: Any, version: str, says: str, remedy: str) -> None:
    """A faulty builder is distinguished from a buildx that is missing or too old."""
    docker = Docker(inspect=inspected, version=(0, version, ""))
    with pytest.raises(EngineError) as caught:
        builder(engine(docker), "b")
    assert str(caught.value) == says
    assert caught.value.remedy.startswith(remedy)


@pytest.mark.parametrize(
    "version", [VERSION, "github.com/docker/buildx 0.13.0+ds1 1.2", "buildx v1.0.0", "buildx v0.100.0-rc1"]
)
def test_new_enough(version: str) -> None:
    """Every form in which distributions name a version is read, and compared as numbers."""
    require_buildx(engine(Docker(version=(0, version, ""))))


def test_the_engine_ended() -> None:
    """A failed build is the engine's end only if the engine does not answer."""
    failed = BuildFailedError("step failed", "look")
    require_answer(engine(Docker()), failed)
    with pytest.raises(EngineError, match=r"^the Docker Engine ended during the build: step failed$") as caught:
        require_answer(engine(Docker(is_up=False)), failed)
    assert caught.value.__cause__ is failed
