"""Reads a bake file that was rendered before: just enough HCL to tell what has changed since."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from .target_names import COMMON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


Value: TypeAlias = "str | tuple[str, ...] | dict[str, str]"
_TEXT = r'"(?:[^"\\]|\\.)*"'
_BLOCK = re.compile(rf"(variable|group|target) ({_TEXT}) \{{(.*)")
_PAIR = re.compile(rf"({_TEXT}|[A-Za-z0-9_-]+) *= (.+)")


@dataclass(frozen=True, kw_only=True)
class ReadBakeFile:
    """The blocks of a bake file with their attributes; texts are as HCL quotes them, without the quotes.

    Attributes:
        variables, groups, targets: the blocks by name.
    """

    variables: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    targets: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether its targets are named after environments, unlike those of earlier versions."""
        return COMMON in self.targets


def read_bake_file(text: str) -> ReadBakeFile:
    """Read what `render_bake_file` wrote; anything in another form is skipped.

    Args:
        text: the text of the file, which anybody may have changed.
    """
    found: dict[str, dict[str, dict[str, Value]]] = {"variable": {}, "group": {}, "target": {}}
    lines = iter(text.splitlines())
    for line in lines:
        block = _BLOCK.fullmatch(line)
        if not block:
            continue
        kind, name, rest = block.groups()
        inner = rest.strip().removesuffix("}").strip()
        attributes = dict(_attributes(iter([inner]))) if inner else dict(_attributes(_until(lines, "}")))
        found[kind][_plain(name)] = attributes
    return ReadBakeFile(variables=found["variable"], groups=found["group"], targets=found["target"])


def _attributes(lines: Iterator[str]) -> Iterator[tuple[str, Value]]:
    for line in lines:
        pair = _PAIR.fullmatch(line.strip())
        if not pair:
            continue
        name, value = _plain(pair[1]), pair[2]
        if value == "[":
            yield name, tuple(_plain(entry.strip().removesuffix(",")) for entry in _until(lines, "  ]"))
        elif value == "{":
            entries = (_PAIR.fullmatch(entry.strip()) for entry in _until(lines, "  }"))
            yield name, {_plain(entry[1]): _plain(entry[2]) for entry in entries if entry}
        elif value.startswith("[") and value.endswith("]"):
            yield name, (_plain(value[1:-1]),)
        elif value.startswith("{ ") and (entry := _PAIR.fullmatch(value[2:].removesuffix(" }"))):
            yield name, {_plain(entry[1]): _plain(entry[2])}
        else:
            yield name, _plain(value)


def _until(lines: Iterator[str], end: str) -> Iterator[str]:
    for line in lines:
        if line == end:
            return
        yield line


def _plain(text: str) -> str:
    return text[1:-1] if re.fullmatch(_TEXT, text) else text
