"""Environments as Midori-AI Agents Runner saves them: read as it reads them, edited without touching another byte.

It keeps them in `state.json` (`{"environments": [...], "settings": {...}, "tasks": [...], "version": 3}`), older ones
in a file each, `environment-<id>.json`. An environment is an object with `env_id`, `name`, the two toggles and some
fifty fields that mean nothing here. A list of such objects is read as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from json.decoder import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, Any

from ...generator.environment import Environment
from ...generator.errors import ConfigurationError
from ...generator.reference import ImageReference
from ...generator.text_file import check_no_mark
from ..system.text import did_you_mean
from .setting import described

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


_OURS = ("name", "base_image", "headless_desktop_enabled", "cache_desktop_build")  # what we read of the fields there
ORIGIN_FIELDS = {field.name: field.toml_type for field in described(Environment) if field.name in _OURS}
_VERSION = 1
_WHITE = " \t\n\r"


class _Number(str):
    """A number as it is written: it is never written back, and one of 5,000 digits is no reason to fail."""

    __slots__ = ()


_DECODER = JSONDecoder(parse_int=_Number, parse_float=_Number)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member of a JSON object, or an element of an array, and where it lies in the text.

    Attributes:
        key: its name; empty for an element.
        value: what it says, numbers as they are written.
        start: offset of its first character, the key's opening quote.
        value_start, end: offsets of the value's first character, and after its last.
    """

    key: str
    value: Any
    start: int
    value_start: int
    end: int


def members(text: str, at: int) -> Iterator[Member]:
    """The members of the object or array that begins at an offset of a valid JSON text, in their order.

    Args:
        text: the JSON text (RFC 8259; duplicate names are told one by one).
        at: offset of `{` or `[`.
    """
    is_object = text[at] == "{"
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        start, key = at, ""
        if is_object:
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        value_start = at
        value, at = _DECODER.raw_decode(text, at)
        yield Member(key=key, value=value, start=start, value_start=value_start, end=at)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while text[at] in _WHITE:
        at += 1
    return at


@dataclass(frozen=True, kw_only=True)
class OriginFile:
    """A file of environments, valid by construction: made by `parse`.

    Attributes:
        text: what it holds.
        objects: offset of each environment's `{`, by environment ID, in the file's order.
        payloads: what is there.
        forced: whether the settings beside them give every environment a desktop.
    """

    text: str
    objects: Mapping[str, int]
    payloads: Mapping[str, Mapping[str, Any]]
    forced: bool

    @classmethod
    def parse(cls, content: bytes, name: str) -> OriginFile:
        """Read a file's bytes.

        Args:
            content: UTF-8.
            name: its path as the person wrote it, for messages.

        Raises:
            ConfigurationError: it is not JSON, or has no environment.
        """
        check_no_mark(name, content, name)  # Agents Runner does not read it either
        try:
            text = content.decode()
            whole, end = _DECODER.raw_decode(text, _skip(text + "0", 0))
            if text[end:].strip(_WHITE):
                raise JSONDecodeError("more follows", text, end)  # noqa: TRY301 (one answer to every malformed file)
            top = _skip(text, 0)
            forced = False
            if isinstance(whole, dict) and isinstance(whole.get("environments"), list):
                at = [m for m in members(text, top) if m.key == "environments"][-1].value_start
                found = [(m.value_start, m.value) for m in members(text, at)]
                settings = whole.get("settings")
                forced = isinstance(settings, dict) and _truth(settings.get("headless_desktop_enabled"))
            elif isinstance(whole, list):
                found = [(m.value_start, m.value) for m in members(text, top)]
            else:
                found = [(top, whole)]
        except (UnicodeDecodeError, JSONDecodeError) as error:
            raise ConfigurationError(f"{name} is not JSON: {error}", "check --environments") from error
        except RecursionError as error:
            raise ConfigurationError(f"{name} is nested too deeply", "check --environments") from error
        known = {i: (at, value) for at, value in found if (i := _identifier(value))}
        if not known:
            raise ConfigurationError(
                f"{name} holds no environment", "name a state.json or environment-….json of Agents Runner"
            )
        return cls(
            text=text,
            objects={i: at for i, (at, _) in known.items()},
            payloads={i: value for i, (_, value) in known.items()},
            forced=forced,
        )

    def environments(self, base_image: ImageReference) -> dict[str, Environment]:
        """The environments, by ID.

        Args:
            base_image: for those that name none: Agents Runner itself knows one image alone.

        Raises:
            ConfigurationError: an ID or a `base_image` is malformed.
        """
        return {i: self._environment(i, payload, base_image) for i, payload in self.payloads.items()}

    def _environment(self, env_id: str, payload: Mapping[str, Any], base_image: ImageReference) -> Environment:
        named = payload.get("base_image")
        return Environment(
            env_id=env_id,
            name=str(payload.get("name") or env_id).strip(),
            base_image=ImageReference.parse(named) if isinstance(named, str) and named else base_image,
            headless_desktop_enabled=self.forced or _truth(payload.get("headless_desktop_enabled")),
            cache_desktop_build=_truth(payload.get("cache_desktop_build")),
        )

    def edit(self, env_id: str, changes: Mapping[str, Any]) -> str:
        """The text with fields of an environment set, or taken out where the value is None; every other byte stays.

        Args:
            env_id: the environment.
            changes: value by field.

        Raises:
            ConfigurationError: there is no such environment.
        """
        if env_id not in self.objects:
            raise ConfigurationError(f"unknown environment {env_id!r}", did_you_mean(env_id, self.objects))
        text, at = self.text, self.objects[env_id]
        for field, value in changes.items():
            text = _without(text, at, field) if value is None else _with(text, at, field, value)
        return text


def _identifier(payload: object) -> str:
    """The ID of an environment; empty for what Agents Runner passes over."""
    if not isinstance(payload, dict):
        return ""
    version = payload.get("version", _VERSION)
    try:
        if int(float(version)) != _VERSION:
            return ""
    except (TypeError, ValueError, OverflowError):
        return ""
    return str(payload.get("env_id") or payload.get("id") or "").strip()


def _truth(value: object) -> bool:
    """Python's truth of a JSON value, which is how Agents Runner reads a toggle."""
    return float(value) != 0 if isinstance(value, _Number) else bool(value)


def _literal(value: object, text: str) -> str:
    """A value as JSON, escaped as the rest of the file is."""
    return json.dumps(value, ensure_ascii=text.isascii() and "\\u" in text)


def _with(text: str, at: int, field: str, value: object) -> str:
    there = list(members(text, at))
    same = [m for m in there if m.key == field]
    if same:
        last = same[-1]  # which of duplicates counts, in every reader that keeps one
        return text[: last.value_start] + _literal(value, text) + text[last.end :]
    first = there[0]
    colon = text[first.start + len(_key_text(text, first)) : first.value_start]
    new = json.dumps(field) + colon + _literal(value, text)
    gap = text[there[-2].end : there[-1].start].partition(",")[2] if there[1:] else text[at + 1 : first.start]
    keys = [m.key for m in there]
    after = [m for m in there if m.key < field] if keys == sorted(keys) else there
    if not after:
        return text[: first.start] + new + "," + (gap or "") + text[first.start :]
    return text[: after[-1].end] + "," + gap + new + text[after[-1].end :]


def _key_text(text: str, member: Member) -> str:
    return text[member.start : _DECODER.raw_decode(text, member.start)[1]]


def _without(text: str, at: int, field: str) -> str:
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


def read_origin(path: Path) -> OriginFile:
    """Read a file of environments.

    Raises:
        ConfigurationError: it cannot be read, is not JSON, or has no environment.
    """
    try:
        return OriginFile.parse(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", "check --environments") from error
