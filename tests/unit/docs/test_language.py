"""The documents are in plain English: "if" and "when" for conditions, "where" for places, and no words of our own."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.harness.every import every
from tests.harness.markdown import PAGES, ROOT, prose

MOST_WHERE = 20  # in all documents; "where" for "if" once stood there 400 times
DIALECT = {
    r"\bWhere (no|there|it|a|an|the|nobody)\b": "say: If",
    r"\bwhere (there is|nobody|none|no one|neither)\b": "say: if",
    r"\bis told (for|of) whom\b": "name who reports what",
    r"\bcorrect it\b": "say what to write",
    r"\bwhat is refused is said\b": "name who refuses what",
    r"\b[Ww]hoever may\b": "say: anyone who can",
    r"\bwhat is no\b": "say what it is not",
    r"\bone's own\b": "say: your own",
    r"\b(anew|afresh)\b": "say: again, from scratch",
    r"\bbut for\b": "say: except",
}


COMMENT = re.compile(r'"""(.*?)"""|(?:^|\s)# ([^\n]*)', re.DOTALL)
CODE = ("bake", "generator", "tests", "benchmarks", "examples")
COMMENTS = [  # in code "where" often is a place, and `afresh` is a name
    r"\bwhere (there is|nobody|none|no one|neither)\b",
    r"\bis told (for|of) whom\b",
    r"\b(is|are) told by\b",
    r"\b[Ww]hat is no\b",
    r"\b[Ww]hoever may\b",
    r"\bone's own\b",
    r"\banew\b",
    r"\bbut for\b",
]


def words(text: str) -> str:
    """What a page says in its own words: no blocks, no code, no addresses of links."""
    return re.sub(r"`[^`\n]*`|\]\([^)]*\)", " ", prose(text))


def test_where_is_for_places() -> None:
    """The word is rare: a condition begins with if or when."""
    found = Counter(
        {
            page.relative_to(ROOT).as_posix(): len(re.findall(r"\bwhere\b", words(page.read_text()), re.IGNORECASE))
            for page in PAGES
        }
    )
    assert found.total() <= MOST_WHERE, found.most_common(8)


@every("pattern", DIALECT)
def test_no_words_of_our_own(pattern: str) -> None:
    """Turns that only we understand are in no page."""
    found = [page.name for page in PAGES if re.search(pattern, words(page.read_text(encoding="utf-8")))]
    assert found == [], DIALECT[pattern]


def comments(code: str) -> str:
    """The docstrings and comments of a Python file, one after another."""
    return "\n".join(text or comment for text, comment in COMMENT.findall(code))


def test_comments() -> None:
    """Comments and docstrings avoid the same turns."""
    turns = re.compile("|".join(COMMENTS))
    files = [path for part in CODE for path in (ROOT / part).rglob("*.py") if path != Path(__file__)]
    found = [f"{path.name}: {turn[0]}" for path in files for turn in turns.finditer(comments(path.read_text()))]
    assert found == []
    assert len(files) > 400


def test_what_is_read() -> None:
    """Code and addresses do not count, and what stands in a sentence does."""
    text = "Where it is, [where](where.md) `where`.\n\n```text\nwhere\n```\n"
    assert re.findall("where", words(text), re.IGNORECASE) == ["Where", "where"]
    assert re.search(next(iter(DIALECT)), words(text))
    assert comments('def f():\n    """One."""\n    return "#"  # two\n') == "One.\ntwo"
