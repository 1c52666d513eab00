"""The files that ship with the package: the template and the recipe."""

from __future__ import annotations

from pathlib import Path

from ...generator.errors import ConfigurationError

NEXT = "# the next module\n"
_GATE = ("http", "onlooker", "websocket", "gate")  # each imports from those before it


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


def gate_text() -> str:
    """The program that stands before a desktop's screen: one text of several modules, which `NEXT` parts.

    Python holds a megabyte more for a task's whole life if it has to read them at once.

    Raises:
        ConfigurationError: as `shipped`.
    """
    parts = (shipped(f"recipe/desktop_{name}.py").read_text(encoding="utf-8") for name in _GATE)
    return NEXT.join(
        "".join(line for line in part.splitlines(True) if not line.startswith("from recipe.")) for part in parts
    )
