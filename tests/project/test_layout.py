"""The places of tests: each module has a file of unit tests with its name, and no test module imports another."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = [
    path.relative_to(ROOT).as_posix()
    for package in ("bake", "generator")
    for path in sorted((ROOT / package).rglob("*.py"))
    if path.name != "__init__.py"
]
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def mirrored(module: str) -> Path:
    """The file of a module's unit tests."""
    path = Path(module)
    return ROOT / "tests" / "unit" / path.parent / f"test_{path.name}"


def imported(path: Path) -> set[str]:
    """The last part of each name that a module imports, and of each module that it imports from."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(alias.name for alias in node.names)}
    return {name.rpartition(".")[2] for name in names}


def functions_of(path: Path) -> list[str]:
    """The test functions of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]


def test_each_module_has_unit_tests() -> None:
    """A module's unit tests are in the file of its name."""
    without = [module for module in MODULES if not mirrored(module).is_file() or not functions_of(mirrored(module))]
    assert without == []


def test_modules_are_found() -> None:
    """The rule above covers something, and a module without tests would break it."""
    assert {"bake/context.py", "bake/build/bake.py", "generator/key.py"} <= set(MODULES)
    assert len(MODULES) > 100
    assert not mirrored("bake/build/no_such_module.py").exists()


def test_no_test_module_imports_another() -> None:
    """What test modules share is in tests/harness; a fixture comes from a conftest.py, by its name."""
    modules = {"conftest", *(path.stem for path in TESTS)}
    importing = {path.name: names for path in TESTS if (names := imported(path) & modules)}
    assert importing == {}
