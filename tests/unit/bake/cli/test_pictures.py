"""Which pictures and which film the flags of `run` ask for."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from desktop_bake import ConfigurationError, Environment, ImageReference
from desktop_bake.bake.cli.pictures import Wishes, wishes_of
from desktop_bake.bake.task.film import FilmWish
from desktop_bake.bake.task.pictures import PictureWish

OFFICE = Environment(env_id="office", base_image=ImageReference.parse("a:b"), headless_desktop_enabled=True)
PLAIN = Environment(env_id="plain", base_image=ImageReference.parse("a:b"))


def flags(**typed: Any) -> Namespace:
    """What was typed."""
    return Namespace(**{"screenshot": None, "screenshot_every": None, "record": None, "detach": False, **typed})


def test_what_is_asked_for() -> None:
    """A picture, a series, a film by its suffix, or both."""
    one, series, film = PictureWish(file="a.png"), PictureWish(file="%d", every_s=90), FilmWish(file=Path("a.mp4"))
    assert wishes_of(flags(screenshot="a.png"), OFFICE) == Wishes(pictures=one, film=None)
    assert wishes_of(flags(screenshot="%d", screenshot_every=90.0), OFFICE) == Wishes(pictures=series, film=None)
    assert wishes_of(flags(record=Path("a.mp4")), OFFICE) == Wishes(pictures=None, film=film)
    assert wishes_of(flags(screenshot="a.png", record=Path("a.mp4")), OFFICE) == Wishes(pictures=one, film=film)


@pytest.mark.parametrize(
    ("typed", "environment", "says"),
    [
        (flags(screenshot_every=2.0), OFFICE, "--screenshot-every needs a file"),
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
        wishes_of(typed, environment)


@pytest.mark.parametrize(
    ("environment", "detach", "remedy"),
    [(PLAIN, False, "set headless_desktop_enabled = true"), (OFFICE, True, "leave out --record")],
)
def test_no_film(environment: Environment, detach: bool, remedy: str) -> None:
    """A film needs a desktop, and a program that stays."""
    with pytest.raises(ConfigurationError) as caught:
        wishes_of(flags(record=Path("a.mp4"), detach=detach), environment)
    assert caught.value.remedy == remedy
