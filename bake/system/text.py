"""Texts for people: sizes, ages, tables, the relevant line, the intended name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...generator.errors import printable
from .lazy import lazy

if TYPE_CHECKING:
    import difflib
    import textwrap
    from collections.abc import Iterable, Sequence
else:
    difflib = lazy("difflib")
    textwrap = lazy("textwrap")

_ALL, _FEW = 8, 5  # so many words are all named in a line, else so many of them
COLUMNS = 80  # of a table or a line that is not asked for in full


def first_line(text: str) -> str:
    """The first line that is not empty, shortened to a line's length."""
    return next((line.strip()[:300] for line in text.splitlines() if line.strip()), "no reason given")


def last_line(text: str) -> str:
    """The last line that is not empty, shortened to a line's length."""
    return first_line("\n".join(reversed(text.splitlines())))


def did_you_mean(word: str, known: Iterable[str], else_say: str | None = None, *, lists: str = "") -> str:
    """A remedy that names the nearest known word, or all of them; the dashes of flags do not make two alike.

    Args:
        word: what was written.
        known: the known words.
        else_say: the remedy if no known word is near, instead of the whole list.
        lists: the command that lists the known words, if there may be many: the remedy then names only a few.
    """
    known = list(known)
    bare = {each.lstrip("-"): each for each in known}
    near = difflib.get_close_matches(word.lstrip("-"), bare, n=1)
    if near:
        return f"did you mean {bare[near[0]]!r}?"
    return "known: " + (few(known, lists, word) or "none") if else_say is None else else_say


def few(words: Iterable[str], lists: str, word: str = "") -> str:
    """Words in a line; if there are many, the nearest or the first of them, and the command that lists all.

    Args:
        words: the words.
        lists: that command; if empty, all words are named.
        word: what they must be near to.
    """
    words = list(words)
    if not lists or len(words) <= _ALL:
        return ", ".join(words)
    named = difflib.get_close_matches(word, words, n=_FEW, cutoff=0.0) if word else words[:_FEW]
    return f"{', '.join(named)}, and {len(words) - len(named)} more: {lists}"


_AGES = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def size(size_bytes: int) -> str:
    """A size in docker's form: decimal units, three digits (`189 MB`, `1.24 GB`)."""
    value, units = float(size_bytes), ["B", "kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.3g} {units[0]}"


def age(seconds: float) -> str:
    """An age in the largest whole unit (`3 days`)."""
    for unit, length_s in _AGES:
        count = int(seconds // length_s)
        if count >= 1:
            return f"{count} {unit}" + "s" * (count != 1)
    return "a moment"


def cut(text: str, width: int) -> str:
    """A text cut to at most so many characters; the last one is `…` if something is left out."""
    return text if len(text) <= width else text[: width - 1] + "…"


def folded(text: str, width: int) -> str:
    """A line folded into lines of at most so many characters, unless a word is longer; later ones are indented by four.

    Args:
        text: the line, which may begin with spaces.
        width: how many characters.
    """
    begin = " " * (len(text) - len(text.lstrip()))
    lines = textwrap.wrap(
        text.strip(),
        width,
        initial_indent=begin,
        subsequent_indent=f"{begin}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a table: the first row has the heads, and each column is as wide as its widest cell."""
    rows = [[printable(text) for text in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)
