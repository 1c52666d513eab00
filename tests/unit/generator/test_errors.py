"""Errors: a line each that a terminal can show, and the exit status of each kind."""

from __future__ import annotations

import re

import pytest

from desktop_bake.generator import errors
from desktop_bake.generator.errors import LONGEST_LINE, DesktopBakeError, printable
from tests.harness.every import every


def test_every_kind_has_its_status() -> None:
    """The tree that the module's docstring draws is the one that is there."""
    drawn = {name: int(status) for name, status in re.findall(r"(\w+Error) +(\d+) ", errors.__doc__ or "")}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DesktopBakeError)]
    ours = {kind.__name__: kind.exit_status for kind in kinds}
    assert drawn == ours
    assert len(ours) == 10


@every(
    ("text", "shown"),
    [
        ("", ""),
        ("a b", "a b"),
        ("ü€", "ü€"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("\ud800", "\\ud800"),
        ("a\u202eb", "a\\u202eb"),
        ("a\nb", "a\\nb"),
        ("back\\slash\0", "back\\slash\\x00"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    """What a terminal would obey, or nothing can encode, is escaped; everything else stays."""
    assert printable(text) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\n two\r\n\tthree ", "one two three"),
        ("\x1b]0;title\a", "\\x1b]0;title\\x07"),
        ("x" * LONGEST_LINE, "x" * LONGEST_LINE),
        ("x" * (LONGEST_LINE + 1), "x" * LONGEST_LINE + "…"),
    ],
)
def test_one_line(text: str, line: str) -> None:
    """Message and remedy are one line each, of a length that a screen shows."""
    error = DesktopBakeError(text, text)
    assert (str(error), error.remedy) == (line, line)


def test_without_a_remedy() -> None:
    """An error need not have one."""
    assert DesktopBakeError("a").remedy == ""
