"""Cases that share a test: none is left out, and a failure names each case that fails."""

from __future__ import annotations

import pytest

from tests.harness.every import every


def test_every_case_is_tried() -> None:
    """All cases run; those that fail, an expected error that does not come among them, are named together."""
    tried: list[tuple[str, int]] = []

    @every(("name", "number"), [("a", 1), ("b", 2), ("c", 3)])
    def run(name: str, number: int) -> None:
        tried.append((name, number))
        assert number != 1
        with pytest.raises(ValueError, match=r"^b$"):
            int(name) if name == "c" else None

    with pytest.raises(BaseExceptionGroup, match=r"^3 of 3 cases") as caught:
        run()
    assert tried == [("a", 1), ("b", 2), ("c", 3)]
    assert [error.__notes__ for error in caught.value.exceptions] == [
        ["case 1: {'name': 'a', 'number': 1}"],
        ["case 2: {'name': 'b', 'number': 2}"],
        ["case 3: {'name': 'c', 'number': 3}"],
    ]


def test_cases_that_pass() -> None:
    """One name takes each value whole; what passes is silent, and no cases at all is a failure."""
    seen: list[object] = []
    every("pair", [(1, 2), "ab"])(lambda pair: seen.append(pair))()
    assert seen == [(1, 2), "ab"]
    with pytest.raises(AssertionError, match=r"^no cases$"):
        every("pair", [])(lambda pair: None)()
