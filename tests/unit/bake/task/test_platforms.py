"""The platform that a task's start asks for: before its environment's, and never one that its image is not for."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from desktop_bake import ConfigurationError, Settings
from desktop_bake.bake.images.result import Disabled, LocalHit
from desktop_bake.bake.task.platforms import with_platform
from tests.harness.recipes import OFFICE
from tests.harness.work import order

HIT = LocalHit(order=order(Settings()), image_id="sha256:1")
BASE = Disabled(environment="a", image="debian", reason="off", install_at_start=False)
ARM = "linux/arm64"


def engine(platform: str | None) -> Any:
    """An engine whose every image is for this platform; None if there is none any more."""
    return SimpleNamespace(image=lambda _name: SimpleNamespace(platform=platform) if platform else None)


@pytest.mark.parametrize("there", ["linux/arm64", None])
def test_an_image_for_it(there: str | None) -> None:
    """An image for it is used, whatever the environment says; one that is gone is looked for later."""
    environment = replace(OFFICE, platform="linux/amd64")
    assert with_platform(environment, ARM, HIT, engine(there)).platform == "linux/arm64"
    assert with_platform(OFFICE, ARM, BASE, engine("linux/amd64")).platform == "linux/arm64"


def test_an_image_for_another() -> None:
    """An image that was found for another platform is refused with both, and with what to do."""
    with pytest.raises(ConfigurationError, match=r" is for linux/amd64, linux/arm64 is asked for$") as refused:
        with_platform(OFFICE, ARM, HIT, engine("linux/amd64"))
    assert 'platform="linux/arm64"' in refused.value.remedy
