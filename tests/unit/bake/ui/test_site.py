"""What the page shows, part by part."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from desktop_bake import BuildFailedError
from desktop_bake.bake.ui.builds import Build
from desktop_bake.bake.ui.desks import Starting
from desktop_bake.bake.ui.site import TITLES, Site
from desktop_bake.bake.ui.world import name_of
from tests.harness.entries import ENTRY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from desktop_bake.bake.images.order import Order
    from desktop_bake.bake.ui.source import Source
    from tests.harness.fake_engine import FakeEngine


@pytest.mark.parametrize("page", sorted(TITLES))
def test_whole_pages(site: Site, page: str) -> None:
    """Each page is whole at once: what is not known yet has its place."""
    html = site.whole(page)
    assert html.startswith("<!doctype html>")
    assert f'<div id="{page}">' in html
    assert f'data-page="{page}"' in html
    assert 'aria-current="page"' in html


def test_a_row(site: Site, have: Callable[[str], Order]) -> None:
    """A row shows name, base, status, size and age, and has its switches; it is a part that is sent alone."""
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
    assert first.count("data-brief") == 98
    assert [piece.count("<li ") for piece in rest] == [50, 48]
    assert "data-brief" not in "".join(rest)
    assert len(list(site.first("tasks"))) == 1


def test_a_failed_build(site: Site, source: Source) -> None:
    """It shows which step failed, what it printed, and what becomes of tasks."""
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
    """What is wrong with the configuration is reported until it is fixed, and what was known stays."""
    good = project.read_text()
    project.write_text("nonsense")
    site.told(None)
    html = site.whole("environments")
    assert 'role="alert"' in html
    assert "office" in html
    assert "invalid TOML" in site.why("office") or "not TOML" in site.why("office")
    project.write_text(good)
    site.told(None)
    assert 'role="alert"' not in site.whole("environments")


def test_a_page_while_no_engine_answers(site: Site, engine: FakeEngine) -> None:
    """It is reported until the engine is back, and then the page is as it was."""
    before = site.draw("environments")
    engine.is_up = False
    site.told("engine")
    site.world.catch_up()
    assert 'role="alert"' in site.draw("environments/notice")
    engine.is_up = True
    site.told("engine")
    site.world.catch_up()
    assert site.draw("environments") == before


def test_why(site: Site) -> None:
    """It shows what `explain` shows: the key with its parts, and why."""
    html = site.why("office")
    assert "<strong>miss</strong>" in html
    assert "dockerfile" in html
    assert "unknown environment" in site.why("nobody")


def test_preview(site: Site, have: Callable[[str], Order], project: Path) -> None:
    """It shows what goes and what stays; what makes no sense, with its remedy."""
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


def test_markup(site: Site, source: Source, project: Path) -> None:
    """What looks like markup is text, whether it is a name, a task's command or a line of a log."""
    evil = "\"'><img src=x onerror=alert(1)>"
    name = json.dumps(evil)
    project.write_text(project.read_text() + f'[environments.{name}]\nname = {name}\nbase_image = "debian:bookworm"\n')
    site.told(None)
    site.world.catch_up()
    build = Build(1, source.load(), [evil])
    site.builds._builds[1] = build  # noqa: SLF001 (as one that was started)
    build.take(f"#7 [stage-0 1/1] RUN {evil}")
    build.take(f"#7 0.1 {evil}")
    build.errors[evil] = BuildFailedError(evil, evil)
    desks = site.desks
    desks.entries, desks.has_looked = (replace(ENTRY, environment=evil, project_name=evil),), True
    desks.commands[ENTRY.container_id] = desks.lines[ENTRY.container_id] = evil
    desks.starting[1] = Starting(env_id=evil, words=(evil,), line=evil)
    found = Elements()
    for page in sorted(TITLES):
        found.feed(site.whole(page))
    for html in (site.start_form(), site.desk(ENTRY.container_id, "8000"), site.preview({"older_than": evil})):
        found.feed(html)
    found.feed(site.why(evil))
    assert evil in found.values["data-env"]
    assert evil in found.values["data-name"]
    assert found.said.count("onerror") >= 10
    assert "onerror" not in found.values
    assert "x" not in found.values["src"]


class Elements(HTMLParser):
    """A page as a browser reads it.

    Attributes:
        values: the values of its elements' attributes, by their names.
        said: its text.
    """

    def __init__(self) -> None:
        super().__init__()
        self.values = defaultdict[str, set[str | None]](set)
        self.said = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        for name, value in attrs:
            self.values[name].add(value)

    def handle_data(self, data: str) -> None:
        """A text."""
        self.said += data
