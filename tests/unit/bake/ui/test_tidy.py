"""What is cached, and pruning as it was shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from desktop_bake import ConfigurationError
from desktop_bake.bake.ui import tidy as module
from desktop_bake.bake.ui.tidy import Tidy, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from desktop_bake.bake.images.order import Order
    from desktop_bake.bake.ui.source import Source
    from tests.harness.fake_engine import FakeEngine


@pytest.fixture
def tidy(source: Source, monkeypatch: pytest.MonkeyPatch) -> Tidy:
    """What is cached in a project; nobody left anything that an engine would have to be asked for."""
    monkeypatch.setattr(module, "clear_left_over", lambda _: None)
    return Tidy(source, lambda *_: None)


@pytest.fixture
def stale(have: Callable[[str], Order], project: Path) -> str:
    """The name of an image that no environment reaches any more."""
    order = have("office")
    project.with_name("setup.sh").write_text("#!/bin/sh\necho two\n")
    return order.tag


def test_listed(tidy: Tidy, source: Source, stale: str, engine: FakeEngine) -> None:
    """The list is that of `images`; an engine that is away is reported, and the list stays."""
    tidy.look(source.load())
    assert tidy.listing
    assert [(row.name, row.environments) for row in tidy.listing.rows] == [(stale, ())]
    engine.is_up = False
    tidy.look(source.load())
    assert tidy.error
    assert tidy.listing.rows


def test_pruned_as_shown(tidy: Tidy, source: Source, stale: str, engine: FakeEngine) -> None:
    """What was shown goes, once."""
    number, plan = tidy.preview(Wanted(), source.load())
    assert [v.image.name for v in plan.images if v.removed] == [stale]
    assert tidy.prune(number, source.load()) == (1, [])
    assert stale not in engine.names
    with pytest.raises(ConfigurationError, match="too old"):
        tidy.prune(number, source.load())


def test_something_else_by_now(
    tidy: Tidy, source: Source, stale: str, project: Path, engine: FakeEngine, have: Callable[[str], Order]
) -> None:
    """If something else would go, nothing goes before a person has seen it."""
    number, _ = tidy.preview(Wanted(), source.load())
    have("office")
    project.with_name("setup.sh").write_text("#!/bin/sh\necho three\n")
    with pytest.raises(ConfigurationError, match="the list of unused images has changed"):
        tidy.prune(number, source.load())
    assert stale in engine.names


@pytest.mark.parametrize("values", [{"keep": "-1"}, {"keep": "x"}, {"keep": "²"}, {"older_than": "3"}])
def test_malformed(values: dict[str, str]) -> None:
    """What makes no sense is refused by name."""
    with pytest.raises(ConfigurationError):
        Wanted.of(values)


def test_wanted() -> None:
    """A form says what stays."""
    assert Wanted.of({}) == Wanted()
    wanted = Wanted.of({"keep": "2", "older_than": "1d", "registry": "1"})
    assert (wanted.registry, wanted.policy().keep, wanted.policy().older_than_s) == (True, 2, 86400)
