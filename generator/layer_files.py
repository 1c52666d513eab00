"""The files of a layer's script, proven by one digest, which recipe/layer.Dockerfile computes as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ConfigurationError
from .reference import Digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .recipe import ContextFile


def manifest(files: Mapping[str, ContextFile]) -> bytes:
    """A line of `sha256sum` for each file, and then a line of `find` for each executable file.

    Args:
        files: the files by relative POSIX path.

    Raises:
        ConfigurationError: a path has a character that these programs print differently or not at all.
    """
    for path in files:
        if "\\" in path or not path.isprintable():
            raise ConfigurationError(
                f"the file name {path!r} has a backslash or a character that cannot be printed", "rename the file"
            )
    sums = sorted(f"{Digest.of(file.content).hex}  ./{path}\n".encode() for path, file in files.items())
    executables = sorted(f"./{path}\n".encode() for path, file in files.items() if file.executable)
    return b"".join((*sums, *executables))
