"""`desktop-bake init`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError, DesktopBakeError
from ....generator.reference import ImageReference
from ...config.first_file import first_file
from ...config.lock_names import LOCK_NAME
from ...config.lock_uses import uses_of
from ...config.toml_file import load_settings
from ...system.files import cannot_write, new_file
from ...upkeep.locking import upgraded
from ..context import work_of
from ..wish import wish_of

if TYPE_CHECKING:
    import argparse


_TIMEOUT_S = 5  # for the lock, which can also be written later


def init(arguments: argparse.Namespace) -> int:
    """Write a commented configuration file; an existing one is never touched."""
    base = ImageReference.parse(arguments.base_image)
    path = arguments.config or Path("desktop-bake.toml")
    try:
        with new_file(path, instead=False) as file:
            file.write(first_file(base).encode())
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise ConfigurationError(f"{path} exists already", "edit it, or remove it first") from error
    except OSError as error:
        raise cannot_write(path, error, "--config") from error
    print(path)
    _lock(path, arguments)
    return 0


def _lock(path: Path, arguments: argparse.Namespace) -> None:
    """Write the lock beside it unless there is one; if the base's registry cannot be asked, say so."""
    settings = replace(load_settings(path, {}), registry_timeout_s=_TIMEOUT_S)
    if settings.lock is not None:
        return
    context, uses = work_of(arguments, settings), uses_of(settings.environments.values(), settings)
    try:
        upgraded(wish_of(None), uses, uses, context)
        print(settings.lock_file)
    except DesktopBakeError as error:
        context.reporter.warn(f"no {LOCK_NAME} is written: {error}; later, run: desktop-bake lock")
