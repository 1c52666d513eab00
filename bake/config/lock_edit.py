"""Edits of `desktop-bake.lock`: one sorted block for each entry, so that the edits of two people merge.

What does not change stays as it is written, comments included.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass

from ...generator.errors import ConfigurationError
from ...generator.reference import Digest
from .lock import SCHEMA, Lock, LockedImage, parse_lock
from .lock_names import KINDS, LOCK_NAME

_HEAD = f"""\
# {LOCK_NAME}: what desktops are baked from, the same on every machine. Commit it. More: docs/lock.md
#   desktop-bake lock              adds what is missing, and touches nothing else
#   desktop-bake lock --upgrade    moves it to what the registries have now, and says what moved
# If a merge has a conflict, keep one side of each block, and the later date.
schema = {SCHEMA}
"""
_PACKAGES = "\n# Packages are those of this day. If the day changes, every desktop installs them again.\n"
# One of our values, which never contains its closing character, and the comment after it
_LINE = re.compile(
    r"""\s*(?P<name>digest|platforms|locked|packages)\s*=\s*(?:"[^"]*"|'[^']*'|\[[^\]]*\])(?P<comment>\s*#.*)?"""
)
_HEADER = re.compile(r"\s*\[\s*(?:base|tool|image)\s*\..*\]\s*(?:#.*)?")


@dataclass
class _Block:
    """Lines that belong together: comments above a header, the header, its values, and all lines up to the next."""

    kind: str
    name: str
    lines: list[str]

    @property
    def place(self) -> tuple[int, str]:
        return KINDS.index(self.kind), self.name


def edit_lock(text: str, wanted: Lock, name: str = LOCK_NAME) -> str:
    """The text of a lock, edited to mean another lock; blocks that need no change keep every byte.

    Args:
        text: the text of the present lock; empty for a new one.
        wanted: the lock that the result has to mean.
        name: the file's name, for messages.

    Raises:
        ConfigurationError: the text is not a lock, or its layout cannot be edited.
    """
    if not text.strip():
        text = _HEAD
    before = parse_lock(text, name)
    if before == wanted:
        return text
    is_dos = "\r\n" in text and "\n" not in text.replace("\r\n", "")
    top, blocks = _split((text.replace("\r\n", "\n") if is_dos else text).splitlines())
    if before.packages != wanted.packages:
        top = _with_packages(top, wanted)
    entries, old = wanted.entries(), before.entries()
    blocks = [block for block in blocks if (block.kind, block.name) in entries]
    there = {(block.kind, block.name): block for block in blocks}
    for key, entry in entries.items():
        if key not in there:
            _insert(blocks, _Block(kind=key[0], name=key[1], lines=["", _header(*key), *_values(entry)]))
        elif old.get(key) != entry:
            there[key].lines = _with_values(there[key].lines, entry)
    lines = [*top, *(line for block in blocks for line in block.lines)]
    edited = "\n".join(lines).rstrip("\n") + "\n"
    if not _means(edited, wanted, name):
        raise ConfigurationError(
            f"cannot edit {name} as it is written", "edit it in an editor, or remove it and run: desktop-bake lock"
        )
    return edited.replace("\n", "\r\n") if is_dos else edited


def _means(text: str, wanted: Lock, name: str) -> bool:
    try:
        return parse_lock(text, name) == wanted
    except ConfigurationError:
        return False


def _split(lines: list[str]) -> tuple[list[str], list[_Block]]:
    """The lines above all blocks, and the blocks."""
    starts = []
    for at, line in enumerate(lines):
        if _HEADER.fullmatch(line):
            begin = at
            while begin and lines[begin - 1].lstrip().startswith("#"):
                begin -= 1
            if begin and not lines[begin - 1].strip():
                begin -= 1
            starts.append((begin, at))
    if not starts:
        return lines, []
    ends = [*(begin for begin, _ in starts[1:]), len(lines)]
    blocks = []
    for (begin, at), end in zip(starts, ends, strict=True):
        try:
            ((kind, table),) = tomllib.loads(lines[at]).items()
            (block_name,) = table
        except ValueError:  # a line of a multi-line text
            continue
        blocks.append(_Block(kind=kind, name=block_name, lines=lines[begin:end]))
    return lines[: starts[0][0]], blocks


def _insert(blocks: list[_Block], new: _Block) -> None:
    """Insert a block before the first that comes after it; blocks that somebody put in another order stay so."""
    at = next((i for i, block in enumerate(blocks) if block.place > new.place), len(blocks))
    blocks.insert(at, new)


def _header(kind: str, name: str) -> str:
    return f"[{kind}.{json.dumps(name)}]"


def _values(entry: LockedImage | Digest) -> list[str]:
    """The lines of a block below its header."""
    if isinstance(entry, Digest):
        return [f'digest = "{entry}"']
    lines = [f'digest = "{entry.digest}"']
    if entry.platforms:
        lines.append(f"platforms = {json.dumps(list(entry.platforms))}")
    if entry.locked:
        lines.append(f'locked = "{entry.locked}"')
    return lines


def _with_values(lines: list[str], entry: LockedImage | Digest) -> list[str]:
    """A block with new values, each in the line of the old one; comments stay."""
    values = {line.partition(" =")[0]: line for line in _values(entry)}
    found, last = [], 0
    for line in lines:
        old = _LINE.match(line)
        if old and old["name"] not in values:
            continue
        found.append(_with_value(line, values.pop(old["name"])) if old else line)
        if old or _HEADER.fullmatch(line):
            last = len(found)
    return [*found[:last], *values.values(), *found[last:]]


def _with_value(line: str, wanted: str) -> str:
    """A line with a new value, or unchanged if the value is the same; the comment after it stays."""
    old = _LINE.match(line)
    return line if tomllib.loads(line) == tomllib.loads(wanted) else wanted + (old["comment"] or "" if old else "")


def _with_packages(top: list[str], wanted: Lock) -> list[str]:
    at = next((i for i, line in enumerate(top) if re.match(r"\s*packages\s*=", line)), None)
    line = f'packages = "{wanted.packages}"'
    if at is None:
        head = list(top)
        while head and not head[-1].strip():
            head.pop()
        return [*head, *_PACKAGES.splitlines(), line]
    return [*top[:at], *([_with_value(top[at], line)] if wanted.packages else []), *top[at + 1 :]]
