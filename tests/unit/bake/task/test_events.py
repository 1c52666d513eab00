"""What a task's program is told from the first moment, in order, however the task gets its image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from desktop_bake import (
    Building,
    Creating,
    Exited,
    Output,
    Pulling,
    Ready,
    Settings,
    Started,
    TaskOptions,
    ensure_desktop_image,
    start_task,
)
from desktop_bake.bake.build import bake, preparation
from desktop_bake.bake.engine.buildx import Builder
from desktop_bake.bake.images.order import key_of
from desktop_bake.bake.images.trust import BUILT, note
from desktop_bake.bake.system.process import Ended
from desktop_bake.bake.task.console import INSTALLED, LISTENS
from desktop_bake.bake.task.container import NoImageError
from desktop_bake.generator.environment import Environment
from tests.harness.fake_container import FakeContainer, next_container
from tests.harness.recipes import BASE, OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from desktop_bake import TaskEvent
    from desktop_bake.bake.engine.engine import Engine
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

STARTED = Started("c0ffee", "desktop-bake-office-1")
COMMAND = [Output("stdout", "one"), Output("stderr", "two"), Exited(3)]


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> FakeContainer:
    """The container that is made next, whose command prints something; the base is here."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    container = next_container(monkeypatch, engine)
    container.prints, container.status = [("stdout", "one"), ("stderr", "two")], 3
    return container


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> list[Ended]:
    """How builds end, one after another; well, with the image, if there are none."""
    ends: list[Ended] = []

    class Child:
        """Stands in for the process that bakes."""

        def end(self) -> None:
            """As `Child.end`."""

        def follow(self, *_: object) -> Ended:
            """As `Child.follow`."""
            if ends:
                return ends.pop(0)
            key = key_of(OFFICE, work(engine))
            engine.add(f"desktop-bake:{key}", key.labels("b"))
            return Ended(status=0, lines=(), timed_out=False)

        def __enter__(self) -> Child:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(preparation.Preparation, "another", lambda _: Child())
    monkeypatch.setattr(bake, "require_buildx", lambda _: None)
    monkeypatch.setattr(preparation, "builder", lambda *_: Builder(driver="docker", exports_cache=True))
    return ends


def told(
    engine: FakeEngine, settings: Settings | None = None, environment: Environment = OFFICE, **more: Any
) -> list[TaskEvent]:
    """What the program of a task is told that gets its image and its start by the API."""
    events: list[TaskEvent] = []
    settings = settings or Settings()
    how: Any = {"engine": cast("Engine", engine), "on_event": events.append, **more}
    image = ensure_desktop_image(environment, settings, **how)
    assert start_task(environment, image, settings, command=["make"], **how).wait(10) == 3
    return events


def ready(event: TaskEvent) -> bool:
    """Whether it is the desktop's readiness, with its URL."""
    return isinstance(event, Ready) and str(event.novnc_url).startswith("http://127.0.0.1:6080/")


def test_a_hit(container: FakeContainer, engine: FakeEngine) -> None:
    """A container is made and started, its desktop is ready, and its command prints and ends."""
    key = key_of(OFFICE, work(engine))
    image = engine.add(f"desktop-bake:{key}", key.labels("b"))
    note(image.image_id, BUILT)
    creating, started, third, *command = told(engine)
    assert (creating, started, command) == (Creating(image.image_id), STARTED, COMMAND)
    assert ready(third)


def test_a_registry_hit(container: FakeContainer, engine: FakeEngine, registry: MemoryRegistry, team: Settings) -> None:
    """The pull of a baked image comes first."""
    key = key_of(OFFICE, work(engine, team))
    digest = registry.put(f"{team.repository}:{key}", key.labels("b"))
    events = told(engine, team)
    image_id = engine.names[f"{team.repository}:{key}"]
    assert events[:3] == [Pulling(f"{team.repository}@{digest}"), Creating(image_id), STARTED]
    assert ready(events[3])
    assert events[4:] == COMMAND


def test_a_build(container: FakeContainer, engine: FakeEngine, builds: list[Ended]) -> None:
    """A build comes first."""
    events = told(engine)
    name = f"desktop-bake:{key_of(OFFICE, work(engine))}"
    assert events[:3] == [Building(name), Creating(engine.names[name]), STARTED]
    assert ready(events[3])
    assert events[4:] == COMMAND


def test_a_fallback(container: FakeContainer, engine: FakeEngine, builds: list[Ended]) -> None:
    """After a failed build the base is taken, pulled if it is not here; the container's start is told before what is
    installed in it."""
    builds.append(Ended(status=1, lines=("ERROR: no",), timed_out=False))
    container.refuses = [NoImageError("no such image")]
    engine.ends = [Ended(status=0, lines=(), timed_out=False)]
    container.installs = [INSTALLED]
    base, lines = f"{OFFICE.base_image}@{BASE}", list[str]()
    events = told(engine, log=lines.append)
    name = f"desktop-bake:{key_of(OFFICE, work(engine))}"
    assert events[:5] == [Building(name), Creating(base), Pulling(base), Creating(base), STARTED]
    assert ready(events[5])
    assert events[6:] == COMMAND
    assert "[desktop-cache] falling back to runtime install" in lines


def test_started_comes_first(container: FakeContainer, engine: FakeEngine) -> None:
    """The start is told once the engine has started the container, under its own name, before anything is read of it;
    readiness without a desktop has no URL."""
    key = key_of(OFFICE, work(engine))
    note(engine.add(f"desktop-bake:{key}", key.labels("b")).image_id, BUILT)
    seen: list[tuple[str, list[str]]] = []

    def on_event(event: TaskEvent) -> None:
        if isinstance(event, Started):
            seen.append((container.calls[-1], list(container.says)))

    told(engine, on_event=on_event)
    assert seen[0][0] == "start"
    assert seen[0][1][0] == LISTENS
    plain = Environment(env_id="plain", base_image=OFFICE.base_image)
    container.prints = [("stdout", "one"), ("stderr", "two")]
    assert told(engine, environment=plain)[1:] == [STARTED, Ready(None), *COMMAND]


def test_a_callback_that_fails(container: FakeContainer, engine: FakeEngine) -> None:
    """Its exception does not end the task, whose status is known; the log has a line of it."""
    key = key_of(OFFICE, work(engine))
    note(engine.add(f"desktop-bake:{key}", key.labels("b")).image_id, BUILT)
    got, lines = list["TaskEvent"](), list[str]()

    def on_event(event: TaskEvent) -> None:
        got.append(event)
        raise KeyError("window")

    told(engine, on_event=on_event, log=lines.append)
    assert got[-1] == Exited(3)
    failed = [line for line in lines if "on_event failed" in line]
    assert failed == ["[desktop-cache] WARNING: on_event failed at Creating: KeyError: 'window'; the task goes on"]
    assert "remove" not in container.calls


def test_options_keep_the_name(container: FakeContainer, engine: FakeEngine) -> None:
    """A container that its user named is reported by that name."""
    plain = Environment(env_id="plain", base_image=OFFICE.base_image)
    events: list[TaskEvent] = []
    how: Any = {"engine": cast("Engine", engine), "on_event": events.append}
    image = ensure_desktop_image(plain, Settings(), **how)
    start_task(plain, image, Settings(), options=TaskOptions(name="mine"), **how)
    assert events[1] == Started("c0ffee", "mine")
