"""The pictures and the film that the flags of `run` ask for."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..task.film import FilmWish, filmed, recorder_image
from ..task.pictures import STANDARD_OUTPUT, PictureWish, pictured

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from ...generator.environment import Environment
    from ..context import Context
    from ..task.task import DesktopTask

    Camera = Callable[[DesktopTask], AbstractContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is wanted of a task's desktop.

    Attributes:
        pictures: the pictures; None for none.
        film: the film; None for none.
    """

    pictures: PictureWish | None
    film: FilmWish | None

    def camera(
        self, environment: Environment, context: Context
    ) -> Callable[[DesktopTask], AbstractContextManager[None]]:
        """What takes them of a task during a `with` block; a film's recorder is made ready before there is a task.

        Raises:
            BuildFailedError, TimeLimitError, ConfigurationError, EngineError, CancelledError: see `recorder_image`.
        """
        image, say = recorder_image(environment, context) if self.film else "", context.reporter.warn

        @contextlib.contextmanager
        def on(task: DesktopTask) -> Iterator[None]:
            with (
                filmed(task, self.film, image, say) if self.film else contextlib.nullcontext(),
                taken(task, self.pictures, say) if self.pictures else contextlib.nullcontext(),
            ):
                yield

        return on


def wishes_of(arguments: argparse.Namespace, environment: Environment) -> Wishes:
    """The pictures and the film that these flags ask for.

    Raises:
        ConfigurationError: the flags do not go together, there is no desktop, or no folder for the file.
    """
    pictures = film = None
    if arguments.screenshot or arguments.screenshot_every:
        if arguments.screenshot is None:
            raise ConfigurationError("--screenshot-every needs a file", "add --screenshot FILE")
        _check(arguments, environment, "screenshot", "to take a screenshot of")
        pictures = PictureWish(file=arguments.screenshot, every_s=arguments.screenshot_every or 0.0)
        pictures.check()
    if arguments.record:
        _check(arguments, environment, "record", "to film")
        film = FilmWish(file=arguments.record)
    return Wishes(pictures=pictures, film=film)


def _check(arguments: argparse.Namespace, environment: Environment, flag: str, what_for: str) -> None:
    if not environment.headless_desktop_enabled:
        raise ConfigurationError(
            f"environment {environment.env_id!r} has no desktop {what_for}", "set headless_desktop_enabled = true"
        )
    if arguments.detach:
        raise ConfigurationError(
            f"--{flag} needs this program until the command ends, and --detach ends it before", f"leave out --{flag}"
        )


@contextlib.contextmanager
def taken(task: DesktopTask, wish: PictureWish, say: Callable[[str], None]) -> Iterator[None]:
    """Take the pictures while the body of the `with` statement runs.

    If one goes to our standard output, everything else that is printed meanwhile goes to standard error.

    Args:
        task: a task with a desktop.
        wish: which pictures.
        say: see `pictured`.

    Raises:
        TaskError, ConfigurationError: see `pictured`.
    """
    if wish.file != STANDARD_OUTPUT:
        with pictured(task, wish, say):
            yield
        return
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "wb") as kept:
        os.dup2(2, 1)
        try:
            with pictured(task, wish, say, kept):
                yield
        finally:
            sys.stdout.flush()
            os.dup2(kept.fileno(), 1)
