"""The shipped recipe on combinations of the bases of `make test`: Debian 13, and Arch's sudo without yay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.bases import bakes, installs_at_start, stand_in

if TYPE_CHECKING:
    from desktop_bake import Environment, Settings


@pytest.fixture(scope="module", params=["trixie", "sudo"])
def environment(request: pytest.FixtureRequest, stand_in_settings: Settings) -> Environment:
    """An environment on a base of this kind."""
    return stand_in(request.param, stand_in_settings)


def test_baked(environment: Environment, stand_in_settings: Settings, tmp_path: Path) -> None:
    """The recipe bakes, adds at most 400 MB, and a task has every tool, font and noVNC on a live desktop."""
    bakes(environment, stand_in_settings, tmp_path)


def test_installed_at_start(environment: Environment, stand_in_settings: Settings) -> None:
    """The fallback on a base that has nothing, and for a user with sudo: the same desktop, installed at start."""
    installs_at_start(environment, stand_in_settings)
