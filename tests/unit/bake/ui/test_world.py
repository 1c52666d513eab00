"""What is known of the environments."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.images.result import Disabled, LocalHit, Miss
from desktop_bake.bake.ui import world as module
from desktop_bake.bake.ui.world import World, name_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from desktop_bake.bake.images.order import Order
    from desktop_bake.bake.ui.source import Source
    from tests.harness.fake_engine import FakeEngine

    Have = Callable[[str], Order]


@pytest.fixture
def touched() -> list[str]:
    """The parts of pages that may look different."""
    return []


@pytest.fixture
def world(source: Source, touched: list[str]) -> World:
    """A world that has looked once."""
    world = World(source, lambda *parts: touched.extend(parts))
    world.reload()
    world.catch_up()
    touched.clear()
    return world


def result(world: World, env_id: str) -> object:
    """What is known of an environment."""
    row = world.row(env_id)
    assert row
    return row.result


def test_looked_at(world: World) -> None:
    """Each environment is looked for as `resolve` does, in the file's order."""
    assert [row.environment.env_id for row in world.rows] == ["office", "plain"]
    found = result(world, "office")
    assert isinstance(found, Miss)
    assert found.reason
    assert isinstance(result(world, "plain"), Disabled)


def test_a_page_is_painted_first(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked for while the first page is painted."""
    looked = threading.Event()

    def touch(*_: str) -> None:
        row = early.row("office")
        if row and row.result:
            looked.set()

    monkeypatch.setattr(module, "_HEAD_START_S", 60)
    early = World(source, touch)
    early.start()
    assert result(early, "office") is None
    early.begin()
    assert looked.wait(10)


def test_an_image_comes(world: World, have: Have, touched: list[str]) -> None:
    """It is a hit once somebody looks again, with the size and time that the engine reports."""
    order = have("office")
    world.look()
    world.catch_up()
    row = world.row("office")
    assert row
    assert isinstance(row.result, LocalHit)
    assert row.stored
    assert (row.stored.name, row.stored.created_s) == (order.tag, 1_700_000_000)
    assert f"environments/{name_of('office')}" in touched


def test_images_of_others(world: World, engine: FakeEngine, have: Have, touched: list[str]) -> None:
    """When others' images come and go, what is still missed is not searched for again; what has come is found."""
    before = world.row("office")
    world.look(here=True)
    world.catch_up()
    assert world.row("office") is before
    assert f"environments/{name_of('office')}" not in touched
    have("office")
    world.look(here=True)
    world.catch_up()
    assert isinstance(result(world, "office"), LocalHit)
    engine.names.clear()
    world.look(here=True)
    assert isinstance(result(world, "office"), LocalHit)  # until it is known what becomes of it


def test_a_base_that_moves(world: World, engine: FakeEngine, have: Have) -> None:
    """A user who pulls a base again sees on the page that its desktops will be built, and why."""
    have("office")
    world.look_here()
    world.catch_up()
    assert isinstance(result(world, "office"), LocalHit)
    engine.add("debian:bookworm", known_as=f"debian@sha256:{'7' * 64}")
    world.look_here()
    world.catch_up()
    missed = result(world, "office")
    assert isinstance(missed, Miss)
    assert "base" in missed.reason


def test_few_questions(world: World, engine: FakeEngine, have: Have) -> None:
    """Whatever others do with their images costs two questions, of ours and of the bases; one of ours is looked for."""
    world.look_here()
    world.catch_up()
    engine.add("somebody/else:1")
    engine.asked.clear()
    world.look_here()
    world.catch_up()
    assert engine.asked == ["images", "images"]
    have("office")
    world.look_here()
    world.catch_up()
    assert isinstance(result(world, "office"), LocalHit)
    engine.is_up = False
    world.look_here()


def test_another_process_edits(world: World, project: Path, engine: FakeEngine, touched: list[str]) -> None:
    """What is changed is looked for again, and what is not is not."""
    engine.asked.clear()
    seen = world.seen
    project.write_text(project.read_text().replace("[environments.plain]", "[environments.plain]\nname = 'P'"))
    world.reload()
    world.catch_up()
    assert world.seen != seen
    assert f"environments/{name_of('plain')}" in touched
    assert f"environments/{name_of('office')}" not in touched
    assert engine.asked == []


def test_another_layer_to_choose(world: World, project: Path, engine: FakeEngine, touched: list[str]) -> None:
    """It is to be seen in every row, and no reason to look again."""
    engine.asked.clear()
    project.write_text(project.read_text() + '[layers.tools]\ntext = "true"\n')
    world.reload()
    world.catch_up()
    assert f"environments/{name_of('office')}" in touched
    assert engine.asked == []


def test_environments_come_and_go(world: World, project: Path, touched: list[str]) -> None:
    """The list itself is reported then."""
    project.write_text(project.read_text().replace("[environments.plain]", "[environments.other]"))
    world.reload()
    assert [row.environment.env_id for row in world.rows] == ["office", "other"]
    assert "environments" in touched
    world.step(0, "plain")  # what was still to be looked for of one that is gone


def test_a_configuration_that_does_not_load(world: World, project: Path) -> None:
    """It is reported, and what was known stays to be seen until it loads again."""
    before = project.read_text()
    project.write_text("nonsense")
    world.reload()
    assert world.error
    assert len(world.rows) == 2
    project.unlink()
    world.reload()
    assert "cannot read" in str(world.error)
    project.write_text(before)
    world.reload()
    assert world.error is None


def test_an_engine_that_is_away(world: World, engine: FakeEngine, touched: list[str]) -> None:
    """It is reported once for all, and over once it is back."""
    engine.is_up = False
    world.look(["office"])
    world.catch_up()
    row = world.row("office")
    assert row
    assert row.error
    assert world.engine_error
    assert "environments/notice" in touched
    engine.is_up = True
    world.look(["office"])
    world.catch_up()
    assert world.engine_error is None


def test_names_of_elements() -> None:
    """Whatever an environment is called, its element's ID is letters and digits, and its own."""
    names = [name_of(env_id) for env_id in ("a", "b", '"><script>', "\ud800", "a b")]
    assert len(set(names)) == 5
    assert all(name.isalnum() and name.isascii() for name in names)
