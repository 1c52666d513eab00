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
LONGEST = 300  # lines of a module
SCREEN = 40  # lines of a function's code
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


def code_lines(function: ast.FunctionDef) -> int:
    """How many lines of code a function has, below its docstring."""
    first = function.body[ast.get_docstring(function) is not None and len(function.body) > 1]
    return (function.end_lineno or 0) - first.lineno + 1


def too_long(path: Path) -> list[str]:
    """The functions of a module that are larger than a screen, and the module if it is larger than one may be."""
    text = path.read_text(encoding="utf-8")
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef) and code_lines(n) > SCREEN]
    return [*[path.name] * (text.count("\n") > LONGEST), *(f"{path.name}: {n.name}" for n in functions)]


def test_modules_and_functions_are_short() -> None:
    """A module has at most 300 lines, and a function's code is on one screen."""
    assert [long for module in MODULES for long in too_long(ROOT / module)] == []


def test_a_long_function_is_found(tmp_path: Path) -> None:
    """The rule above counts code without the docstring, and lines of a module."""
    code = "def {}():\n" + '    """A\n\n    B\n    """\n' + "    a = 1\n" * SCREEN
    module = tmp_path / "m.py"
    module.write_text(code.format("short"))
    assert too_long(module) == []
    module.write_text(code.format("long") + "    b = 1\n" + "\n" * LONGEST)
    assert too_long(module) == ["m.py", "m.py: long"]


def test_no_test_module_imports_another() -> None:
    """What test modules share is in tests/harness; a fixture comes from a conftest.py, by its name."""
    modules = {"conftest", *(path.stem for path in TESTS)}
    importing = {path.name: names for path in TESTS if (names := imported(path) & modules)}
    assert importing == {}
