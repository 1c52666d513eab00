"""The page of the environments, part by part: what is seen first, what follows, and which steps of a build matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from desktop_bake.bake.ui.builds import Build, Builds
from desktop_bake.bake.ui.overview import Overview
from desktop_bake.bake.ui.world import World, name_of

if TYPE_CHECKING:
    from pathlib import Path

    from desktop_bake.bake.ui.pages import Pages
    from desktop_bake.bake.ui.source import Source


@pytest.fixture
def world(source: Source) -> World:
    """A world that has looked once."""
    world = World(source, lambda *_parts: None)
    world.reload()
    world.catch_up()
    return world


@pytest.fixture
def builds(source: Source) -> Builds:
    """No builds yet."""
    return Builds(source, lambda *_parts: None, lambda *_parts: None)


@pytest.fixture
def overview(pages: Pages, world: World, builds: Builds) -> Overview:
    """The page of the two environments."""
    return Overview(pages, world, builds)


def build_with(builds: Builds, source: Source, steps: int) -> Build:
    """A running build whose steps but the last are done."""
    build = Build(1, source.load(), ["office"])
    builds._builds[1] = build  # noqa: SLF001 (as one that was started)
    for number in range(1, steps + 1):
        build.take(f"#{number} [stage-0 {number}/{steps}] RUN step{number}")
        if number < steps:
            build.take(f"#{number} DONE 0.1s")
    return build


def test_the_parts_stand_on_the_page(overview: Overview) -> None:
    """A part that is drawn by itself is the part as the page has it."""
    page = overview.page()
    for part in (overview.summary(), overview.part(name_of("office")), overview.part(name_of("plain"))):
        assert part.strip()
        assert part in page
    assert overview.missing() == ["office"]
    assert overview.notice().strip() in page


def test_what_follows(overview: Overview, world: World, project: Path) -> None:
    """If there are 25 environments or more, those below are brief at first and complete later, each once."""
    assert list(overview.rest()) == []
    more = "".join(f'[environments.e{number:02}]\nbase_image = "debian:bookworm"\n' for number in range(40))
    project.write_text(project.read_text() + more)
    world.reload()
    assert overview.page().count("data-brief") == 18
    (rest,) = overview.rest()
    assert (rest.count("<li "), rest.count("data-brief")) == (18, 0)
    assert overview.part(name_of("e39")) in rest


def test_steps_that_matter(overview: Overview, builds: Builds, source: Source) -> None:
    """While a build runs its last steps are open, those before are folded; once it is over all of them are."""
    build = build_with(builds, source, 12)
    running = overview.part("b1")
    assert running in overview.builds()
    folded, _, open_ = running.partition('<ol class="steps">')
    assert [folded.count(f"step{number}<") for number in (1, 6, 7)] == [1, 1, 0]
    assert [open_.count(f"step{number}<") for number in (6, 7, 12)] == [0, 1, 1]
    build.take("#12 DONE 0.1s")
    build.is_running = False
    assert '<ol class="steps">' not in overview.part("b1")
    assert overview.part("b1").count("step12<") == 1
    assert overview.part("b2") == ""


def test_few_steps_are_not_folded(overview: Overview, builds: Builds, source: Source) -> None:
    """Two steps more than fit are shown, too: to fold them would save nothing."""
    build_with(builds, source, 8)
    assert "earlier" not in overview.part("b1")
    assert overview.part("b1").count("step1<") == 1
