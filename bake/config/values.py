"""Values that are read for settings: their type is checked, and they are converted to the type of the field."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from ...generator.errors import ConfigurationError
from ...generator.reference import ImageReference
from ..system.text import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .setting import Setting

# What to write for a value of each TOML type.
_FORMS = {
    bool: "true or false, without quotes",
    int: "a whole number, without quotes",
    str: "a text in quotes",
    list: 'a list, such as ["a", "b"]',
    dict: 'a table, such as { NAME = "value" }',
}
_YES = ("true", "yes", "on", "1")
_NO = ("false", "no", "off", "0")


def check_table(table: Mapping[str, Any], known: Mapping[str, type], where: str) -> None:
    """Check a table of the file.

    Args:
        table: as `tomllib` reads it.
        known: its keys, and their types.
        where: the beginning of the message.

    Raises:
        ConfigurationError: an unknown key, or a value of another type.
    """
    for key, value in table.items():
        if key not in known:
            raise ConfigurationError(f"{where}: unknown key {key!r}", did_you_mean(key, known))
        if type(value) is not known[key]:
            raise ConfigurationError(
                f"{where}: {key} is {value!r}, not of type {known[key].__name__}", f"write {_FORMS[known[key]]}"
            )


def as_fields(values: Mapping[str, Any], settings: Iterable[Setting], where: str) -> dict[str, Any]:
    """Convert plain values from TOML, variables and flags to those of the fields; a flag gives a table as pairs.

    A value of another type stays as it is: the class made from the fields refuses it.

    Args:
        values: the values by setting name.
        settings: the settings that are allowed.
        where: the beginning of the message.

    Raises:
        ConfigurationError: a malformed image reference, or a list or table with an item that is not a text.
    """
    fields = dict(values)
    for setting in settings:
        value = fields.get(setting.name)
        if setting.annotation == "ImageReference" and isinstance(value, str):
            fields[setting.name] = ImageReference.parse(value)
        elif setting.toml_type is dict and isinstance(value, list):
            fields[setting.name] = of_pairs(setting.name, value)
        elif setting.toml_type is list and isinstance(value, list):
            _check_texts([(setting.name, text) for text in value], where)
            fields[setting.name] = tuple(value)
        elif setting.toml_type is dict and isinstance(value, dict):
            _check_texts(value.items(), where)
    return fields


def _check_texts(named: Iterable[tuple[str, Any]], where: str) -> None:
    for name, value in named:
        if not isinstance(value, str):
            raise ConfigurationError(f"{where}: {name} holds {value!r}, which is not text", f'write "{value}"')


def of_variable(variable: str, text: str, wanted: type) -> Any:
    """The value of a TOML type that the text of a variable means.

    Raises:
        ConfigurationError: it means no value of that type.
    """
    switch = of_switch(text)
    if wanted is str:
        return text
    if wanted is bool and switch is not None:
        return switch
    if wanted is int and re.fullmatch(r"[0-9]{1,9}", text):
        return int(text)
    if wanted in (list, dict):
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise ConfigurationError(f"{variable} is {text!r}: {error}", "quote its words as a shell would") from error
        return words if wanted is list else of_pairs(variable, words)
    raise ConfigurationError(
        f"{variable} is {text!r}, not of type {wanted.__name__}", f"write {_FORMS[wanted]}, or: unset {variable}"
    )


def of_switch(text: str) -> bool | None:
    """The meaning of a word that switches on or off; None for any other word."""
    word = text.lower()
    return True if word in _YES else False if word in _NO else None


def of_pairs(name: str, words: Iterable[str]) -> dict[str, str]:
    """The table for words of the form `NAME=VALUE`; empty words are ignored.

    Args:
        name: the name of the variable or flag, for the message.
        words: as they are typed.

    Raises:
        ConfigurationError: a word has another form.
    """
    pairs = {}
    for word in filter(None, words):
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise ConfigurationError(f"{name}: {word!r} is not of the form NAME=VALUE", f"write {key or 'NAME'}=…")
        pairs[key] = value
    return pairs
