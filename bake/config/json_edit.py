"""Editing a JSON text in place: a member of an object is set or removed, and every other byte stays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from json.decoder import JSONDecoder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


WHITE = " \t\n\r"


class Number(str):
    """A number as text: it is never written back, and 5,000 digits are no reason to fail."""

    __slots__ = ()


DECODER = JSONDecoder(parse_int=Number, parse_float=Number)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member of a JSON object or an element of an array, and its place in the text.

    Attributes:
        key: its name; empty for an element.
        value: its value, with numbers as they are written.
        start: offset of its first character, the key's opening quote.
        value_start, end: offsets of the value's first character and after its last.
    """

    key: str
    value: Any
    start: int
    value_start: int
    end: int


def members(text: str, at: int) -> Iterator[Member]:
    """The members of the object or array that begins at an offset of a valid JSON text, in their order.

    Args:
        text: the JSON text (RFC 8259; duplicate names are yielded one by one).
        at: offset of `{` or `[`.
    """
    is_object = text[at] == "{"
    at = skip(text, at + 1)
    while text[at] not in "}]":
        start, key = at, ""
        if is_object:
            key, at = DECODER.raw_decode(text, at)
            at = skip(text, skip(text, at) + 1)
        value_start = at
        value, at = DECODER.raw_decode(text, at)
        yield Member(key=key, value=value, start=start, value_start=value_start, end=at)
        at = skip(text, at)
        if text[at] == ",":
            at = skip(text, at + 1)


def skip(text: str, at: int) -> int:
    """The offset of the next character that is not white space, from an offset on."""
    while text[at] in WHITE:
        at += 1
    return at


def _literal(value: object, text: str) -> str:
    """A value as JSON, escaped like the rest of the file."""
    return json.dumps(value, ensure_ascii=text.isascii() and "\\u" in text)


def _laid_out(value: object, text: str, beside: Member) -> str:
    """A value as JSON, on several lines if it has parts and each member of the object is on its own line."""
    line = text[text.rfind("\n", 0, beside.start) + 1 : beside.start]
    if not value or not isinstance(value, dict | list) or line.strip() or "\n" not in text[: beside.start]:
        return _literal(value, text)
    end = "\r\n" if "\r\n" in text else "\n"
    escaped = text.isascii() and "\\u" in text
    return json.dumps(value, ensure_ascii=escaped, indent=2, sort_keys=True).replace("\n", end + line)


def with_member(text: str, at: int, field: str, value: object) -> str:
    """The text with a member of the object at an offset set; a new member is placed in the order of names.

    Args:
        text: a valid JSON text.
        at: offset of the object's `{`.
        field: the member's name.
        value: a value for `json.dumps`.
    """
    there = list(members(text, at))
    if not there:
        return f"{text[: at + 1]}{json.dumps(field)}: {_literal(value, text)}{text[skip(text, at + 1) :]}"
    same = [m for m in there if m.key == field]
    if same:
        last = same[-1]  # of duplicates, the last counts in every reader that keeps one
        return text[: last.value_start] + _laid_out(value, text, last) + text[last.end :]
    first = there[0]
    colon = text[first.start + len(_key_text(text, first)) : first.value_start]
    new = json.dumps(field) + colon + _laid_out(value, text, first)
    gap = text[there[-2].end : there[-1].start].partition(",")[2] if there[1:] else text[at + 1 : first.start]
    keys = [m.key for m in there]
    after = [m for m in there if m.key < field] if keys == sorted(keys) else there
    if not after:
        return text[: first.start] + new + "," + (gap or "") + text[first.start :]
    return text[: after[-1].end] + "," + gap + new + text[after[-1].end :]


def _key_text(text: str, member: Member) -> str:
    return text[member.start : DECODER.raw_decode(text, member.start)[1]]


def without_member(text: str, at: int, field: str) -> str:
    """The text without a member of the object at an offset, however often it occurs.

    Args: see `with_member`.
    """
    while True:
        there = list(members(text, at))
        index = next((i for i, m in enumerate(there) if m.key == field), None)
        if index is None:
            return text
        member = there[index]
        if index:
            text = text[: there[index - 1].end] + text[member.end :]
        else:
            text = text[: member.start] + text[there[1].start if there[1:] else member.end :]
