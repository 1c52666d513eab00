"""`env`: the environments of a configuration, or of a file of Agents Runner, listed, shown and changed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ....generator.environment import FILE_FIELDS
from ....generator.errors import ConfigurationError, printable
from ....generator.reference import ImageReference
from ...config.agents_runner import ORIGIN_FIELDS, OriginFile
from ...config.settings import FILE_NAME
from ...config.toml_edit import edit_toml, field_and_value, field_path
from ...config.toml_file import ENVIRONMENT_FIELDS, decoded, settings_from
from ...system.edit import editing, replace_file
from ...system.found_file import find_upwards
from ...system.text import table
from ..context import load, print_json

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from ....generator.environment import Environment


def env(arguments: argparse.Namespace) -> int:
    """List, show or change environments."""
    return {"list": _list, "show": _show, "set": _set, "unset": _set}[arguments.action](arguments)


def as_json(environment: Environment) -> dict[str, object]:
    """Every field of an environment, and what its two toggles come to."""
    values = {f.name: _plain(getattr(environment, f.name)) for f in fields(environment)}
    named = {"environment": values.pop("env_id")}
    return {**named, **values, "desktop_cache_enabled": environment.desktop_cache_enabled}


def _plain(value: object) -> object:
    if isinstance(value, ImageReference | PurePath):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return dict(value) if isinstance(value, Mapping) else value


def _list(arguments: argparse.Namespace) -> int:
    environments = load(arguments).environments.values()
    if arguments.json:
        print_json({"schema": 1, "environments": [as_json(e) for e in environments]})
        return 0
    rows = [("ENVIRONMENT", "DESKTOP", "CACHE", "BASE IMAGE", "NAME")]
    rows += [(e.env_id, _on(e.headless_desktop_enabled), _cache(e), str(e.base_image), e.name) for e in environments]
    print(table(rows))
    return 0


def _on(value: bool) -> str:
    return "on" if value else "off"


def _cache(environment: Environment) -> str:
    """The cache's toggle, and whether it has an effect."""
    no_effect = environment.cache_desktop_build and not environment.headless_desktop_enabled
    return "on, no effect" if no_effect else _on(environment.cache_desktop_build)


def _show(arguments: argparse.Namespace) -> int:
    environment = load(arguments).environment(arguments.env)
    if arguments.json:
        print_json({"schema": 1, **as_json(environment)})
        return 0
    for name, value in as_json(environment).items():
        shown: object = value
        if isinstance(value, bool):
            shown = str(value).lower()
        elif isinstance(value, list):
            shown = ", ".join(map(str, value))
        elif isinstance(value, dict):
            shown = ", ".join(f"{k}={v}" for k, v in value.items())
        print(f"{name:<24}  {'-' if shown in ('', None) else printable(str(shown))}")
    _say_effect(environment)
    return 0


def _say_effect(environment: Environment) -> None:
    if environment.cache_desktop_build and not environment.headless_desktop_enabled:
        print(
            f"note: cache_desktop_build has no effect while headless_desktop_enabled is off in {environment.env_id!r}",
            file=sys.stderr,
        )


def _set(arguments: argparse.Namespace) -> int:
    """Change fields; nothing is written that would not load."""
    known = ORIGIN_FIELDS if arguments.environments else ENVIRONMENT_FIELDS
    if arguments.action == "set":
        changes = field_and_value(arguments.fields, known)
    else:
        changes = {field_path(name, known): None for name in arguments.fields}
        if ("base_image",) in changes and not arguments.environments:
            raise ConfigurationError("base_image cannot be unset", "set another: base_image=REPOSITORY:TAG")
    path = arguments.environments or arguments.config or find_upwards(FILE_NAME)
    if path is None:
        raise ConfigurationError(f"no {FILE_NAME} here or in a folder above", "run: desktop-bake init")
    with editing(path) as before:
        change = _in_origin if arguments.environments else _in_configuration
        after, environment = change(before, path, arguments, changes)
        if after != before:
            replace_file(path, before, after)
    if arguments.json:
        print_json({"schema": 1, **as_json(environment), "changed": after != before})
    else:
        print(f"{path}: {'changed' if after != before else 'nothing to change'}")
    _say_effect(environment)
    for name in FILE_FIELDS:
        wanted = changes.get((name,))
        if wanted and not (path.parent / wanted).is_file():
            print(f"note: {wanted} does not exist yet", file=sys.stderr)
    return 0


def _in_configuration(
    before: bytes, path: Path, arguments: argparse.Namespace, changes: Mapping[tuple[str, ...], Any]
) -> tuple[bytes, Environment]:
    create = getattr(arguments, "create", False)
    try:
        after = edit_toml(decoded(before, path), path, arguments.env, changes, create=create)
        encoded = after.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"a value is not UTF-8: {error}", "write it in UTF-8") from error
    return encoded, settings_from(after, path, {}).environment(arguments.env)


def _in_origin(
    before: bytes, path: Path, arguments: argparse.Namespace, changes: Mapping[tuple[str, ...], Any]
) -> tuple[bytes, Environment]:
    if getattr(arguments, "create", False):
        raise ConfigurationError("environments of Agents Runner are made there", "leave --create out")
    base = load(arguments).base_image
    try:
        text = OriginFile.parse(before, str(path)).edit(arguments.env, {field: v for (field,), v in changes.items()})
        encoded = text.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"a value is not UTF-8: {error}", "write it in UTF-8") from error
    edited = OriginFile.parse(encoded, str(path))
    if edited.forced and changes.get(("headless_desktop_enabled",), True) is not True:
        print("note: the settings of that file give every environment a desktop all the same", file=sys.stderr)
    return encoded, edited.environments(base)[arguments.env]
