"""Edits of `desktop-bake.toml`: comments, order and layout stay, and a file that would not load is not written."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from ...generator.errors import ConfigurationError
from ..system.lazy import lazy
from ..system.text import did_you_mean
from .settings import LISTS
from .toml_file import ENVIRONMENT_KEYS, settings_from
from .values import of_switch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Change = Mapping[tuple[str, ...], Any]
    import tomlkit
    from tomlkit import exceptions, items
else:
    tomlkit = lazy("tomlkit")
    exceptions = lazy("tomlkit.exceptions")
    items = lazy("tomlkit.items")


def field_and_value(words: list[str], known: Mapping[str, type] = ENVIRONMENT_KEYS) -> dict[tuple[str, ...], Any]:
    """What `FIELD=VALUE` words ask for.

    Args:
        words: such as `cache_desktop_build=on`, `platforms=linux/amd64,linux/arm64`, `build_args.NAME=value`; a list
            or table may be written as in TOML.
        known: the fields and their types.

    Returns:
        Value by path: `("name",)`, `("build_args", "NAME")`.

    Raises:
        ConfigurationError: an unknown field, or a value of another type.
    """
    changes: dict[tuple[str, ...], Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise ConfigurationError(f"{word!r} is not of the form FIELD=VALUE", f"write: {word}=…")
        path = field_path(name, known)
        changes[path] = text if len(path) > 1 else _value(name, text, known[path[0]])
    return changes


def field_path(name: str, known: Mapping[str, type] = ENVIRONMENT_KEYS) -> tuple[str, ...]:
    """The path for a field's name; one dot leads into a table.

    Raises:
        ConfigurationError: there is no such field.
    """
    first, dot, entry = name.partition(".")
    if first not in known:
        raise ConfigurationError(f"unknown field {first!r}", did_you_mean(first, known))
    if dot and (known[first] is not dict or not entry):
        raise ConfigurationError(f"unknown field {name!r}", f"{first} holds no fields: write {first}=…")
    return (first, entry) if dot else (first,)


def _value(name: str, text: str, wanted: type) -> Any:
    if wanted is str:
        return text
    switch = of_switch(text)
    if wanted is bool and switch is not None:
        return switch
    if wanted is int and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    if wanted is list and not text.startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    if wanted in (list, dict):
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except (ValueError, KeyError, RecursionError) as error:
            raise ConfigurationError(
                f"{name}: {text!r} is not TOML: {error}", 'write ["a", "b"] or {A = "1"}'
            ) from error
        if type(value) is wanted:
            return value
    form = "true or false" if wanted is bool else f"a value of type {wanted.__name__}"
    raise ConfigurationError(f"{name} is {text!r}", f"write {form}")


def edit_toml(text: str, path: Path, env_id: str, changes: Change, *, create: bool = False) -> str:
    """The configuration with fields of an environment set, or removed if the value is None.

    Args:
        text: the file's text.
        path: where it is.
        env_id: the environment.
        changes: value by path; None removes a field.
        create: whether the environment is new.

    Returns:
        A text that loads, and means the same as the old one except for these fields.

    Raises:
        ConfigurationError: no such environment, or it already exists, or the result would not load.
    """
    known = settings_from(text, path, {}).environments
    if create and env_id in known:
        raise ConfigurationError(f"environment {env_id!r} exists already", "leave out --create, or choose another ID")
    if not create and env_id not in known:
        meant = did_you_mean(env_id, known, lists=LISTS)
        raise ConfigurationError(f"unknown environment {env_id!r}", f"{meant} (--create adds one)")
    wanted = tomllib.loads(text)
    if create:
        wanted.setdefault("environments", {})[env_id] = {}
    _apply(wanted["environments"][env_id], changes)
    try:
        document = tomlkit.parse(text)
        if create:
            fresh = tomlkit.table()
            _apply(fresh, changes)
            if "environments" not in document:
                document["environments"] = tomlkit.table(is_super_table=True)
            inline = isinstance(document["environments"], tomlkit.items.InlineTable)
            document["environments"][env_id] = fresh.unwrap() if inline else fresh
        else:
            _apply(document["environments"][env_id], changes)
        edited = tomlkit.dumps(document)
        if "\r\n" in text and "\n" not in text.replace("\r\n", ""):
            edited = edited.replace("\r\n", "\n").replace("\n", "\r\n")
        same = tomllib.loads(edited) == wanted
    except (exceptions.TOMLKitError, ValueError, TypeError, KeyError, RecursionError):
        same = False
    if not same:
        raise ConfigurationError(
            f"cannot edit environments.{env_id} as it is written in {path.name}", "edit the file in an editor"
        )
    settings_from(edited, path, {})
    return edited


def _apply(table: Any, changes: Change) -> None:
    """Apply changes to a plain or a tomlkit table."""
    for (name, *rest), value in changes.items():
        if not rest:
            _put(table, name, value)
        elif name in table:
            _put(table[name], rest[0], value)
        elif value is not None:
            _put(table, name, {rest[0]: value})


def _put(table: Any, name: str, value: Any) -> None:
    """Set a key or remove it; a new key comes before the comments above the next table."""
    if value is None:
        table.pop(name, None)
        return
    if isinstance(table.get(name), items.Array) and isinstance(value, list) and _follows(table[name], value):
        return
    if hasattr(table, "as_string"):
        value = _in_place(value)
    if name in table or not isinstance(table, items.Table):
        table[name] = value
        return
    body = table.value.body
    tail: list[Any] = []
    while body and body[-1][0] is None:
        tail.insert(0, body.pop())
    table[name] = value
    body.extend(tail)


def _follows(array: Any, wanted: list[Any]) -> bool:
    """Change a list to the wanted items, keeping layout and comments; touch nothing if that needs another order."""
    has = array.unwrap()
    kept = [item for item in has if item in wanted]
    if wanted[: len(kept)] != kept:
        return False
    for index in reversed(range(len(has))):
        if has[index] not in wanted:
            del array[index]
    for item in wanted[len(kept) :]:
        array.append(_in_place(item))
    return True


def _in_place(value: Any) -> Any:
    """A value that tomlkit writes in one place, without separate tables further down."""
    if isinstance(value, dict):
        return tomlkit.inline_table() | value
    if isinstance(value, list):
        array = tomlkit.array()
        array.extend(map(_in_place, value))
        return array
    return value
