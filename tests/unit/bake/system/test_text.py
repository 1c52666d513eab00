"""Texts for people."""

from __future__ import annotations

import pytest

from desktop_bake.bake.system.text import age, did_you_mean, few, first_line, folded, last_line, size, table


@pytest.mark.parametrize(
    ("size_bytes", "wanted"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (1_240_000_000, "1.24 GB"),
        (5 * 10**15, "5e+03 TB"),
    ],
)
def test_size(size_bytes: int, wanted: str) -> None:
    """Three digits in the unit that leaves them below a thousand."""
    assert size(size_bytes) == wanted


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        (-5, "a moment"),
        (0.9, "a moment"),
        (1, "1 second"),
        (119, "1 minute"),
        (7200, "2 hours"),
        (86_399, "23 hours"),
        (63_072_000, "2 years"),
    ],
)
def test_age(seconds: float, wanted: str) -> None:
    """The largest unit that is whole, and no more than is past."""
    assert age(seconds) == wanted


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [("", "no reason given", "no reason given"), ("\n  a \nb\n\n", "a", "b"), ("x" * 400, "x" * 300, "x" * 300)],
)
def test_lines(text: str, first: str, last: str) -> None:
    """The first and the last line that say something, of a bounded length."""
    assert (first_line(text), last_line(text)) == (first, last)


@pytest.mark.parametrize(
    ("word", "known", "wanted"),
    [
        ("ofice", ["home", "office"], "did you mean 'office'?"),
        ("x", ["a", "b"], "known: a, b"),
        ("x", [], "known: none"),
        ("--alll", ["--call", "--all"], "did you mean '--all'?"),
        ("--fix", ["--config"], "known: --config"),
    ],
)
def test_did_you_mean(word: str, known: list[str], wanted: str) -> None:
    """The nearest word, else all that are known."""
    assert did_you_mean(word, iter(known)) == wanted


@pytest.mark.parametrize("count", [0, 8, 9, 100])
def test_a_few(count: int) -> None:
    """Eight words are all named in a line; of more, five, with how many there are besides and what lists them."""
    words = [f"task-{number}" for number in range(count)]
    left = f", and {count - 5} more: desktop-bake ps"
    assert few(iter(words), "desktop-bake ps") == ", ".join(words if count <= 8 else words[:5]) + left * (count > 8)
    assert few(iter(words), "") == ", ".join(words)


def test_the_nearest_of_many() -> None:
    """If a word is near to none of many, those that are least far from it are named."""
    known = [f"environment-{number}" for number in range(99)] + ["zsh"]
    said = did_you_mean("zzz", known, lists="desktop-bake env list")
    assert said.startswith("known: zsh, environment-")
    assert said.endswith(", and 95 more: desktop-bake env list")


def test_table() -> None:
    """Columns are as wide as their widest, lines end without spaces, and nothing in them moves the cursor."""
    assert table([["a", "b"], ["long", ""], ["\x1b[1m", "x"]]) == "a        b\nlong\n\\x1b[1m  x"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("short", "short"),
        ("  four words of text", "  four words\n      of\n      text"),
        ("a-long-word-is-not-broken at all", "a-long-word-is-not-broken\n    at all"),
    ],
)
def test_folded(text: str, wanted: str) -> None:
    """A line that is too long goes on below, further to the right."""
    assert folded(text, 12) == wanted
