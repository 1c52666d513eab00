"""What is said of a value's fields beside them, and that each holds what its annotation says.

A program that gives another type gets one line at once, not a traceback later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import PurePath
from typing import Any

from .errors import ConfigurationError
from .reference import ImageReference

_CLASSES: Mapping[str, type | tuple[type, ...]] = {
    "None": type(None),
    "str": str,
    "bool": bool,
    "int": int,
    "Path": PurePath,
    "PurePath": PurePath,
    "File": (str, PurePath),
    "ImageReference": ImageReference,
    "Mapping": Mapping,
}
_SEVERAL = re.compile(r"tuple\[(\w+), \.\.\.\]")
_REMEDIES = {
    "str": "write a text in quotes",
    "bool": "write True or False",
    "int": "write a whole number",
    "Path": "write Path({})",
    "ImageReference": "write ImageReference.parse({})",
    "Mapping": "write {{'NAME': 'value'}}",
}


def about(text: str, more: str = "", *, unset: str = "none", example: str = "") -> Mapping[str, str]:
    """What is said of a field, as its metadata: documents, `--help` and commented files are written from it.

    Args:
        text: what it means, in Markdown that begins in lower case.
        more: what documents alone add.
        unset: what holds if it is None or empty.
        example: a value as TOML writes it.
    """
    return {"about": text, "more": more, "unset": unset, "example": example}


def check_types(instance: Any, where: str = "") -> None:
    """Check that every field of a dataclass holds what its annotation says.

    Args:
        instance: of a class whose annotations are texts (`from __future__ import annotations`).
        where: what the message begins with.

    Raises:
        ConfigurationError: a field holds a value of another type, also a bool as a number and a text as a sequence.
    """
    for field in fields(instance):
        value, annotation = getattr(instance, field.name), str(field.type)
        kinds = annotation.split(" | ")
        if not any(_is(value, kind) for kind in kinds):
            raise ConfigurationError(
                f"{where}{field.name} is {repr(value) if field.repr else 'a value'}, not of type {annotation}",
                _remedy(kinds[0]).format(repr(value[:80]) if isinstance(value, str) else "'…'"),
            )


def _remedy(kind: str) -> str:
    several = _SEVERAL.fullmatch(kind)
    if several:
        return "write ({},)" if several[1] in ("str", "File") else f"write ({several[1]}(…),)"
    return _REMEDIES.get(_key(kind), f"write {kind}(…)")


def _key(kind: str) -> str:
    return "Mapping" if kind.startswith("Mapping[") else kind


def _is(value: object, kind: str) -> bool:
    several = _SEVERAL.fullmatch(kind)
    if several:
        return isinstance(value, tuple | list) and all(_is(item, several[1]) for item in value)
    if _key(kind) not in _CLASSES:  # of another floor
        return type(value).__name__ == kind
    if not isinstance(value, _CLASSES[_key(kind)]) or (kind == "int" and isinstance(value, bool)):
        return False
    if isinstance(value, Mapping) and kind == "Mapping[str, str]":
        return all(isinstance(text, str) for pair in value.items() for text in pair)
    return True
