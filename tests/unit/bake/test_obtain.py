"""Bringing what is not here: what is pulled, built, published, and in which order others are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from desktop_bake import BuildFailedError, RegistryError, ScriptFailedError, Settings
from desktop_bake.bake.build import bake, pause, preparation, team_lease
from desktop_bake.bake.build.failed_step import FailedStep, FinalError
from desktop_bake.bake.images.history import read_inputs
from desktop_bake.bake.images.order import order_of
from desktop_bake.bake.images.resolve import glance
from desktop_bake.bake.images.result import Built, ImageResult, Miss, RegistryHit, Status
from desktop_bake.bake.images.trust import BUILT, note
from desktop_bake.bake.obtain import image_below, obtain
from desktop_bake.bake.system.files import read_regular_file
from desktop_bake.bake.system.folders import cache_folder
from desktop_bake.bake.system.process import Ended
from desktop_bake.generator.layer_key import LayerKey
from tests.harness.recipes import BASE, OFFICE
from tests.harness.work import work

if TYPE_CHECKING:
    from desktop_bake.bake.context import Context
    from desktop_bake.bake.images.order import Order
    from tests.harness.fake_engine import FakeEngine
    from tests.harness.memory_registry import MemoryRegistry

FAILED = Ended(status=1, lines=("Error response from daemon: gone",), timed_out=False)


class Ready:
    """A preparation of nothing."""

    child = type("Child", (), {"end": staticmethod(lambda: None)})

    def __init__(self, context: Context) -> None:
        self.context = context

    def __enter__(self) -> Ready:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def built(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that were built, by a build that puts a labelled image into the store."""
    engine.add(str(OFFICE.base_image), known_as=f"{OFFICE.base_image.repository}@{BASE}")
    keys: list[str] = []

    def build(order: Order, *_: object) -> Built:
        keys.append(str(order.key))
        image = engine.add(order.tag, order.key.labels("b"))
        note(image.image_id, BUILT)
        return Built(order=order, image_id=image.image_id)

    monkeypatch.setattr(preparation, "Preparation", Ready)
    monkeypatch.setattr(bake, "build", build)
    return keys


def obtained(engine: FakeEngine, settings: Settings, lines: list[str], **more: Any) -> ImageResult:
    """What becomes of a glance at the office."""
    found = glance(OFFICE, work(engine, settings))
    return obtain(found, work(engine, settings, lines.append), **more)


def test_a_miss_is_built(engine: FakeEngine, built: list[str], lines: list[str]) -> None:
    """A miss is built; what went into it is recorded, and a second time there is nothing to do."""
    result = obtained(engine, Settings(), lines)
    assert result.status is Status.BUILT
    assert built == [str(result.cache_key)]
    assert result.cache_key
    assert read_inputs(result.cache_key).desktop
    assert obtained(engine, Settings(), lines).status is Status.LOCAL_HIT
    assert len(built) == 1


def test_a_registry_hit_is_pulled(
    engine: FakeEngine, registry: MemoryRegistry, team: Settings, built: list[str], lines: list[str]
) -> None:
    """What the team's registry has is pulled, and nothing is built."""
    key = glance(OFFICE, work(engine, team)).cache_key
    assert key
    digest = registry.put(f"{team.repository}:{key}", key.labels("b"))
    result = obtained(engine, team, lines)
    assert result.status is Status.REGISTRY_HIT
    assert result.image_id == engine.names[f"{team.repository}:{key}"]
    assert f"[desktop-cache] pulling {team.repository}@{digest}" in lines
    assert built == []


def test_a_pull_that_fails_is_built(
    engine: FakeEngine, registry: MemoryRegistry, team: Settings, built: list[str], lines: list[str]
) -> None:
    """What cannot be pulled is built, and the result says why it was not pulled."""
    key = glance(OFFICE, work(engine, team)).cache_key
    assert key
    registry.put(f"{team.repository}:{key}", key.labels("b"))
    engine.ends = [FAILED]
    result = obtained(engine, team, lines)
    assert (result.status, built) == (Status.BUILT, [str(key)])
    assert result.registry_error
    assert result.registry_error.endswith(": gone")
    assert f"[desktop-cache] WARNING: {result.registry_error}" in lines
    assert result.image == f"{team.repository}:{key}"


@pytest.mark.parametrize("push", [True, False])
def test_what_is_built_is_published(
    engine: FakeEngine, registry: MemoryRegistry, team: Settings, built: list[str], lines: list[str], push: bool
) -> None:
    """A built image is pushed if `push` is on, and only there."""
    result = obtained(engine, replace(team, push=push, lease=False), lines)
    assert result.status is Status.BUILT
    assert (f"registry.example.com/team/desktop:{result.cache_key}" in registry.tags) is push
    assert result.push_error is None


def test_a_registry_that_is_down(
    engine: FakeEngine, registry: MemoryRegistry, team: Settings, built: list[str], lines: list[str]
) -> None:
    """A registry that cannot be asked does not prevent a build, and the result says so."""
    registry.broken["registry.example.com"] = RegistryError("down")
    result = obtained(engine, team, lines)
    assert (result.status, result.registry_error) == (Status.BUILT, "down")


def test_built_by_another_process(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, built: list[str], lines: list[str]
) -> None:
    """Whoever gets the turn looks once more: what another process has built meanwhile is not built again."""
    found = glance(OFFICE, work(engine))
    assert found.cache_key
    image = engine.add(found.image, found.cache_key.labels("b"))
    note(image.image_id, BUILT)
    result = obtain(found, work(engine, log=lines.append))
    assert (result.status, result.image_id, result.reason) == (
        Status.LOCAL_HIT,
        image.image_id,
        "built by another process",
    )
    assert built == []


def test_what_is_no_miss_is_left_alone(engine: FakeEngine, lines: list[str]) -> None:
    """A result that is no miss is returned as it is."""
    found = glance(replace(OFFICE, cache_desktop_build=False), work(engine))
    assert obtain(found, work(engine, log=lines.append)) is found
    assert (engine.asked, lines) == ([], [])


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (FailedStep(name="script", status=3, said=""), ScriptFailedError),
        (FailedStep(name="install script", status=3, said=""), FinalError),  # the shipped one
        (FailedStep(name="script", status=3, said="", blames_network=True), FinalError),
    ],
)
def test_whose_script_failed(
    engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    built: list[str],
    lines: list[str],
    step: FailedStep,
    kind: type[Exception],
) -> None:
    """A build that fails at a script of the environment's own is reported as that, in the pause after it, too."""
    error = FinalError("build failed: it ended with status 3")
    error.step = step

    def build(*_: object) -> ImageResult:
        raise error

    monkeypatch.setattr(bake, "build", build)
    for _ in range(3):
        with pytest.raises(kind, match="status 3"):
            obtained(engine, Settings(), lines, pausing=True)
    paused = ScriptFailedError if kind is ScriptFailedError else pause.PausedError
    with pytest.raises(paused, match="3 builds of this key failed in a row"):
        obtained(engine, Settings(), lines, pausing=True)


@pytest.mark.parametrize("pausing", [True, False])
def test_pause(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, built: list[str], lines: list[str], pausing: bool
) -> None:
    """After three failures a task does not build; who asks for a build gets one, and the count is forgotten."""

    def build(*_: object) -> ImageResult:
        built.append("")
        raise BuildFailedError("no")

    monkeypatch.setattr(bake, "build", build)
    for _ in range(3):
        with pytest.raises(BuildFailedError, match="no"):
            obtained(engine, Settings(), lines, pausing=True)
    with pytest.raises(BuildFailedError, match="3 builds of this key failed in a row" if pausing else "no"):
        obtained(engine, Settings(), lines, pausing=pausing)
    assert len(built) == (3 if pausing else 4)
    key = glance(OFFICE, work(engine)).cache_key
    assert key
    assert pause.read(key).count == (3 if pausing else 0)


@pytest.mark.parametrize(("push", "lease", "asked"), [(True, True, 1), (True, False, 0), (False, True, 0)])
def test_lease(
    engine: FakeEngine,
    registry: MemoryRegistry,
    monkeypatch: pytest.MonkeyPatch,
    team: Settings,
    built: list[str],
    lines: list[str],
    push: bool,
    lease: bool,
    asked: int,
) -> None:
    """A lease is asked for if images are pushed and leases are on; it is given back once the image is published."""
    leases: list[str] = []

    @contextmanager
    def leased(miss: Miss, *_: object) -> Iterator[Miss]:
        leases.append(miss.order.platform)
        yield miss
        assert f"registry.example.com/team/desktop:{miss.cache_key}" in registry.tags

    monkeypatch.setattr(team_lease, "leased", leased)
    obtained(engine, replace(team, push=push, lease=lease), lines)
    assert leases == ["linux/amd64"] * asked
    assert len(built) == 1


def test_what_another_machine_built_is_pulled(
    engine: FakeEngine,
    registry: MemoryRegistry,
    monkeypatch: pytest.MonkeyPatch,
    team: Settings,
    built: list[str],
    lines: list[str],
) -> None:
    """What the lease's holder published while we waited is pulled, and not built."""

    @contextmanager
    def leased(miss: Miss, *_: object) -> Iterator[RegistryHit]:
        digest = registry.put(miss.image, miss.cache_key.labels("b"))
        yield RegistryHit(order=miss.order, digest=digest)

    monkeypatch.setattr(team_lease, "leased", leased)
    result = obtained(engine, replace(team, push=True), lines)
    assert (result.status, built) == (Status.REGISTRY_HIT, [])
    assert result.image_id


# --- the desktop below a layer ---------------------------------------------------------------------------------------


@pytest.fixture
def below(
    tmp_path: Path, engine: FakeEngine, built: list[str], lines: list[str]
) -> Callable[..., tuple[str | None, LayerKey]]:
    """`below(settings, driver)`: on what a layer of the office is built, and the layer's key."""
    (tmp_path / "preflight.sh").write_text("true\n")

    def ask(settings: Settings, driver: str, **fields: Any) -> tuple[str | None, LayerKey]:
        environment = replace(OFFICE, preflight_script="preflight.sh", **fields)
        settings = replace(settings, root=tmp_path)
        context = work(engine, settings, lines.append)
        order = order_of(environment, context)
        desktop = order.below()
        assert isinstance(order.key, LayerKey)
        assert desktop
        return image_below(desktop, driver, context), order.key

    return ask


def test_desktop_is_built_first(below: Any, engine: FakeEngine, built: list[str]) -> None:
    """A layer's desktop is built if it is missing; without a digest in any registry the builder takes the target."""
    found, key = below(Settings(), "docker")
    assert (found, built) == (None, [str(key.desktop)])
    image_id = engine.names[f"desktop-bake:{key.desktop}"]
    engine.store[image_id] = replace(engine.store[image_id], repo_digests=(f"elsewhere.example.com/a@{BASE}",))
    assert below(Settings(), "docker")[0] is None  # the image in another repository does not count


def test_desktop_that_was_pushed(below: Any, registry: MemoryRegistry, team: Settings, built: list[str]) -> None:
    """The desktop of a layer is published on its own, and the layer built on it by its digest."""
    settings = replace(team, push=True, lease=False)
    found, key = below(settings, "docker")
    repository = "registry.example.com/team/desktop"
    assert found == f"docker-image://{team.repository}:{key.desktop}@{registry.tags[f'{repository}:{key.desktop}']}"
    registry.tags.clear()
    assert below(settings, "docker")[0] == found  # a desktop that is here is published too
    assert registry.tags
    assert built == [str(key.desktop)]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_builder_of_its_own(
    below: Any, registry: MemoryRegistry, team: Settings, built: list[str], is_there: bool
) -> None:
    """A builder that does not see the engine's images takes the registry's desktop, else the target."""
    _, key = below(team, "docker")
    built.clear()
    name, digest = f"{team.repository}:{key.desktop}", None
    if is_there:
        digest = registry.put(name, key.desktop.labels("b"))
    assert below(team, "docker-container")[0] == (f"docker-image://{name}@{digest}" if is_there else None)
    registry.asked.clear()
    assert below(Settings(), "docker-container")[0] is None
    assert (built, registry.asked) == ([], [])


def test_several_platforms(below: Any, built: list[str]) -> None:
    """For several platforms the target is taken: an image here may hold one of them alone."""
    assert below(Settings(), "docker", platforms=("linux/amd64", "linux/arm64"))[0] is None
    assert built == []


def test_a_script_that_changes_meanwhile(tmp_path: Path, engine: FakeEngine, built: list[str]) -> None:
    """What is built is what the key was computed of, a layer's desktop too, whatever the scripts hold by now."""
    (tmp_path / "preflight.sh").write_text("true\n")
    (tmp_path / "setup.sh").write_text("echo 1\n")
    environment = replace(OFFICE, preflight_script="preflight.sh", setup_script="setup.sh")
    context = work(engine, Settings(root=tmp_path))
    order = order_of(environment, context)
    (tmp_path / "setup.sh").write_text("echo 2\n")
    below = order.below()
    assert below
    assert below.stack.desktop
    assert below.stack.desktop.setup == b"echo 1\n"
    image_below(below, "docker", context)
    assert isinstance(order.key, LayerKey)
    assert built == [str(order.key.desktop)]


def test_files_are_read_once(
    tmp_path: Path, engine: FakeEngine, built: list[str], lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the key to the record of what was built, each file of the recipe is read once."""
    (tmp_path / "preflight.sh").write_text("true\n")
    (tmp_path / "setup.sh").write_text("echo 1\n")
    read: list[str] = []

    def reading(path: Path) -> bytes:
        read.append(path.name)
        return read_regular_file(path)

    monkeypatch.setattr("desktop_bake.bake.config.script_file.read_regular_file", reading)
    environment = replace(OFFICE, preflight_script="preflight.sh", setup_script="setup.sh")
    context = work(engine, Settings(root=tmp_path), lines.append)
    assert obtain(glance(environment, context), context).status is Status.BUILT
    assert sorted(read) == ["Dockerfile", "desktop_install.sh", "preflight.sh", "setup.sh"]


def test_afresh(
    engine: FakeEngine, registry: MemoryRegistry, team: Settings, built: list[str], lines: list[str]
) -> None:
    """With `--no-cache` an image is baked and published again, although its key has one here and there."""
    pushing = replace(team, push=True)
    first = obtained(engine, pushing, lines)
    registry.asked.clear()
    context = work(engine, pushing, lines.append, afresh=True)
    again = obtain(glance(OFFICE, context), context)
    assert (again.status, again.cache_key) == (Status.BUILT, first.cache_key)
    assert len(built) == 2
    assert f"[desktop-cache] pushed {team.repository}:{first.cache_key}" in lines[-1]
    assert obtained(engine, pushing, lines).status is Status.LOCAL_HIT


def test_a_cache_folder_that_refuses(engine: FakeEngine, built: list[str], lines: list[str]) -> None:
    """What the machine refuses, such as room on the disk of the cache folder, is a failed build; a task falls back."""
    (cache_folder() / "locks").write_text("in the place of a folder")
    with pytest.raises(BuildFailedError, match=rf"^build failed: this machine refuses {cache_folder()}/locks: "):
        obtained(engine, Settings(), lines)
    assert built == []
