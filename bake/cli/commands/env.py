"""`env`: the environments of a configuration, or of a file of Agents Runner, listed, shown and changed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ....generator.environment import FILE_FIELDS, TEXT_KEYS
from ....generator.errors import ConfigurationError, printable
from ....generator.reference import ImageReference
from ....generator.script import Script
from ....generator.text_file import text_of
from ...config.agents_runner import ORIGIN_FIELDS, origin_of, read_origin
from ...config.settings import FILE_NAME
from ...config.toml_edit import edit_toml, field_and_value, field_path
from ...config.toml_file import ENVIRONMENT_KEYS, settings_from
from ...system.edit import editing, replace_file
from ...system.found_file import find_upwards
from ...system.text import table
from ..context import load, print_json, without_origin

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from ....generator.environment import Environment


def env(arguments: argparse.Namespace) -> int:
    """List, show or change environments."""
    return {"list": _list, "show": _show, "set": _set, "unset": _set}[arguments.action](arguments)


def as_json(environment: Environment) -> dict[str, object]:
    """Every field of an environment, and what its toggles come to; of variables the names alone."""
    values = {f.name: _plain(getattr(environment, f.name)) for f in fields(environment)}
    named = {"environment": values.pop("env_id")}
    values["env_vars"] = sorted(environment.env_vars)
    for key, name in TEXT_KEYS.items():
        script = getattr(environment, name)
        if isinstance(script, Script) and script.content is not None:
            values |= {name: None, key: script.content.decode()}
    effects = {n: getattr(environment, n) for n in ("desktop_cache_enabled", "preflight_cache_enabled")}
    return {**named, **values, **effects}


def _plain(value: object) -> object:
    if isinstance(value, Script):
        value = value.path
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
    return "on, no effect" if _no_effect(environment) else _on(environment.cache_desktop_build)


def _no_effect(environment: Environment) -> bool:
    """Whether the cache's toggle is on without anything that it is for."""
    followed = environment.cache_preflight_build is None and environment.preflight_script is not None
    return environment.cache_desktop_build and not environment.headless_desktop_enabled and not followed


def _show(arguments: argparse.Namespace) -> int:
    environment = load(arguments).environment(arguments.env)
    others = read_origin(arguments.environments).without_meaning(environment.env_id) if arguments.environments else []
    if arguments.json:
        meant = {"without_meaning": others} if arguments.environments else {}
        print_json({"schema": 1, **as_json(environment), **meant})
        return 0
    for name, value in as_json(environment).items():
        shown: object = value
        if isinstance(value, bool):
            shown = str(value).lower()
        elif name in TEXT_KEYS:
            count = len(str(value).splitlines())
            shown = f"a text of {count} line{'s' * (count != 1)}"
        elif isinstance(value, list):
            shown = ", ".join(map(str, value))
        elif isinstance(value, dict):
            shown = ", ".join(f"{k}={v}" for k, v in value.items())
        print(f"{name:<24}  {'-' if shown in ('', None) else printable(str(shown))}")
    if others:
        print(f"{'without meaning here':<24}  {printable(', '.join(others))}")
    _say_effect(environment)
    return 0


def _say_effect(environment: Environment) -> None:
    if _no_effect(environment):
        print(
            f"note: cache_desktop_build has no effect while headless_desktop_enabled is off in {environment.env_id!r}",
            file=sys.stderr,
        )
    if environment.cache_preflight_build and environment.preflight_script is None:
        print(f"note: there is no preflight to bake in {environment.env_id!r}", file=sys.stderr)


def _set(arguments: argparse.Namespace) -> int:
    """Change fields; nothing is written that would not load."""
    known = ORIGIN_FIELDS if arguments.environments else ENVIRONMENT_KEYS
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
    for name in () if arguments.environments else FILE_FIELDS:
        wanted = changes.get((name,))
        if wanted and not (path.parent / wanted).is_file():
            print(f"note: {wanted} does not exist yet", file=sys.stderr)
    return 0


def _in_configuration(
    before: bytes, path: Path, arguments: argparse.Namespace, changes: Mapping[tuple[str, ...], Any]
) -> tuple[bytes, Environment]:
    create = getattr(arguments, "create", False)
    try:
        after = edit_toml(text_of(before, path), path, arguments.env, changes, create=create)
        encoded = after.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"a value is not UTF-8: {error}", "write it in UTF-8") from error
    return encoded, settings_from(after, path, {}).environment(arguments.env)


def _in_origin(
    before: bytes, path: Path, arguments: argparse.Namespace, changes: Mapping[tuple[str, ...], Any]
) -> tuple[bytes, Environment]:
    if getattr(arguments, "create", False):
        raise ConfigurationError("environments of Agents Runner are made there", "leave --create out")
    base = without_origin(arguments).base_image
    try:
        encoded = origin_of(before, path).edit(arguments.env, changes).encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"a value is not UTF-8: {error}", "write it in UTF-8") from error
    edited = origin_of(encoded, path)
    if edited.forced and changes.get(("headless_desktop_enabled",), True) is not True:
        print("note: the settings of that file give every environment a desktop all the same", file=sys.stderr)
    return encoded, edited.environment(arguments.env, base)
