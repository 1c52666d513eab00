"""Differences between two texts, as lines without terminal control characters."""

from __future__ import annotations

import difflib
import sys
from typing import TYPE_CHECKING

from .terminal import coloured

if TYPE_CHECKING:
    from collections.abc import Iterable


_COLOURS = {"-": "\033[31m", "+": "\033[32m", "@": "\033[36m"}
_PLAIN = "\033[0m"


def print_diff(lines: Iterable[str], indent: str = "") -> None:
    """Print a diff, in colours if standard output shows them."""
    colours = _COLOURS if coloured(sys.stdout) else {}
    for line in lines:
        colour = colours.get(line[:1], "")
        print(f"{indent}{colour}{line}{_PLAIN}" if colour else f"{indent}{line}")


def diff_of(before: bytes, after: bytes, before_name: str, after_name: str) -> list[str]:
    """The lines of a unified diff, without terminal control characters."""
    try:
        old, new = _lines(before), _lines(after)
    except UnicodeDecodeError:
        return ["binary: no lines to compare"]
    names = without_controls(before_name), without_controls(after_name)
    found = difflib.unified_diff(old, new, *names, lineterm="")
    return [line for entry in found for line in entry.split("\n")]  # the last line may state that it has no line end


def _lines(content: bytes) -> list[str]:
    """The lines of a text, without terminal control characters.

    Raises:
        UnicodeDecodeError: the content is not text.
    """
    if b"\0" in content:
        raise UnicodeDecodeError("utf-8", content, 0, 1, "NUL")
    lines = content.decode().split("\n")
    end = lines.pop()
    return [without_controls(line) for line in lines] + (
        [f"{without_controls(end)}\n\\ No newline at end of file"] if end else []
    )


def without_controls(text: str) -> str:
    """The text with terminal control characters escaped."""
    return "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in text)
