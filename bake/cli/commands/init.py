"""`desktop-bake init`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ....generator.errors import ConfigurationError
from ....generator.reference import ImageReference
from ...config.first_file import first_file
from ...system.files import new_file

if TYPE_CHECKING:
    import argparse


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
        raise ConfigurationError(f"cannot write {path}: {error.strerror}", "choose another folder") from error
    print(path)
    return 0
