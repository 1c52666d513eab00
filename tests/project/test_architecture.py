"""docs/architecture.md describes the floors as the import contract enforces them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def contracts() -> dict[str, dict[str, object]]:
    """Import Linter's contracts in pyproject.toml, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["name"]: contract for contract in project["tool"]["importlinter"]["contracts"]}


def floors() -> list[str]:
    """The floors of bake/, the lowest first; those that do not know each other are one line."""
    layers = contracts()["floors"]["layers"]
    assert isinstance(layers, list)
    return [str(layer) for layer in reversed(layers)]


def test_the_diagram() -> None:
    """The diagram names generator/ and every floor of the contract, in its order."""
    diagram = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert diagram
    drawn = [re.split(r" {2,}", line)[0] for line in diagram[1].splitlines()]
    assert drawn == ["generator/", *(" | ".join(shown(name) for name in floor.split(" | ")) for floor in floors())]


def shown(name: str) -> str:
    """A floor as the diagram names it: a folder with a slash, a file with its ending."""
    return f"{name}/" if (ROOT / "bake" / name).is_dir() else f"{name}.py"


def test_a_paragraph_each() -> None:
    """Each floor has its paragraph, in the same order, and each module of a floor is named or one of many."""
    titles = re.findall(r"^\*\*`([\w./]+)`\*\*", PAGE, re.MULTILINE)
    assert titles == ["generator/", *(f"bake/{shown(name)}" for floor in floors() for name in floor.split(" | "))]


def test_named_modules_are_there() -> None:
    """Every module that the page names exists."""
    named = re.findall(r"`((?:bake|generator)/[\w/]+\.py)`", PAGE)
    assert named
    for name in named:
        assert (ROOT / name).is_file(), name


def test_one_link_for_each_package() -> None:
    """The installed package has both folders by links, which need no list of modules."""
    for name in ("bake", "generator"):
        assert (ROOT / "desktop_bake" / name).resolve() == ROOT / name
