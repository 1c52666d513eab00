"""The script of a layer, the files beside it while it runs, and additional files of the desktop's recipe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ...generator.script import Script
from ...generator.stack import LAYER
from .context_files import ContextFiles
from .script_file import read_script

if TYPE_CHECKING:
    from ...generator.environment import Environment
    from ...generator.layer import Layer
    from ...generator.recipe import ContextFile


def read_layer_script(root: Path, layer: Layer) -> bytes | None:
    """The bytes of a layer's script; None without one.

    Args:
        root: the configuration's folder.
        layer: the layer.

    Raises:
        ConfigurationError: see `read_script`.
    """
    return None if layer.script is None else read_script(root, _where(layer), "script", layer.script)


def read_layer_files(root: Path, layer: Layer) -> dict[str, ContextFile]:
    """The files of a layer by their path in the folder in which its script runs.

    Args: see `read_layer_script`.

    Raises:
        ConfigurationError: see `ContextFiles.read`; or a file has the script's name.
    """
    path = layer.script.path if isinstance(layer.script, Script) else layer.script
    beside = Path(os.path.normpath(root / path)).parent if path else None
    files = ContextFiles(root=root, where=_where(layer), beside=beside).read(layer.files)
    same = files.pop(LAYER, None)
    if same and same.content != read_layer_script(root, layer):
        raise ConfigurationError(
            f"{_where(layer)}files holds {LAYER!r}, which is what the script is called while it runs",
            "give the file another name",
        )
    return files


def read_desktop_files(root: Path, environment: Environment) -> dict[str, ContextFile]:
    """Additional files of the build context in which an environment's own Dockerfile builds its desktop.

    Args:
        root: the configuration's folder.
        environment: the environment.

    Raises:
        ConfigurationError: see `ContextFiles.read`; or the Dockerfile is the shipped one.
    """
    where = f"environment {environment.env_id!r}: "
    if environment.files and environment.dockerfile is None:
        raise ConfigurationError(
            f"{where}files without a dockerfile: the shipped one copies none of them",
            "write a dockerfile that does, or give them to a layer, whose script has them beside it",
        )
    return ContextFiles(root=root, where=where).read(environment.files)


def _where(layer: Layer) -> str:
    return f"layer {layer.name!r}: "
