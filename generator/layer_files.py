"""The files of a layer's script, as one digest proves them: recipe/layer.Dockerfile computes the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ConfigurationError
from .reference import Digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .recipe import ContextFile


def manifest(files: Mapping[str, ContextFile]) -> bytes:
    """A line for each file, as `sha256sum` prints it, and then one for each that is executable, as `find` prints it.

    Args:
        files: by relative POSIX path.

    Raises:
        ConfigurationError: a path has a character that these programs write otherwise, or do not write at all.
    """
    for path in files:
        if "\\" in path or not path.isprintable():
            raise ConfigurationError(
                f"the file name {path!r} has a backslash or a character that cannot be printed", "rename the file"
            )
    sums = sorted(f"{Digest.of(file.content).hex}  ./{path}\n".encode() for path, file in files.items())
    executables = sorted(f"./{path}\n".encode() for path, file in files.items() if file.executable)
    return b"".join((*sums, *executables))
