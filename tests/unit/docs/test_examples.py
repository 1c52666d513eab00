"""The examples in docstrings of public names: each prints what it says."""

from __future__ import annotations

import doctest

import pytest

import desktop_bake

PUBLIC = {name: getattr(desktop_bake, name) for name in desktop_bake.__all__ if name != "__version__"}
FOUND = [
    test
    for name, value in PUBLIC.items()
    for test in doctest.DocTestFinder(recurse=False).find(value, name, module=False, globs={**PUBLIC})
    if test.examples
]


@pytest.mark.parametrize("example", FOUND, ids=lambda test: test.name)
def test_example(example: doctest.DocTest) -> None:
    """It prints what the docstring says, from public names alone."""
    said: list[str] = []
    assert doctest.DocTestRunner().run(example, out=said.append).failed == 0, "".join(said)


def test_parsers_have_examples() -> None:
    """What people write is shown with what becomes of it."""
    assert {"parse_mount", "parse_ports", "parse_volume"} <= {test.name for test in FOUND}
