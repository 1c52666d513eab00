"""A picture of a task's desktop, for any program that asks: the task's own, a later one, or the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...generator.errors import TaskError, TaskGoneError
from ..engine.api import CALL_TIMEOUT_S
from ..system.lazy import lazy
from ..system.text import last_line
from .ending import is_gone
from .options import DISPLAY, size_of

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from . import screen_program
else:
    screen_program = lazy(".screen_program", __package__)


PICTURE_BYTES = 64 << 20  # for a screen that the task made larger
_PNG = b"\x89PNG"


def picture(
    engine: Engine, container_id: str, *, limit_bytes: int = PICTURE_BYTES, limit_s: float = CALL_TIMEOUT_S
) -> bytes:
    """The whole desktop of a running task, as PNG.

    Args:
        engine: the engine on which it runs.
        container_id: the task's container.
        limit_bytes: the most bytes that the picture may have.
        limit_s: the most seconds that it may take.

    Raises:
        TaskGoneError: the task has ended.
        TaskError: the desktop gives no picture, or more than a picture.
        TimeLimitError: it does not answer.
    """
    words = ("exec", "-e", f"DISPLAY=:{DISPLAY}", container_id, "import", "-window", "root", "png:-")
    done = engine.docker(*words, limit_bytes=limit_bytes, timeout_s=limit_s)
    if done.returncode or not done.stdout.startswith(_PNG):
        said = last_line(done.stderr.decode(errors="replace"))
        if is_gone(said):
            raise TaskGoneError(f"no screenshot: {said}", "see: desktop-bake ps")
        raise TaskError(
            f"no screenshot: {said}",
            "the task needs a desktop that runs: headless_desktop_enabled = true",
        )
    return done.stdout


def resize(engine: Engine, container_id: str, geometry: str) -> None:
    """Give the desktop of a running task another size; its windows stay, and a maximized one follows.

    Args:
        engine: the engine on which it runs.
        container_id: the task's container.
        geometry: `WIDTHxHEIGHT`, in pixels.

    Raises:
        ConfigurationError: that is not a size of a screen.
        TaskGoneError: the task has ended.
        TaskError: the desktop does not accept it.
    """
    width, height = size_of(geometry)
    done = engine.docker("exec", container_id, *screen_program.screen_program("screen_resize", str(width), str(height)))
    if done.returncode:
        said = last_line(done.stderr.decode(errors="replace"))
        if is_gone(said):
            raise TaskGoneError(f"the desktop takes no size: {said}", "see: desktop-bake ps")
        raise TaskError(
            f"the desktop refuses the size {geometry}: {said}",
            "the task needs a desktop that runs: headless_desktop_enabled = true",
        )
