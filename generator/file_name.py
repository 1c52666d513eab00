"""Names of files that a configuration has: they lie in its folder, where nobody else's files are."""

from __future__ import annotations

from pathlib import PurePath
from typing import TypeAlias

from .errors import ConfigurationError

File: TypeAlias = str | PurePath  # a name below the configuration's folder, or a program's own path to any file


def check_inside(where: str, field_name: str, name: object) -> None:
    """Check that a name leads to no file outside of the configuration's folder; a path may.

    Args:
        where: what the message begins with.
        field_name: where the name stands.
        name: what stands there.

    Raises:
        ConfigurationError: it is a text, and absolute, or has `..` in it.
    """
    if isinstance(name, str) and (PurePath(name).is_absolute() or ".." in PurePath(name).parts):
        raise leads_out(where, field_name, name)


def leads_out(where: str, field_name: str, name: str) -> ConfigurationError:
    """The error of a name that leads out of the configuration's folder.

    Args: as `check_inside`.
    """
    return ConfigurationError(
        f"{where}{field_name} {name!r} leads out of the configuration's folder",
        "copy the file into that folder, and write its name relative to it",
    )
