"""The shipped recipe on bases that are mixed of those of `make test`: Debian 13, and Arch's sudo without yay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.bases import bakes, installs_at_start, stand_in, stand_ins

if TYPE_CHECKING:
    from desktop_bake import Environment, Settings


@pytest.fixture(scope="module")
def settings(base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Those of these tests, with a folder for a script."""
    with stand_ins(tmp_path_factory.mktemp("bases")) as settings:
        yield settings


@pytest.fixture(scope="module", params=["trixie", "sudo"])
def environment(request: pytest.FixtureRequest, settings: Settings) -> Environment:
    """An environment on a base of this kind."""
    return stand_in(request.param, settings)


def test_baked(environment: Environment, settings: Settings, tmp_path: Path) -> None:
    """The recipe bakes, adds at most 400 MB, and a task has every tool, font and noVNC on a live desktop."""
    bakes(environment, settings, tmp_path)


def test_installed_at_start(environment: Environment, settings: Settings) -> None:
    """The fallback on a base without anything, and for a user with sudo: the same desktop, installed at start."""
    installs_at_start(environment, settings)
