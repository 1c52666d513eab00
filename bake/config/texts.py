"""Scripts that are written in a configuration as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...generator.errors import ConfigurationError
from ...generator.script import Script

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_texts(fields: Mapping[str, Any], keys: Mapping[str, str], where: str) -> dict[str, Any]:
    """The fields, with each text replaced by a script.

    Args:
        fields: the fields as TOML has them.
        keys: for each key of a text, the field that it replaces.
        where: the beginning of the message.

    Raises:
        ConfigurationError: there are both, or see `script_of`.
    """
    made = {name: value for name, value in fields.items() if name not in keys}
    for key in keys.keys() & fields.keys():
        name = keys[key]
        if name in fields:
            raise ConfigurationError(f"{where}: both {key} and {name}", "keep one: a text, or the name of a file")
        made[name] = script_of(fields[key], f"{where}: {key}")
    return made


def script_of(text: str, where: str) -> Script:
    """A script with this text.

    Args:
        text: the text as it was written.
        where: the beginning of the message.

    Raises:
        ConfigurationError: see `Script.text`.
    """
    try:
        return Script.text(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}", error.remedy) from error
