"""Descriptions of a value's fields, and checks that each field has the type of its annotation.

A program that passes another type gets one line at once, not a traceback later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache, wraps
from pathlib import PurePath
from typing import Any, ParamSpec, TypeVar

from .errors import ConfigurationError
from .reference import ImageReference

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")
_CLASSES: Mapping[str, type | tuple[type, ...]] = {
    "None": type(None),
    "str": str,
    "bool": bool,
    "int": int,
    "float": (float, int),
    "bytes": bytes,
    "Path": PurePath,
    "PurePath": PurePath,
    "ImageReference": ImageReference,
}
_LONGEST = 200  # characters of a wrong value in a message
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")
_BY_ATTRIBUTE = {"Engine": "ask", "OnAnEngine": "engine"}  # also objects that stand for an engine
_ALIASES = {"Key": "CacheKey | LayerKey", "File": "str | PurePath"}
_REMEDIES = {
    "str": "write a text in quotes",
    "bool": "write True or False",
    "int": "write a whole number",
    "float": "write a number",
    "bytes": "write bytes, such as b'…'",
    "Callable": "give a function",
    "Log": "give a function that takes a line, such as print",
    "threading.Event": "give a threading.Event()",
    "Path": "write Path({})",
    "ImageReference": "write ImageReference.parse({})",
    "ImageResult": "give what ensure_desktop_image returned",
    "Mapping": "write {{'NAME': 'value'}}",
}


def about(text: str, more: str = "", *, unset: str = "none", example: str = "") -> Mapping[str, str]:
    """The description of a field, as its metadata: documents, `--help` and commented files are made from it.

    Args:
        text: the meaning, in Markdown that begins in lower case.
        more: text for documents only.
        unset: what applies if the field is None or empty.
        example: a value in TOML.
    """
    return {"about": text, "more": more, "unset": unset, "example": example}


def with_fields(made: type[_Made]) -> type[_Made]:
    """Write the described fields of a dataclass into its docstring, for `help`.

    Args:
        made: the dataclass; it is changed.
    """
    head, raises, tail = (made.__doc__ or "").partition("\n\n    Raises:")
    lines = [_line(each) for each in fields(made) if "about" in each.metadata]  # type: ignore[arg-type]
    made.__doc__ = head + "".join(f"\n{line}" for line in lines) + raises + tail
    return made


def _line(of: Field[Any]) -> str:
    value = of.default if of.default_factory is MISSING else of.default_factory()
    unset = "required" if value is MISSING else f"default: {value if value or value is False else of.metadata['unset']}"
    about, without = (_LINK.sub(r"\1", text) for text in (of.metadata["about"], unset))
    return f"        {of.name}: {about}; {without}."


def check_types(instance: Any, where: str = "") -> None:
    """Check that every field of a dataclass has the type of its annotation.

    Args:
        instance: an instance of a class whose annotations are texts (`from __future__ import annotations`).
        where: the beginning of the message.

    Raises:
        ConfigurationError: a field has another type; this includes a bool as a number and a text as a sequence.
    """
    for field in fields(instance):
        _check(f"{where}{field.name}", getattr(instance, field.name), str(field.type), shows=field.repr)


def check_keywords(kind: Any, given: Mapping[str, Any]) -> None:
    """Check that keywords are those of a `TypedDict`, with the types that it states.

    Raises:
        TypeError: there is no such keyword.
        ConfigurationError: as `check_types`.
    """
    unknown = given.keys() - kind.__annotations__.keys()
    if unknown:
        raise TypeError(f"unexpected keyword argument {min(unknown)!r}")
    for name, value in given.items():
        _check(name, value, kind.__annotations__[name].__forward_arg__)


def checked(function: Callable[_Given, _Made]) -> Callable[_Given, _Made]:
    """Make a function or method refuse arguments of other types than annotated, like `check_types` for fields."""
    code, annotations = function.__code__, function.__annotations__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    @wraps(function)
    def call(*values: _Given.args, **more: _Given.kwargs) -> _Made:
        for name, value in (*zip(names, values, strict=False), *more.items()):
            if name in names and name in annotations:
                _check(name, value, annotations[name])
        return function(*values, **more)

    return call


def _check(name: str, value: object, annotation: str, *, shows: bool = True) -> None:
    if not _is_one_of(value, annotation):
        raise ConfigurationError(
            f"{name} is {_shown(value) if shows else 'a value'}, not of type {annotation}",
            _remedy(_kinds(annotation)[0]).format(repr(value[:80]) if isinstance(value, str) else "'…'"),
        )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _remedy(kind: str) -> str:
    name, inner = _parts(kind)
    if name in ("tuple", "list", "Sequence", "Iterable"):
        item = _kinds(inner)[0]
        return "write ({},)" if item in ("str", "File") else f"write ({item}(…),)"
    content = _kinds(inner.partition(", ")[2])[0] if name == "Mapping" else ""
    if content not in ("", "str", "Any"):
        return f"write {{{{'NAME': {content}(…)}}}}"
    return _REMEDIES.get(name, f"write {name}(…)")


@cache
def _kinds(annotation: str) -> tuple[str, ...]:
    """The parts of an annotation between its bars, except bars in brackets."""
    kinds = [""]
    for word in annotation.split(" | "):
        joins = kinds[-1].count("[") > kinds[-1].count("]")
        kinds = [*kinds[:-1], f"{kinds[-1]} | {word}"] if joins else [*kinds, word]
    return tuple(kinds[1:])


def _parts(kind: str) -> tuple[str, str]:
    """A kind and its parameter, such as `tuple` and `str`."""
    name, _, inner = kind.partition("[")
    return name, inner.removesuffix("]").removesuffix(", ...")


def _is_one_of(value: object, annotation: str) -> bool:
    return any(_is(value, kind) for kind in _kinds(_ALIASES.get(annotation, annotation)))


def _is(value: object, kind: str) -> bool:
    name, inner = _parts(kind)
    match name:
        case "Any" | "object":
            return True
        case "tuple" | "list":
            return isinstance(value, tuple | list) and all(_is_one_of(item, inner) for item in value)
        case "Sequence":
            return _is_several(value, Collection) and all(_is_one_of(item, inner) for item in value)  # type: ignore[attr-defined]
        case "Iterable":  # checking the items might use them up
            return _is_several(value, Iterable)
        case "Mapping":
            key, _, content = inner.partition(", ")
            return isinstance(value, Mapping) and all(
                _is_one_of(k, key) and _is_one_of(v, content) for k, v in value.items()
            )
        case "Callable" | "Log":
            return callable(value)
        case "int" | "float":
            return isinstance(value, _CLASSES[name]) and not isinstance(value, bool)
    if name in _CLASSES:
        return isinstance(value, _CLASSES[name])
    if name in _BY_ATTRIBUTE:
        return hasattr(value, _BY_ATTRIBUTE[name])
    return any(made.__name__ == name.rpartition(".")[2] for made in type(value).__mro__)  # a class of another floor


def _is_several(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, str | bytes | Mapping)
