"""docs/reliability.md: its table names existing tests, and every one that counts for a promise."""

from __future__ import annotations

from tests.harness.reliability import PAGE, Row, cell, every_test, rows, with_figures


def test_table_and_tests() -> None:
    """Each row's test exists, each test that counts for a promise has a row, and its figure is a count."""
    table = {row.test: row.figure.strip() for row in rows(PAGE.read_text(encoding="utf-8"))}
    assert set(table) - every_test() == set()
    assert every_test(counting=True) - set(table) == set()
    assert {test for test, figure in table.items() if figure == "holds"} == set(table) - every_test(counting=True)
    assert "" not in table.values()


def test_figures_written() -> None:
    """A counted figure replaces the old one, only in its own row."""
    one = Row(promise="a", fault="b", test="tests/test_a.py::test_a", figure="1 of 2")
    two = Row(promise="c", fault="d", test="tests/test_a.py::test_b", figure="3")
    text = with_figures(f"{one}\n{two}\n", {one.test: "2 of 2"})
    assert [row.figure for row in rows(text)] == ["2 of 2", "3"]


def test_figures_of_several_cases() -> None:
    """Equal counts of several cases are one figure; others stand beside each other."""
    assert cell(["2 of 2"]) == "2 of 2"
    assert cell(["limit: a: 5 tasks", "limit: b: 5 tasks"]) == "in each of 2 cases: 5 tasks"
    assert cell(["a: 5 tasks", "b: 4 tasks"]) == "a: 5 tasks; b: 4 tasks"
