"""Several environments: what is baked by one call, and what each has if another fails, waits or is somebody else's."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desktop_bake import (
    BuildFailedError,
    CancelledError,
    ConfigurationError,
    EngineError,
    Layer,
    Script,
    Settings,
    Status,
    TimeLimitError,
)
from desktop_bake.bake.build import bake, bake_all, pause, preparation, team_lease
from desktop_bake.bake.build.machine_lock import lock_of
from desktop_bake.bake.images.order import order_of
from desktop_bake.bake.images.result import Built, Miss, RegistryHit
from desktop_bake.bake.images.trust import BUILT, note
from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.bake.system.process import Ended
from desktop_bake.bake.together import obtain_all
from desktop_bake.generator.layer_key import chain_of
from tests.harness.bakes import Bakes, FailedTargetError, Ready
from tests.harness.recipes import BASE, OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from desktop_bake import Environment
    from desktop_bake.bake.context import Context
    from desktop_bake.bake.images.order import Order
    from desktop_bake.bake.together import Outcome
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry


class Several:
    """Environments that differ in their setup scripts.

    Attributes:
        names: those asked for.
        alone: the keys that were built alone.
    """

    def __init__(self, root: Path, engine: FakeEngine, settings: Settings) -> None:
        self.root, self.engine, self.settings = root, engine, replace(settings, root=root)
        self.lines: list[str] = []
        self.alone: list[str] = []
        self.context: Context = work(engine, self.settings, self.lines.append)

    def environment(self, name: str) -> Environment:
        """The environment of this name, whose setup script says it."""
        script = self.root / f"{name}.sh"
        if not script.exists():
            script.write_text(f"echo {name}\n")
        return replace(OFFICE, env_id=name, setup_script=f"{name}.sh")

    def order(self, name: str) -> Order:
        """The order of this environment."""
        return order_of(self.environment(name), self.context)

    def key(self, name: str) -> str:
        """Its key."""
        return str(self.order(name).key)

    def obtain(self, *names: str, pausing: bool = False) -> dict[str, Outcome]:
        """What becomes of these environments, by name."""
        found = obtain_all([self.environment(name) for name in names], self.context, pausing=pausing)
        return {outcome.environment.env_id: outcome for outcome in found}


@pytest.fixture
def bakes(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Bakes:
    """The calls of several."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    calls = Bakes(engine)
    monkeypatch.setattr(preparation, "Preparation", Ready)
    monkeypatch.setattr(bake_all, "bake_wanted", calls)
    return calls


@pytest.fixture
def several(tmp_path: Path, engine: FakeEngine, bakes: Bakes, monkeypatch: pytest.MonkeyPatch) -> Several:
    """Environments on this engine."""
    found = Several(tmp_path, engine, Settings())

    def build(order: Order, *_: object) -> Built:
        found.alone.append(str(order.key))
        image = engine.add(order.tag, order.key.labels("b"))
        note(image.image_id, BUILT)
        return Built(order=order, image_id=image.image_id)

    monkeypatch.setattr(bake, "build", build)
    return found


@contextmanager
def held(key: str) -> Iterator[None]:
    """Another process builds this key."""
    with lock_of(key):
        yield


def statuses(outcomes: dict[str, Outcome]) -> dict[str, Status | None]:
    """How each was found."""
    return {name: outcome.result.status if outcome.result else None for name, outcome in outcomes.items()}


def test_one_call(several: Several, bakes: Bakes) -> None:
    """What is missing is baked by one call; what is here is not, and each environment has its own image."""
    several.obtain("a")
    outcomes = several.obtain("b", "a", "c")
    assert statuses(outcomes) == {"b": Status.BUILT, "a": Status.LOCAL_HIT, "c": Status.BUILT}
    assert [sorted(call) for call in bakes.calls] == [sorted([several.key("b"), several.key("c")])]
    assert len({outcome.result.image_id for outcome in outcomes.values() if outcome.result}) == 3
    assert several.alone == [several.key("a")]
    assert set(statuses(several.obtain("a", "b", "c")).values()) == {Status.LOCAL_HIT}


def test_one_that_shares_a_key(several: Several, bakes: Bakes) -> None:
    """Environments that share a key share one image, whether others are missing or not."""
    twin = replace(several.environment("a"), env_id="twin")
    for others in ([], [several.environment("b")]):
        several.engine.names = {n: i for n, i in several.engine.names.items() if "base" in n}
        found = obtain_all([several.environment("a"), twin, *others], several.context)
        assert [o.result and o.result.status for o in found][:2] == [Status.BUILT, Status.LOCAL_HIT]
        assert found[0].result
        assert found[1].result
        assert found[1].result.environment == "twin"
        assert found[0].result.image_id == found[1].result.image_id
    assert several.alone == [several.key("a")]
    assert sorted(bakes.calls[0]) == sorted([several.key("a"), several.key("b")])


def test_one_fails(several: Several, bakes: Bakes) -> None:
    """One that fails takes nothing from the others: what is done stays, the rest is baked once more without it."""
    bakes.fails = [(FailedTargetError(several.key("b")), {several.key("a")})]
    outcomes = several.obtain("a", "b", "c", "d")
    assert statuses(outcomes) == {"a": Status.BUILT, "b": None, "c": Status.BUILT, "d": Status.BUILT}
    assert str(outcomes["b"].error) == "build failed: the setup script ended with status 7"
    assert sorted(bakes.calls[1]) == sorted([several.key("c"), several.key("d")])
    assert several.alone == []


def test_the_last_two(several: Several, bakes: Bakes) -> None:
    """When one of two is left, it is built alone, as ever."""
    bakes.fails = [(FailedTargetError(several.key("a")), set())]
    assert statuses(several.obtain("a", "b")) == {"a": None, "b": Status.BUILT}
    assert (len(bakes.calls), several.alone) == (1, [several.key("b")])


@pytest.mark.parametrize("error", [BuildFailedError("what is that?"), TimeLimitError("the build was stopped")])
def test_nobody_knows_whose_fault(several: Several, bakes: Bakes, error: Exception) -> None:
    """A call that fails for no target's own fault, or at the limit, is followed by a build of each that is left."""
    bakes.fails = [(error, {several.key("a")})]
    assert statuses(several.obtain("a", "b", "c")) == {"a": Status.BUILT, "b": Status.BUILT, "c": Status.BUILT}
    assert len(bakes.calls) == 1
    assert sorted(several.alone) == sorted([several.key("b"), several.key("c")])


def test_a_wrong_recipe(several: Several, bakes: Bakes) -> None:
    """A recipe that cannot be read fails its environment alone."""
    wrong = replace(OFFICE, env_id="wrong", setup_script="missing.sh")
    found = obtain_all([several.environment("a"), wrong, several.environment("b")], several.context)
    assert [type(o.error) for o in found] == [type(None), ConfigurationError, type(None)]
    assert len(bakes.calls) == 1


def test_another_process(several: Several, bakes: Bakes) -> None:
    """What another process builds holds up none of the others, and is waited for in the end."""
    with ExitStack() as other:
        other.enter_context(held(several.key("b")))
        calls = bakes.calls

        def done() -> None:
            while not calls:
                threading.Event().wait(0.01)
            image = several.engine.add(several.order("b").tag, several.order("b").key.labels("b"))
            note(image.image_id, BUILT)
            other.close()

        thread = threading.Thread(target=done)
        thread.start()
        outcomes = several.obtain("a", "b", "c")
        thread.join()
    assert statuses(outcomes) == {"a": Status.BUILT, "b": Status.LOCAL_HIT, "c": Status.BUILT}
    assert outcomes["b"].result
    assert outcomes["b"].result.reason == "built by another process"
    assert several.alone == []
    assert sorted(bakes.calls[0]) == sorted([several.key("a"), several.key("c")])


def test_turns_are_given_back(several: Several, bakes: Bakes) -> None:
    """While they are baked nobody else has their turns; then everybody may, whatever became of them."""
    taken: list[bool] = []

    def meanwhile(*arguments: object) -> None:
        taken.extend(lock_of(several.key(name)).is_locked for name in "ab")
        with pytest.raises(TimeoutError), lock_of(several.key("a")).acquire(timeout=0):
            pass
        raise FailedTargetError(several.key("a"))

    bakes.__class__ = type("Watching", (Bakes,), {"__call__": lambda self, *a: meanwhile(*a)})
    several.obtain("a", "b")
    for name in "ab":
        with lock_of(several.key(name)).acquire(timeout=0):
            pass


def test_pauses(several: Several, bakes: Bakes) -> None:
    """A task's builds that fail count, each for its own key; after three, the others are baked without it."""
    for _ in range(3):
        several.engine.names = {n: i for n, i in several.engine.names.items() if "base" in n}
        bakes.fails = [(FailedTargetError(several.key("a")), {several.key("b"), several.key("c")})]
        several.obtain("a", "b", "c", pausing=True)
    assert pause.read(several.order("a").key).count == 3
    assert pause.read(several.order("b").key).count == 0
    several.engine.names = {n: i for n, i in several.engine.names.items() if "base" in n}
    bakes.calls.clear()
    outcomes = several.obtain("a", "b", "c", pausing=True)
    assert "3 builds of this key failed in a row" in str(outcomes["a"].error)
    assert sorted(bakes.calls[0]) == sorted([several.key("b"), several.key("c")])
    assert statuses(several.obtain("a", "b", "c"))["a"] is Status.BUILT  # asked for by somebody


def test_given_up(several: Several, bakes: Bakes) -> None:
    """A caller that cancels gets no result, and leaves no turn."""
    bakes.fails = [(CancelledError("cancelled"), set())]
    with pytest.raises(CancelledError):
        several.obtain("a", "b")
    with lock_of(several.key("a")).acquire(timeout=0):
        pass


def test_no_engine(several: Several) -> None:
    """Without an engine there is nothing of any."""
    several.engine.is_up = False
    with pytest.raises(EngineError):
        obtain_all([several.environment("a"), several.environment("b")], several.context)


# --- layers ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def layers(several: Several) -> list[Environment]:
    """Two environments whose preflights lie on one desktop."""
    desktop = several.environment("desktop")
    found = []
    for name in ("one", "two"):
        (several.root / f"{name}-preflight.sh").write_text(f"echo {name}\n")
        found.append(replace(desktop, env_id=name, preflight_script=f"{name}-preflight.sh"))
    return found


def test_a_desktop_below(several: Several, bakes: Bakes, layers: list[Environment]) -> None:
    """A desktop that is missing below layers is built once, in their call, as its own image."""
    found = obtain_all(layers, several.context)
    assert [o.result and o.result.status for o in found] == [Status.BUILT, Status.BUILT]
    desktop = several.key("desktop")
    assert len(bakes.calls) == 1
    assert desktop in bakes.calls[0]
    assert len(bakes.calls[0]) == 3
    assert [base.startswith("target:") for key, base in bakes.bases.items() if key != desktop] == [True, True]
    assert several.engine.image(f"desktop-bake:{desktop}")


def test_a_desktop_that_is_here(several: Several, bakes: Bakes, layers: list[Environment]) -> None:
    """Layers lie on the desktop's image, if that is here and some registry knows it."""
    order = several.order("desktop")
    known = f"{order.repository}@{BASE}"
    image = several.engine.add(order.tag, order.key.labels("b"), known_as=known)
    note(image.image_id, BUILT)
    obtain_all(layers, several.context)
    assert set(bakes.bases.values()) == {f"docker-image://{order.repository}:{order.key}@{BASE}"}
    assert str(order.key) not in bakes.calls[0]


def test_a_desktop_that_fails(several: Several, bakes: Bakes, layers: list[Environment]) -> None:
    """What lies on a desktop that fails, fails with it; the others do not."""
    error = FailedTargetError(several.key("desktop"))
    bakes.fails = [(error, set())]
    found = obtain_all([*layers, several.environment("a"), several.environment("b")], several.context)
    assert [o.error for o in found] == [error, error, None, None]
    assert len(bakes.calls) == 2


def test_a_desktop_of_another_process(several: Several, bakes: Bakes, layers: list[Environment]) -> None:
    """While another process builds their desktop, layers wait with no turn of theirs kept from others' bakes."""
    with ExitStack() as other:
        other.enter_context(held(several.key("desktop")))
        calls = bakes.calls

        def done() -> None:
            while not calls:
                threading.Event().wait(0.01)
            other.close()

        thread = threading.Thread(target=done)
        thread.start()
        found = obtain_all([*layers, several.environment("a"), several.environment("b")], several.context)
        thread.join()
    assert [o.result and o.result.status for o in found] == [Status.BUILT] * 4
    assert sorted(calls[0]) == sorted([several.key("a"), several.key("b")])
    assert len(several.alone) == 2


@pytest.fixture
def chains(several: Several) -> list[Environment]:
    """Two environments with one layer below their desktops, which differ, and one above."""
    certs = Layer(name="certs", script=Script.text("echo certs\n"), below_desktop=True)
    tools = Layer(name="tools", script=Script.text("echo tools\n"))
    return [replace(several.environment(name), layers=(certs, tools)) for name in ("one", "two")]


def keys_of(environment: Environment, several: Several) -> list[str]:
    """The keys of its parts, the lowest first."""
    return [str(key) for key in chain_of(order_of(environment, several.context).key)]


def test_a_chain(several: Several, bakes: Bakes, chains: list[Environment]) -> None:
    """All that several chains lack is baked by one call, what they share once, each part its own image."""
    found = obtain_all(chains, several.context)
    assert [o.result and o.result.status for o in found] == [Status.BUILT, Status.BUILT]
    (call,) = bakes.calls
    one, two = (keys_of(environment, several) for environment in chains)
    assert one[0] == two[0]
    assert sorted(call) == sorted({*one, *two})
    assert len(call) == 5
    assert all(several.engine.image(f"desktop-bake:{key}") for key in call)
    assert [bakes.bases[key].startswith("target:") for key in (*one[1:], *two[1:])] == [True] * 4


def test_a_chain_whose_lowest_part_is_here(several: Several, bakes: Bakes, chains: list[Environment]) -> None:
    """Desktops lie on the image of the layer that is here; what lies on them, on their targets."""
    one, two = (keys_of(environment, several) for environment in chains)
    certs = list(order_of(chains[0], several.context).chain())[-1]
    image = several.engine.add(certs.tag, certs.key.labels("b"), known_as=f"{certs.repository}@{BASE}")
    note(image.image_id, BUILT)
    obtain_all(chains, several.context)
    assert one[0] not in bakes.calls[0]
    on_image = f"docker-image://{certs.tag}@{BASE}"
    assert {bakes.bases[key] for key in (one[1], two[1])} == {on_image}
    assert {bakes.bases[key].partition(":")[0] for key in (one[2], two[2])} == {"target"}


def test_a_part_that_fails(several: Several, bakes: Bakes, chains: list[Environment]) -> None:
    """What lies on a part that fails, however high, fails with it; the others do not."""
    one, two = (keys_of(environment, several) for environment in chains)
    error = FailedTargetError(one[1])
    bakes.fails = [(error, set())]
    found = obtain_all(chains, several.context)
    assert [o.error for o in found] == [error, None]
    assert sorted(bakes.calls[1]) == sorted(two)


def test_a_part_of_another_process(several: Several, bakes: Bakes, chains: list[Environment]) -> None:
    """While another process builds the lowest part, nothing that lies on it, however high, is baked on its target."""
    one, two = (keys_of(environment, several) for environment in chains)
    with ExitStack() as other:
        other.enter_context(held(one[0]))
        calls = bakes.calls

        def done() -> None:
            while not calls:
                threading.Event().wait(0.01)
            other.close()

        thread = threading.Thread(target=done)
        thread.start()
        found = obtain_all([*chains, several.environment("a"), several.environment("b")], several.context)
        thread.join()
    assert [o.result and o.result.status for o in found] == [Status.BUILT] * 4
    assert sorted(calls[0]) == sorted([several.key("a"), several.key("b")])
    assert set(several.alone) >= {one[2], two[2]}


# --- a team ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def teams(several: Several, team: Settings) -> Several:
    """The same with a registry to which all of it is pushed."""
    several.settings = replace(team, root=several.root, push=True)
    several.context = work(several.engine, several.settings, several.lines.append)
    return several


def test_pulled_or_published(teams: Several, registry: MemoryRegistry, bakes: Bakes) -> None:
    """What the registry has is pulled; what is built is published."""
    order = teams.order("a")
    registry.put(order.tag, order.key.labels("b"))
    teams.context = work(teams.engine, replace(teams.settings, lease=False), teams.lines.append)
    found = statuses(teams.obtain("a", "b", "c"))
    assert found == {"a": Status.REGISTRY_HIT, "b": Status.BUILT, "c": Status.BUILT}
    assert {f"registry.example.com/team/desktop:{teams.key(name)}" for name in "abc"} <= set(registry.tags)


def test_a_pull_that_fails(teams: Several, registry: MemoryRegistry, bakes: Bakes) -> None:
    """What cannot be pulled is baked with the others, and its result says so."""
    order = teams.order("a")
    registry.put(order.tag, order.key.labels("b"))
    teams.context = work(teams.engine, replace(teams.settings, lease=False, push=False), teams.lines.append)
    teams.engine.ends = [Ended(status=1, lines=("Error response from daemon: gone",), timed_out=False)]
    found = teams.obtain("a", "b")
    assert len(bakes.calls[0]) == 2
    assert found["a"].result
    assert str(found["a"].result.registry_error).endswith(": gone")


def test_another_machine(teams: Several, bakes: Bakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another machine builds is left to it while the others are baked, and waited for in the end."""
    given_back: list[str] = []

    @contextmanager
    def lease_if_free(miss: Miss, _context: Context) -> Iterator[Miss | None]:
        yield None if miss.cache_key == teams.order("b").key else miss
        given_back.append(str(miss.cache_key))

    @contextmanager
    def leased(miss: Miss, *_: object) -> Iterator[Miss | RegistryHit]:
        assert len(bakes.calls) == 1
        yield miss

    monkeypatch.setattr(team_lease, "lease_if_free", lease_if_free)
    monkeypatch.setattr(team_lease, "leased", leased)
    found = statuses(teams.obtain("a", "b", "c"))
    assert set(found.values()) == {Status.BUILT}
    assert (sorted(bakes.calls[0]), teams.alone) == (sorted([teams.key("a"), teams.key("c")]), [teams.key("b")])
    assert sorted(given_back) == sorted(map(teams.key, "abc"))


def test_a_cache_folder_that_refuses(several: Several, bakes: Bakes) -> None:
    """If the machine refuses the locks of all, each has that as its own error."""
    (cache_folder() / "locks").write_text("in the place of a folder")
    outcomes = several.obtain("a", "b")
    assert [type(outcome.error) for outcome in outcomes.values()] == [BuildFailedError, BuildFailedError]
    assert (bakes.calls, several.alone) == ([], [])
