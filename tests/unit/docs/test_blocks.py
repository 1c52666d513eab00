"""Every fenced block of README and the documents is of a kind that can be proven, and is proven."""

from __future__ import annotations

import re

import pytest

from tests.harness.every import every
from tests.harness.markdown import PAGES, ROOT, Block, blocks, prose
from tests.harness.shown import KINDS, commands, fault, fault_of_ours

BLOCKS = [block for page in PAGES for block in blocks(page)]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_block(block: Block) -> None:
    """Commands are ours, with flags that they have, or known programs'; TOML is read; Python imports what is there."""
    assert fault(block) is None


def test_blocks_are_found() -> None:
    """Every kind but those of single pages is there, and the blocks are all that fences enclose."""
    assert {block.language for block in BLOCKS} <= set(KINDS)
    assert {"console", "json", "python", "sh", "text", "toml", "yaml"} <= {block.language for block in BLOCKS}
    fences = sum(page.read_text(encoding="utf-8").count("```") for page in PAGES)
    assert fences == 2 * len(BLOCKS)


@every(
    ("language", "text", "says"),
    [
        ("", "x", "no language is no kind"),
        ("perl", "x", "perl is no kind"),
        ("sh", "desktop-bake build --alll", "unrecognized arguments: --alll"),
        ("sh", "A=1 desktop-bake rendr >x && true", "unknown command 'rendr'"),
        ("sh", "make nothing", "make has no target nothing"),
        ("sh", "dokcer ps  # all of them", "dokcer is no program"),
        ("sh", "if", "syntax error"),
        ("console", "desktop-bake ps", "a console without a prompt"),
        ("console", "$ desktop-bake ps --alll\nx", "unrecognized arguments: --alll"),
        ("toml", "cahce = 'local'", "unknown key 'cahce'"),
        ("json", "{", "Expecting property name"),
        ("yaml", "a: [", "expected the node content"),
        ("python", "from desktop_bake import Tasks, Nothing", "Nothing"),
        ("dockerfile", "FORM base", "FORM base"),
    ],
)
def test_a_wrong_block_is_found(language: str, text: str, says: str) -> None:
    """An unknown kind, a misspelt command, flag, target, key or name: each is a fault."""
    found = fault(Block(page="x.md", line=1, language=language, text=f"{text}\n"))
    assert found is not None
    assert says in found


def test_commands() -> None:
    """A shell text is cut at operators and line ends, but not in quotes or behind a backslash."""
    text = "A=1 x 'b; c' >out | y  # note; z\nif_not \\\n  d <(e f)\n"
    assert list(commands(text)) == [["x", "b; c"], ["y"], ["if_not", "d"], ["e", "f"]]


def test_commands_in_prose() -> None:
    """What the text names, such as `desktop-bake ps`, is a command of ours with flags that it has."""
    found = [
        (page.relative_to(ROOT).as_posix(), span)
        for page in PAGES
        for span in re.findall(r"`desktop-bake ((?!COMMAND)[^`]+)`", prose(page.read_text(encoding="utf-8")))
    ]
    assert len(found) > 50
    faults = [(page, span, fault_of_ours(span.split(), whole=False)) for page, span in found]
    assert [fault for fault in faults if fault[2]] == []
