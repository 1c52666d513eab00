"""`doctor`: what it looks at, and what it says of each thing that is wrong."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import ConfigurationError, RegistryError, Settings
from desktop_bake.bake.upkeep import doctor
from desktop_bake.bake.upkeep.check import Check, State
from desktop_bake.bake.upkeep.doctor import LEAST_FREE_BYTES, LITTLE_FREE_BYTES, examine, space
from tests.harness.recipes import BASE, OFFICE

if TYPE_CHECKING:
    from desktop_bake.bake.engine.engine import Engine
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

OK = Check(name="x", state=State.OK, said="fine")


@pytest.fixture(autouse=True)
def well(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine where all is well, on another machine, and disks with room."""
    for name in ("engine_checks", "buildx_checks"):
        monkeypatch.setattr(doctor, name, lambda _engine: iter([OK]))
    for name in ("image_store_checks", "builder_checks"):
        monkeypatch.setattr(doctor, name, lambda _settings, _engine: iter([OK]))
    monkeypatch.setattr(engine, "is_remote", lambda: True, raising=False)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=LITTLE_FREE_BYTES))
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")


def found(engine: FakeEngine, settings: Any) -> dict[str, Check]:
    """What is found, by its name; of the engine's own parts nothing."""
    return {check.name: check for check in examine(settings, cast("Engine", engine)) if check is not OK}


def wrong(checks: dict[str, Check]) -> dict[str, State]:
    """The failed checks."""
    return {name: check.state for name, check in checks.items() if check.state is not State.OK}


def test_all_is_well(engine: FakeEngine, team: Settings) -> None:
    """Each thing that a build needs is looked at, in the order in which it needs them."""
    settings = replace(team, environments={"office": OFFICE}, push=True, verify_command=("sh", "{image}"))
    checks = found(engine, settings)
    assert wrong(checks) == {}
    assert list(checks) == [
        "configuration",
        "verification",
        "credentials",
        "registry",
        "push",
        "environment office",
        "cache folder",
        "disk of the cache folder",
    ]
    assert checks["configuration"].said == "1 environment"


def test_a_configuration_that_does_not_load(engine: FakeEngine) -> None:
    """The error is one of the things found; the rest is looked at all the same."""
    checks = found(engine, ConfigurationError("nonsense", "mend it"))
    assert (checks["configuration"].said, checks["configuration"].exit_status) == ("nonsense", 2)
    assert checks["cache folder"].state is State.OK


def test_an_engine_that_does_not_answer(engine: FakeEngine, team: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an engine, what it would be asked is not looked at; the registry is."""
    failure = Check(name="engine", state=State.FAILURE, said="gone", exit_status=4)
    monkeypatch.setattr(doctor, "engine_checks", lambda _engine: iter([failure]))
    engine.is_up = False
    checks = found(engine, replace(team, environments={"office": OFFICE}))
    assert wrong(checks) == {"engine": State.FAILURE}
    assert "environment office" not in checks
    assert "registry" in checks


@pytest.mark.parametrize(
    ("program", "is_there"), [("sh", True), ("no-such-program", False), ("./check.sh", True), ("./gone.sh", False)]
)
def test_verification(engine: FakeEngine, tmp_path: Path, program: str, is_there: bool) -> None:
    """The program is looked for where it would be run."""
    (tmp_path / "check.sh").touch(0o755)
    settings = Settings(root=tmp_path, verify_command=(program, "{image}"))
    check = found(engine, settings)["verification"]
    assert (check.state, check.exit_status) == ((State.OK, 0) if is_there else (State.FAILURE, 2))


@pytest.mark.parametrize(("push", "state"), [(False, State.WARNING), (True, State.FAILURE)])
def test_a_registry_that_cannot_be_reached(
    engine: FakeEngine, registry: MemoryRegistry, team: Settings, push: bool, state: State
) -> None:
    """A build goes on without a registry, unless it is to publish there."""
    registry.broken["registry.example.com"] = RegistryError("cannot be reached", "check the network")
    check = found(engine, replace(team, push=push))["registry"]
    assert (check.state, check.said, check.remedy) == (state, "cannot be reached", "check the network")


def test_a_registry_that_may_not_be_written(engine: FakeEngine, registry: MemoryRegistry, team: Settings) -> None:
    """Reading and writing are tried apart; writing only if that is requested."""
    registry.statuses["POST registry.example.com/team/desktop/blobs/uploads/"] = 403
    assert found(engine, team)["push"].said == "off, so not tried"
    check = found(engine, replace(team, push=True))["push"]
    assert (check.state, check.remedy) == (State.FAILURE, "ask for permission to push there")


def test_environments(engine: FakeEngine) -> None:
    """Each environment's key, or what is wrong with it, or why nothing is baked."""
    environments = {
        "office": OFFICE,
        "off": replace(OFFICE, env_id="off", cache_desktop_build=False),
        "none": replace(OFFICE, env_id="none", headless_desktop_enabled=False),
        "wrong": replace(OFFICE, env_id="wrong", setup_script="gone.sh"),
    }
    checks = found(engine, Settings(environments=environments))
    assert checks["environment office"].said.startswith("1-abababababababab-")
    assert checks["environment off"].said == "nothing is baked: cache_desktop_build is off"
    assert checks["environment none"].said == "nothing is baked: headless desktop is off"
    assert (checks["environment wrong"].state, checks["environment wrong"].exit_status) == (State.FAILURE, 2)


def test_a_base_that_cannot_be_asked_for(engine: FakeEngine, registry: MemoryRegistry) -> None:
    """What a build would go on without is a warning, with what to try."""
    registry.broken["registry.example.com"] = RegistryError("cannot be reached")
    check = found(engine, Settings(environments={"office": OFFICE}, pull="always"))["environment office"]
    assert check.state is State.WARNING
    assert "cannot be reached" in check.said
    assert check.remedy == f"check: docker pull {OFFICE.base_image}"


def test_a_cache_folder_that_cannot_be_written(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder that cannot be written is a failure."""

    def refuse(**_: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    check = found(engine, Settings())["cache folder"]
    assert (check.state, check.exit_status) == (State.FAILURE, 1)
    assert check.said.endswith("cannot be written: Read-only file system")


def test_the_engines_disk(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of an engine of this machine is looked at, be its folder not to be seen from here."""
    asked: list[Path] = []

    def usage(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(free=0)

    answer = SimpleNamespace(content={"DockerRootDir": "/no/such/folder"})
    monkeypatch.setattr(shutil, "disk_usage", usage)
    monkeypatch.setattr(engine, "is_remote", lambda: False)
    monkeypatch.setattr(engine, "ask", lambda *_: answer)
    checks = found(engine, Settings())
    assert wrong(checks) == {"disk of the cache folder": State.FAILURE, "disk of the engine": State.FAILURE}
    assert asked[-1] == Path("/")


def test_free_space() -> None:
    """Too little space is a failure, little a warning, each with what makes room."""
    states = [space("disk", n).state for n in (LEAST_FREE_BYTES - 1, LITTLE_FREE_BYTES - 1, LITTLE_FREE_BYTES)]
    assert states == [State.FAILURE, State.WARNING, State.OK]
    assert "prune" in space("disk", 0).remedy
