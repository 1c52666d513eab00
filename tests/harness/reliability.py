"""docs/reliability.md: its table of promises, and the figures that `make soak` counted and writes into it."""

from __future__ import annotations

import ast
import json
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from tests.harness.project import FIGURES

HERE = Path(__file__).parents[1]
PAGE = HERE.parent / "docs" / "reliability.md"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One promise of the page.

    Attributes:
        promise: what is always true.
        fault: the real cause that tests it.
        test: the test, as pytest names it.
        figure: what `make soak` counted; "holds" if there is nothing to count.
    """

    promise: str
    fault: str
    test: str
    figure: str

    def __str__(self) -> str:
        return f"| {self.promise} | {self.fault} | `{self.test}` | {self.figure} |"


def rows(text: str) -> list[Row]:
    """The rows of the page's table."""
    found = re.findall(r"^\| ([^|]+) \| ([^|]+) \| `(tests/[^`]+)` \| ([^|]*) \|$", text, re.MULTILINE)
    return [Row(promise=p, fault=f, test=t, figure=figure) for p, f, t, figure in found]


def every_test(*, counting: bool = False) -> set[str]:
    """Every test, by its name in pytest; `counting` selects those that use the fixture `figure`."""
    found = set()
    for file in HERE.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                names = {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
                if "figure" in names or not counting:
                    found.add(f"tests/{file.relative_to(HERE)}::{node.name}")
    return found


def with_figures(text: str, counted: dict[str, str]) -> str:
    """The page with these figures, by test."""
    for row in rows(text):
        if row.test in counted:
            text = text.replace(str(row), str(replace(row, figure=counted[row.test])))
    return text


def cell(figures: list[str]) -> str:
    """A test's counts in all its cases, as `CASE: FIGURE` or `FIGURE`: once if they are the same."""
    said = {figure.rpartition(": ")[2] for figure in figures}
    return f"in each of {len(figures)} cases: {said.pop()}" if len(figures) > len(said) == 1 else "; ".join(figures)


def main() -> int:
    """`tests` prints the tests of the table; `write` puts the counted figures into the page."""
    text = PAGE.read_text(encoding="utf-8")
    if sys.argv[1:] == ["tests"]:
        print(*sorted({row.test for row in rows(text)}))
        return 0
    lines = [json.loads(line) for line in FIGURES.read_text(encoding="utf-8").splitlines()]
    counted: dict[str, list[str]] = {}
    for line in lines:
        counted.setdefault(line["test"], []).append(line["figure"])
    missing = every_test(counting=True) - set(counted)
    PAGE.write_text(with_figures(text, {test: cell(said) for test, said in counted.items()}), encoding="utf-8")
    for test in sorted(missing):
        print(f"no figure: {test}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
