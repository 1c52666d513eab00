"""The scripts and the Dockerfile in an environment's fields: a text, a file, or the shipped file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ...generator.file_name import leads_out
from ...generator.recipe import check_script
from ...generator.script import Script
from ..system.files import read_regular_file
from .shipped import shipped

if TYPE_CHECKING:
    from pathlib import PurePath


def read_script(root: Path, where: str, field: str, given: str | PurePath | Script | None, ours: str = "") -> bytes:
    """The bytes for a field of an environment or a layer, checked here if the field's name is known.

    Args:
        root: the folder where file names start. A name that is a text must stay in it, after links are followed.
        where: the beginning of messages: whose field it is.
        field: its name, such as `setup_script`.
        given: its value: a file's name, a path, or a script; None for the shipped file.
        ours: the shipped file's name below `recipe/`.

    Raises:
        ConfigurationError: a file is missing, unreadable, outside the root, empty or malformed.
    """
    key = field.removesuffix("_script") if field != "script" else "text"
    if isinstance(given, Script) and given.content is not None:
        check_script(where + key, given.content, f"write it, or drop {key}")
        return given.content
    override = given.path if isinstance(given, Script) else given
    name = str(override or ours)
    try:
        path = inside(root, where, field, override) if override else shipped(f"recipe/{name}")
        content = read_regular_file(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        remedy = "create the file, or change its name in desktop-bake.toml"
        raise ConfigurationError(f"{where}cannot read {name}: {why}", remedy) from error
    check_script(where + name, content, f"write it, or drop {field}", str(path))
    return content


def inside(root: Path, where: str, field: str, name: str | PurePath) -> Path:
    """The file with this name; if the name is a text, it must stay in the root after links are followed.

    Args:
        root, where, field: see `read_script`.
        name: the file's name.

    Raises:
        ConfigurationError: it leads out.
    """
    if not isinstance(name, str):
        return root / name
    path = Path(os.path.realpath(root / name))
    if not path.is_relative_to(os.path.realpath(root)):
        raise leads_out(where, field, name)
    return path
