"""The shipped recipe on bases that are mixed of those of `make test`: Debian 13, and Arch's sudo without yay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.bases import SETTINGS, bakes, installs_at_start, stand_in

if TYPE_CHECKING:
    from desktop_bake import Environment, Settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Those of these tests, with a folder for a script."""
    return replace(SETTINGS, root=tmp_path_factory.mktemp("bases"))


@pytest.fixture(scope="module", params=["trixie", "sudo"])
def environment(request: pytest.FixtureRequest, base: str, settings: Settings) -> Iterator[Environment]:
    """An environment on a base of this kind."""
    with stand_in(request.param, settings) as environment:
        yield environment


def test_baked(environment: Environment, settings: Settings, tmp_path: Path) -> None:
    """The recipe bakes, adds at most 400 MB, and a task has every tool, font and noVNC on a live desktop."""
    bakes(environment, settings, tmp_path)


@pytest.mark.parametrize("environment", ["sudo"], indirect=True)
def test_installed_at_start(environment: Environment, settings: Settings) -> None:
    """The fallback for a user with sudo: the same desktop, installed at start."""
    installs_at_start(environment, settings)
