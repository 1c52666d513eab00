"""What `doctor` finds in an engine: its clock, its image store, buildx and the builder."""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import EngineError, Environment, ImageReference, Settings
from desktop_bake.bake.engine.api import Answer
from desktop_bake.bake.upkeep.check import Check, State
from desktop_bake.bake.upkeep.engine_checks import (
    MOST_SKEW_S,
    builder_checks,
    buildx_checks,
    engine_checks,
    image_store_checks,
)

if TYPE_CHECKING:
    from desktop_bake.bake.engine.engine import Engine

RUNNING = "Name:   default\nDriver: docker\n\nNodes:\nStatus: running\nPlatforms: linux/amd64*, linux/386\n"


class Asked:
    """What an engine and its client say."""

    def __init__(self, said: str = "", *, status: int = 0, containerd: bool = False, skew_s: float = 0) -> None:
        self.said, self.status, self.containerd, self.skew_s = said, status, containerd, skew_s
        self.info: dict[str, Any] | None = None
        self.remote = False

    def ask(self, _method: str, path: str) -> Answer:
        """As `Engine.ask`."""
        now = datetime.fromtimestamp(time.time() + self.skew_s, UTC).isoformat().replace("+00:00", "123Z")
        info = {"SystemTime": now} if self.info is None else self.info
        version = {"Version": "29.0", "Os": "linux", "Arch": "amd64"}
        return Answer(status=200, content=version if path == "/version" else info)

    def docker(self, *_: str) -> subprocess.CompletedProcess[bytes]:
        """As `Engine.docker`."""
        return subprocess.CompletedProcess([], self.status, self.said.encode(), self.said.encode())

    def is_remote(self) -> bool:
        """As `Engine.is_remote`."""
        return self.remote

    def has_containerd_store(self) -> bool:
        """As `Engine.has_containerd_store`."""
        return self.containerd


def states(checks: list[Check]) -> list[tuple[str, str]]:
    """Names and states."""
    return [(check.name, check.state.value) for check in checks]


@pytest.mark.parametrize(
    ("skew_s", "state"),
    [
        (0, "ok"),
        (MOST_SKEW_S, "ok"),
        (MOST_SKEW_S + 1, "warning"),
        (-MOST_SKEW_S, "ok"),
        (-MOST_SKEW_S - 1, "warning"),
    ],
)
def test_clock(monkeypatch: pytest.MonkeyPatch, skew_s: float, state: str) -> None:
    """A clock that is more than a minute off, either way, is warned of."""
    monkeypatch.setattr(time, "time", lambda: 1_772_366_400.5)
    found = list(engine_checks(cast("Engine", Asked(skew_s=skew_s))))
    assert states(found) == [("engine", "ok"), ("clock", state)]
    assert found[0].said == "29.0, linux/amd64"
    assert ("differ by 61 s" in found[1].said) is (state == "warning")


def test_on_another_machine() -> None:
    """An engine that is elsewhere is reported as that."""
    asked = Asked()
    asked.remote = True
    assert next(engine_checks(cast("Engine", asked))).said == "29.0, linux/amd64, on another machine"


@pytest.mark.parametrize("info", [{"SystemTime": "yesterday"}, {"SystemTime": ""}, {}])
def test_a_clock_that_states_no_time(info: dict[str, Any]) -> None:
    """A malformed time says nothing about the clock."""
    asked = Asked()
    asked.info = info
    assert states(list(engine_checks(cast("Engine", asked)))) == [("engine", "ok")]


@pytest.mark.parametrize(
    ("containerd", "fields", "state", "says"),
    [
        (True, {"attest": ("type=sbom",)}, State.OK, "containerd"),
        (False, {"attest": ("type=sbom",)}, State.FAILURE, "classic: it cannot hold attestations"),
        (False, {"cache": "none"}, State.OK, "classic"),
        (False, {"builder": "b"}, State.OK, "classic"),
        (False, {}, State.WARNING, "classic: it cannot export the cache 'local', and builds go on without"),
    ],
)
def test_image_store(containerd: bool, fields: dict[str, Any], state: State, says: str) -> None:
    """The classic store fails if attestations are requested, and warns where a cache is."""
    (found,) = image_store_checks(Settings(**fields), cast("Engine", Asked(containerd=containerd)))
    assert (found.state, found.said) == (state, says)
    assert bool(found.remedy) is (state is not State.OK)
    assert found.exit_status == (6 if state is State.FAILURE else 0)


def test_buildx() -> None:
    """The version is that which buildx states; without buildx there is an error."""
    (found,) = buildx_checks(cast("Engine", Asked("github.com/docker/buildx v0.20.1 abc")))
    assert (found.state, found.said) == (State.OK, "v0.20.1")
    with pytest.raises(EngineError, match="buildx is missing"):
        list(buildx_checks(cast("Engine", Asked("no such command"))))


@pytest.mark.parametrize(
    ("said", "platforms", "wanted"),
    [
        (RUNNING, (), [("builder", "ok"), ("platforms", "ok")]),
        (RUNNING, ("linux/amd64",), [("builder", "ok"), ("platforms", "ok")]),
        (RUNNING.replace("386", "arm64"), ("linux/arm64/v8",), [("builder", "ok"), ("platforms", "ok")]),
        (RUNNING, ("linux/amd64", "linux/arm64"), [("builder", "ok"), ("platforms", "failure")]),
        (RUNNING.replace("running", "inactive"), ("linux/arm64",), [("builder", "warning")]),
    ],
)
def test_builder(said: str, platforms: tuple[str, ...], wanted: list[tuple[str, str]]) -> None:
    """A builder that does not run is warned of; one that runs has to have every platform."""
    environment = Environment(env_id="e", base_image=ImageReference.parse("a"), platforms=platforms)
    found = list(builder_checks(Settings(environments={"e": environment}), cast("Engine", Asked(said))))
    assert states(found) == wanted
    if wanted[-1] == ("platforms", "failure"):
        assert found[-1].said == "environment 'e' wants linux/arm64; the builder has linux/amd64, linux/386"


def test_what_is_said_of_a_builder() -> None:
    """Name, driver and platforms; of one that does not run its state."""
    found = list(builder_checks(Settings(), cast("Engine", Asked(RUNNING))))
    assert [check.said for check in found] == ["default, driver docker", "linux/amd64, linux/386"]
    (asleep,) = builder_checks(Settings(), cast("Engine", Asked(RUNNING.replace("running", "inactive"))))
    assert (asleep.said, bool(asleep.remedy)) == ("default, driver docker: inactive", True)


def test_each_platform_that_is_missing() -> None:
    """Each platform that the builder lacks is a separate failure, as its build would be."""
    platforms = ("linux/s390x", "linux/amd64", "linux/arm64")
    environment = Environment(env_id="e", base_image=ImageReference.parse("a"), platforms=platforms)
    _, *found = builder_checks(Settings(environments={"e": environment}), cast("Engine", Asked(RUNNING)))
    wanted = [f"environment 'e' wants {platform}" for platform in ("linux/arm64", "linux/s390x")]
    assert [check.said.split(";")[0] for check in found] == wanted
    assert {(check.state, check.exit_status) for check in found} == {(State.FAILURE, 4)}


@pytest.mark.parametrize("name", ["b", None])
def test_no_such_builder(name: str | None) -> None:
    """A builder that is not there is an error in the client's words."""
    asked = Asked('ERROR: no builder "b" found', status=1)
    with pytest.raises(EngineError, match=f'^builder {name or "default"}: no builder "b" found$'):
        list(builder_checks(Settings(builder=name), cast("Engine", asked)))
