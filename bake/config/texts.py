"""Scripts that stand in a configuration as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...generator.errors import ConfigurationError
from ...generator.script import Script

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_texts(fields: Mapping[str, Any], keys: Mapping[str, str], where: str) -> dict[str, Any]:
    """The fields with scripts made of the texts that stand among them.

    Args:
        fields: as TOML holds them.
        keys: the field of each key under which a text may stand in its place.
        where: what the message begins with.

    Raises:
        ConfigurationError: there are both, or as `script_of`.
    """
    made = {name: value for name, value in fields.items() if name not in keys}
    for key in keys.keys() & fields.keys():
        name = keys[key]
        if name in fields:
            raise ConfigurationError(f"{where}: both {key} and {name}", "keep one: a text, or the name of a file")
        made[name] = script_of(fields[key], f"{where}: {key}")
    return made


def script_of(text: str, where: str) -> Script:
    """The script of a text.

    Args:
        text: as it was written.
        where: what the message begins with.

    Raises:
        ConfigurationError: as `Script.text`.
    """
    try:
        return Script.text(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}", error.remedy) from error
