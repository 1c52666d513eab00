"""File names in a configuration: the files are in its folder, which has no files of other users."""

from __future__ import annotations

from pathlib import PurePath
from typing import TypeAlias

from .errors import ConfigurationError

File: TypeAlias = str | PurePath  # a name below the configuration's folder, or a program's own path to any file


def check_inside(where: str, field_name: str, name: object) -> None:
    """Check that a name does not lead out of the configuration's folder; a `Path` may.

    Args:
        where: the beginning of the message.
        field_name: the field that contains the name.
        name: the name.

    Raises:
        ConfigurationError: the name is a text, and is absolute or contains `..`.
    """
    if isinstance(name, str) and (PurePath(name).is_absolute() or ".." in PurePath(name).parts):
        raise leads_out(where, field_name, name)


def leads_out(where: str, field_name: str, name: str) -> ConfigurationError:
    """The error for a name that leads out of the configuration's folder.

    Args: as `check_inside`.
    """
    return ConfigurationError(
        f"{where}{field_name} {name!r} leads out of the configuration's folder",
        "copy the file into that folder, and write its name relative to it",
    )
