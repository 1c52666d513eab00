"""Differences between two texts, as lines that no terminal obeys."""

from __future__ import annotations

import pytest

from desktop_bake.bake.system.diff import diff_of, print_diff


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (b"a\n", b"a\n", []),
        (b"a\nb\n", b"a\nc\n", [" a", "-b", "+c"]),
        (b"a\n", b"a", ["-a", "+a", "\\ No newline at end of file"]),
        (b"", b"\x1b[2J\ta\r\n", ["+\\x1b[2J\ta\\r"]),
        (b"\xff", b"a", None),
        (b"a", b"a\0", None),
    ],
)
def test_diff_of(before: bytes, after: bytes, wanted: list[str] | None) -> None:
    """What changed, line by line, also at the end; anything that is no text has no lines to compare."""
    found = diff_of(before, after, "then", "\x1bnow")
    if wanted is None:
        assert found == ["binary: no lines to compare"]
        return
    assert [line for line in found if not line.startswith(("---", "+++", "@@"))] == wanted
    assert found[:2] == (["--- then", "+++ \\x1bnow"] if wanted else [])


def test_print_diff(capsys: pytest.CaptureFixture[str]) -> None:
    """If standard output is not a terminal there are no colours."""
    print_diff(["-a", "+b"], indent="  ")
    assert capsys.readouterr().out == "  -a\n  +b\n"
