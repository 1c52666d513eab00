"""The JSON Schema of desktop-bake.toml for editors, made from each field's description: `desktop-bake schema`.

It knows keys, types, and the words that a setting accepts. Only the commands find what needs more than one look, such
as whether a named layer exists.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import MISSING
from typing import TYPE_CHECKING, Any

from ...generator.cache_setting import COMPRESSIONS, OWN_BACKENDS
from ...generator.environment import TEXT_KEYS
from .checks import PULL_POLICIES
from .layer_table import LAYER, LAYER_TEXTS
from .setting import LONGEST_S, plain
from .settings import FILE_NAME, SETTINGS
from .toml_file import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .setting import Setting


_TEXT = {"type": "string"}
_PLATFORM = {"type": "string", "pattern": "^[a-z0-9]+/[a-z0-9]+(/v[0-9]+)?$"}
_IMAGE = {"type": "string", "minLength": 1, "pattern": r"^\S+$"}
_TYPES: dict[type, dict[str, Any]] = {
    str: _TEXT,
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    list: {"type": "array", "items": _TEXT},
    dict: {"type": "object", "additionalProperties": _TEXT},
}
_NARROWER: dict[str, dict[str, Any]] = {
    "repository": _IMAGE,
    "base_image": _IMAGE,
    "cache": {"anyOf": [{"enum": list(OWN_BACKENDS)}, {"type": "string", "pattern": "^type=(gha|s3|azblob)(,|$)"}]},
    "compression": {"enum": list(COMPRESSIONS)},
    "pull": {"enum": list(PULL_POLICIES)},
    "platform": {"anyOf": [{"const": ""}, _PLATFORM]},
    "platforms": {"type": "array", "items": _PLATFORM},
}


def schema() -> dict[str, Any]:
    """The schema as a JSON object, in draft 7, which editors know."""
    named = _table(LAYER, LAYER_TEXTS)
    inline = {**named, "properties": {"name": _TEXT, **named["properties"]}, "required": ["name"]}
    environment = _table(ENVIRONMENT, TEXT_KEYS)
    environment["properties"]["layers"] |= {"items": {"anyOf": [_TEXT, inline]}}
    whole = _table(SETTINGS, {})
    whole["properties"] |= {
        "schema": {"const": 1, "description": "the version of this form"},
        "layers": {"type": "object", "additionalProperties": named, "description": "layers that environments name"},
        "environments": {
            "type": "object",
            "additionalProperties": environment,
            "description": "environments, each by its ID",
        },
    }
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": FILE_NAME, **whole}


def schema_text() -> str:
    """The text of the schema file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _table(described: Iterable[Setting], texts: Mapping[str, str]) -> dict[str, Any]:
    """The schema of a table.

    Args:
        described: the fields.
        texts: keys for a text instead of a field's file.
    """
    fields = {field.name: field for field in described}
    properties = {name: _property(field) for name, field in fields.items()}
    for key, name in texts.items():
        properties[key] = {"type": "string", "description": f"the text itself, in place of {name}"}
    table = {"type": "object", "additionalProperties": False, "properties": properties}
    required = [name for name, field in fields.items() if field.default is MISSING]
    both = [{"required": [key, name]} for key, name in texts.items()]
    return table | ({"required": required} if required else {}) | ({"not": {"anyOf": both}} if both else {})


def _property(field: Setting) -> dict[str, Any]:
    said = plain(field.about + (f"; {field.more}" if field.more else ""))
    made = {**_NARROWER.get(field.name, _TYPES[field.toml_type]), "description": said}
    if field.name.endswith("_s"):
        made |= {"minimum": 1, "maximum": LONGEST_S}
    if isinstance(field.default, bool | int | str):
        made["default"] = field.default
    if field.example:
        made["examples"] = [tomllib.loads(f"it = {field.example}")["it"]]
    return made
