"""The files that ship with the package: the template and the recipe."""

from __future__ import annotations

from pathlib import Path

from ...generator.errors import ConfigurationError


def shipped(name: str) -> Path:
    """The path of a shipped file: inside an installed wheel, or beside the package in a checkout.

    Raises:
        ConfigurationError: the installation is incomplete.
    """
    here = Path(__file__).parents[2]  # the package desktop_bake
    for root in (here / "_shipped", here.parent):
        if (root / name).is_file():
            return root / name
    raise ConfigurationError(f"{name} is missing from this installation", "install desktop-bake again")
