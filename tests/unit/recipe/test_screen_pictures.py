"""Which picture is the last one: the screen as the command left it, or as it was before its windows closed."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest
from PIL import Image as Picture

from recipe.screen_pictures import Watch, png_of


class World:
    """A screen of one pixel and its windows, and the time.

    Attributes:
        now: in seconds.
        open: the windows that are there.
        closes: whether X reports next that one closes.
        shade: what the screen's next answer shows.
        asked: how often it was asked, and whether for all.
    """

    width = height = 1

    def __init__(self) -> None:
        self.now = 100.0
        self.open: set[int] = set()
        self.closes = False
        self.shade = 0
        self.pixels = bytearray(4)
        self.asked: list[bool] = []

    def clock(self) -> float:
        """The time."""
        return self.now

    def closing(self, _wait_s: float) -> bool:
        """As `Windows.closing`."""
        closes, self.closes = self.closes, False
        return closes

    def look(self) -> None:
        """As `Windows.look`."""

    def ask(self, whole: bool = False) -> None:
        """As `Screen.ask`."""
        self.asked.append(whole)

    def read(self) -> int:
        """As `Screen.read`."""
        self.pixels = bytearray([self.shade] * 4)
        return 4


@pytest.fixture
def world() -> World:
    """The world before anything happens."""
    return World()


@pytest.fixture
def watch(world: World) -> Watch:
    """What watches it."""
    it = cast("Any", world)
    watch = Watch(it, it, world.clock)
    watch.update()
    return watch


def happens(world: World, watch: Watch, after_s: float, shade: int, *windows: int) -> None:
    """Some seconds later the screen shows another shade, and there are these windows."""
    world.now += after_s
    closed = world.open - {*windows}
    world.open, world.closes, world.shade = {*windows}, bool(closed), shade
    watch.update()


def shade(png: bytes) -> int:
    """What a picture shows."""
    pixel = Picture.open(io.BytesIO(png)).getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return pixel[0]


@pytest.mark.parametrize(
    ("events", "seen"),
    [
        ([], 0),
        ([(1, 10, 1)], 10),  # its window is still there
        ([(1, 10, 1), (1, 20)], 10),  # it closed its window
        ([(1, 10, 1), (1, 20), (60, 30)], 10),  # and took a minute to end
        ([(1, 10, 1, 2), (1, 20, 2), (0, 30)], 10),  # one window after the other
        ([(1, 10, 1, 2), (1, 20, 2), (5, 30)], 20),  # the second one much later
        ([(1, 10, 1), (0, 20), (0, 30, 2), (0, 40)], 30),  # a splash screen, and then its window
        ([(1, 10, 1, 2), (1, 20, 2)], 10),  # somebody else's window stays
        ([(1, 10, 1, 2), (1, 20, 2), (9, 30, 2)], 30),  # a dialog closed long before
    ],
)
def test_the_last_picture(world: World, watch: Watch, events: list[tuple[int, ...]], seen: int) -> None:
    """What a person would call the command's last picture."""
    for after_s, number, *windows in events:
        happens(world, watch, after_s, number, *windows)
    world.now += 0.2
    assert shade(watch.last_picture()) == seen
    assert world.asked[-1]  # all of it, so that nothing is missing


def test_it_is_asked_no_sooner_than_needed(world: World, watch: Watch) -> None:
    """A screen that changes all the time is asked some times a second; one that is still is waited for."""
    wait_s = watch.wait_s
    assert wait_s
    watch.step()
    assert world.asked == []
    world.now += wait_s + 0.001
    watch.step()
    assert (world.asked, watch.wait_s) == ([False], None)
    watch.changed = False
    world.read = lambda: -1  # type: ignore[method-assign]
    watch.update()
    assert (watch.changed, watch.wait_s) == (False, None)


def test_png() -> None:
    """Pillow reads the picture, colour by colour."""
    pixels = bytes([255, 0, 0, 9, 0, 255, 0, 9, 0, 0, 255, 9, 1, 2, 3, 9])
    picture = Picture.open(io.BytesIO(png_of(pixels, 2, 2)))
    assert picture.tobytes() == bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 3])
