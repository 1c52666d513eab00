"""Documents in Markdown: pages, links, anchors, and fenced blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(DOCS.rglob("*.md")),
    *sorted((ROOT / ".github").rglob("*.md")),
]
_FENCE = re.compile(r"^( *)```(\S*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^()\s]+(?:\([^()]*\))?)\)")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block.

    Attributes:
        page: relative to the repository.
        line: the line of its first fence, from 1.
        language: the word after the opening fence, if any.
        text: its lines, without the fence's indentation.
    """

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        """The position, in the form that editors open."""
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    source = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(source):
        indent, language, body = found.groups()
        yield Block(
            page=page.relative_to(ROOT).as_posix(),
            line=source.count("\n", 0, found.start()) + 1,
            language=language,
            text="".join(line.removeprefix(indent) for line in body.splitlines(keepends=True)),
        )


def prose(text: str) -> str:
    """A page without its fenced blocks, with the same line numbers."""
    return _FENCE.sub(lambda found: "\n" * (found[0].count("\n") + 1), text)


def links(text: str) -> list[str]:
    """The targets of a page's links and pictures, in their order."""
    return _LINK.findall(_CODE.sub("``", prose(text)))


def anchors(text: str) -> set[str]:
    """The anchors of a page: the names that GitHub makes of its headings."""
    names: set[str] = set()
    for heading in re.findall(r"^#{1,6} (.+)$", prose(text), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = next(n for n in range(100) if (f"{name}-{n}" if n else name) not in names)
        names.add(f"{name}-{number}" if number else name)
    return names


def dead_links(page: Path, text: str) -> list[str]:
    """The links of a page to a missing file or heading; links to other hosts are not followed.

    Args:
        page: the page's real or intended path.
        text: its content.
    """
    dead = []
    for link in links(text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists():
            dead.append(f"{link}: no such file")
        elif anchor and anchor not in anchors(text if target == page else target.read_text(encoding="utf-8")):
            dead.append(f"{link}: no such heading")
    return dead
