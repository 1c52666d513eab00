"""The pictures and the film that the flags of `run` ask for."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..system.durations import duration_s
from ..task.film import FilmWish
from ..task.pictures import STANDARD_OUTPUT, PictureWish, pictured

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from ...generator.environment import Environment
    from ..task.task import DesktopTask


def wish_of(arguments: argparse.Namespace, environment: Environment) -> PictureWish:
    """The pictures that these flags ask for.

    Raises:
        ConfigurationError: the flags do not go together, there is no desktop, or no folder for the file.
    """
    every = arguments.screenshot_every
    if arguments.screenshot is None:
        raise ConfigurationError("--screenshot-every needs a file", "add --screenshot FILE")
    _check(arguments, environment, "screenshot", "to take a screenshot of")
    every_s = duration_s(every) if every is not None else 0.0
    if every is not None and not every_s:
        raise ConfigurationError(f"--screenshot-every {every} is too short a pause", "write 1s or more")
    wish = PictureWish(file=arguments.screenshot, every_s=every_s)
    wish.check()
    return wish


def film_of(arguments: argparse.Namespace, environment: Environment) -> FilmWish:
    """The film that `--record` asks for.

    Raises:
        ConfigurationError: there is no desktop, or the file cannot be a film.
    """
    _check(arguments, environment, "record", "to film")
    return FilmWish(file=arguments.record)


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
