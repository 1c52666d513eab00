"""What the page shows, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from desktop_bake import BuildFailedError
from desktop_bake.bake.ui.builds import Build
from desktop_bake.bake.ui.site import TITLES, Site
from desktop_bake.bake.ui.world import name_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from desktop_bake.bake.images.order import Order
    from desktop_bake.bake.ui.source import Source


@pytest.mark.parametrize("page", sorted(TITLES))
def test_whole_pages(site: Site, page: str) -> None:
    """Each page is whole at once: what is not known yet has its place."""
    html = site.whole(page)
    assert html.startswith("<!doctype html>")
    assert f'<div id="{page}">' in html
    assert f'data-page="{page}"' in html
    assert 'aria-current="page"' in html


def test_a_row(site: Site, have: Callable[[str], Order]) -> None:
    """A row tells name, base, status, size and age, and has its switches; it is a part that is sent alone."""
    have("office")
    site.world.look()
    site.world.catch_up()
    html = site.draw(f"environments/{name_of('office')}")
    assert "Ready here" in html
    assert "debian:bookworm" in html
    assert "1 B" in html
    assert html.count('aria-checked="true"') == 2
    assert html in site.whole("environments")
    assert "1 is ready and 1 is off." in site.draw("environments/summary")
    assert site.missing() == []


def test_what_is_gone(site: Site) -> None:
    """A part that is nowhere to be seen any more is empty."""
    assert site.draw("environments/e000000000000") == ""
    assert site.draw("environments/b9") == ""


def test_many_rows(site: Site, project: Path) -> None:
    """Rows far below are brief at first, so that the page is there at once, and follow whole."""
    more = "".join(f'[environments.e{number:03}]\nbase_image = "debian:bookworm"\n' for number in range(120))
    project.write_text(project.read_text() + more)
    site.world.reload()
    first, *rest = site.first("environments")
    assert first.count("<li ") == 122
    assert first.count("data-brief") == 82
    assert [piece.count("<li ") for piece in rest] == [50, 32]
    assert "data-brief" not in "".join(rest)
    assert len(list(site.first("tasks"))) == 1


def test_a_failed_build(site: Site, source: Source) -> None:
    """It tells which step failed, what it printed, and what becomes of tasks."""
    build = Build(1, source.load(), ["office"])
    site.builds._builds[1] = build  # noqa: SLF001 (as one that was started)
    for line in ("#7 [stage-0 1/1] RUN <b>", "#7 0.1 <i>no such file", "#7 ERROR: process died"):
        build.take(line)
    assert "Being built" in site.draw(f"environments/{name_of('office')}")
    build.errors["office"] = BuildFailedError("build failed: the setup script ended", "it said: <i>no such file")
    build.is_running = False
    html = site.draw("environments/b1")
    assert 'data-kind="failed"' in html
    assert "&lt;i&gt;no such file" in html
    assert "<i>" not in html
    assert "install their desktop at every start" in html
    assert html in site.draw("environments/builds")
    assert site.missing() == ["office"]


def test_many_steps(site: Site, source: Source) -> None:
    """Steps that went well fold away; what failed or runs does not."""
    build = Build(1, source.load(), ["office"])
    site.builds._builds[1] = build  # noqa: SLF001 (as above)
    for number in range(20):
        build.take(f"#{number} [stage-0 {number}/20] RUN step-{number}.")
        build.take(f"#{number} " + ("ERROR: died" if number == 3 else "DONE 1.0s"))
    html = site.draw("environments/b1")
    assert "13 earlier steps" in html
    earlier, _, shown = html.partition("</details>")
    assert ("step-3." in shown, "step-2." in earlier, "step-19." in shown) == (True, True, True)


def test_a_page_while_it_does_not_load(site: Site, project: Path) -> None:
    """What is wrong with the configuration is told, and what was known stays."""
    project.write_text("nonsense")
    site.told(None)
    html = site.whole("environments")
    assert 'role="alert"' in html
    assert "office" in html
    assert "invalid TOML" in site.why("office") or "not TOML" in site.why("office")


def test_why(site: Site) -> None:
    """It tells what `explain` tells: the key with its parts, and why."""
    html = site.why("office")
    assert "<strong>miss</strong>" in html
    assert "dockerfile" in html
    assert "unknown environment" in site.why("nobody")


def test_preview(site: Site, have: Callable[[str], Order], project: Path) -> None:
    """It tells what goes and what stays; what makes no sense, with its remedy."""
    order = have("office")
    assert "reached by office" in site.preview({})
    project.with_name("setup.sh").write_text("#!/bin/sh\necho two\n")
    html = site.preview({})
    assert order.tag in html
    assert "Remove 1" in html
    assert "has no unit" in site.preview({"older_than": "3"})


def test_told(site: Site, project: Path) -> None:
    """A script that changed is looked at again; so is everything when the engine's images change."""
    project.with_name("setup.sh").write_text("#!/bin/sh\necho two\n")
    before = site.world.row("office")
    for what in (("office",), "image", "metrics", "container"):
        site.told(what)
        site.world.catch_up()
    assert site.world.row("office") is not before
