"""The files that ship with the package: the template and the recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable


NEXT = "# the next module\n"
# The gate's modules; each imports from those before it.
GATE = ("desktop_http.py", "desktop_onlooker.py", "desktop_websocket.py", "desktop_ground.py", "desktop_gate.py")


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
    """The program in front of a desktop's screen: one text of several modules, separated by `NEXT`.

    If Python reads them all at once, it needs a megabyte more for the whole life of a task.

    Raises:
        ConfigurationError: see `shipped`.
    """
    return gate_of(shipped(f"recipe/{name}").read_text(encoding="utf-8") for name in GATE)


def gate_of(parts: Iterable[str]) -> str:
    """The same of these modules, such as those of an earlier recipe."""
    return NEXT.join(
        "".join(line for line in part.splitlines(True) if not line.startswith("from recipe.")) for part in parts
    )
