"""Which pictures and which film the flags of `run` ask for."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from desktop_bake import ConfigurationError, Environment, ImageReference
from desktop_bake.bake.cli.pictures import film_of, wish_of
from desktop_bake.bake.task.film import FilmWish
from desktop_bake.bake.task.pictures import PictureWish

OFFICE = Environment(env_id="office", base_image=ImageReference.parse("a:b"), headless_desktop_enabled=True)
PLAIN = Environment(env_id="plain", base_image=ImageReference.parse("a:b"))


def flags(**typed: Any) -> Namespace:
    """What was typed."""
    return Namespace(**{"screenshot": None, "screenshot_every": None, "record": None, "detach": False, **typed})


def test_what_is_asked_for() -> None:
    """A file, how often in the house's durations, and a film by its suffix."""
    assert wish_of(flags(screenshot="a.png"), OFFICE) == PictureWish(file="a.png")
    assert wish_of(flags(screenshot="%d", screenshot_every="1m30s"), OFFICE) == PictureWish(file="%d", every_s=90)
    assert film_of(flags(record=Path("a.mp4")), OFFICE) == FilmWish(file=Path("a.mp4"))


@pytest.mark.parametrize(
    ("typed", "environment", "says"),
    [
        (flags(screenshot_every="2s"), OFFICE, "--screenshot-every needs a file"),
        (flags(screenshot="a", screenshot_every="0"), OFFICE, "--screenshot-every 0 is too short a pause"),
        (flags(screenshot="a"), PLAIN, "environment 'plain' has no desktop to take a screenshot of"),
        (
            flags(screenshot="a", detach=True),
            OFFICE,
            "--screenshot needs this program until the command ends, and --detach ends it before",
        ),
    ],
)
def test_no_pictures(typed: Namespace, environment: Environment, says: str) -> None:
    """Flags that contradict each other are reported in one line."""
    with pytest.raises(ConfigurationError, match=f"^{says}$"):
        wish_of(typed, environment)


@pytest.mark.parametrize(
    ("environment", "detach", "remedy"),
    [(PLAIN, False, "set headless_desktop_enabled = true"), (OFFICE, True, "leave out --record")],
)
def test_no_film(environment: Environment, detach: bool, remedy: str) -> None:
    """A film needs a desktop, and a program that stays."""
    with pytest.raises(ConfigurationError) as caught:
        film_of(flags(record=Path("a.mp4"), detach=detach), environment)
    assert caught.value.remedy == remedy
