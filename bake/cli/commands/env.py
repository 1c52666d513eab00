"""`env`: the environments of a configuration, or of a file of Agents Runner, listed, shown and changed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import PurePath
from typing import TYPE_CHECKING

from ....generator.environment import FILE_FIELDS, TEXT_KEYS
from ....generator.errors import ConfigurationError, printable
from ....generator.reference import ImageReference
from ....generator.script import Script
from ...config.agents_runner import read_origin
from ...config.environment_edit import Change, edit_environment
from ...config.layer_table import LAYER_TEXTS
from ...config.toml_edit import field_and_value, field_path
from ...system.text import COLUMNS, cut, table
from ...task.environment_options import with_environment
from ...task.options import TaskOptions
from ..context import environment_file, load, no_effect, print_json, print_names

if TYPE_CHECKING:
    import argparse

    from ....generator.environment import Environment
    from ....generator.layer import Layer


_OF_TASKS = (
    "ports",
    "extra_mounts",
    "env_vars",
    "user",
    "shm_size",
    "security_opt",
)  # fields for the containers of tasks


def env(arguments: argparse.Namespace) -> int:
    """List, show or change environments."""
    return {"list": _list, "show": _show, "set": _set, "unset": _set}[arguments.action](arguments)


def as_json(environment: Environment) -> dict[str, object]:
    """Every field of an environment, and what its toggles result in; only the names of variables."""
    values = {f.name: _plain(getattr(environment, f.name)) for f in fields(environment)}
    named = {"environment": values.pop("env_id")}
    values["env_vars"] = sorted(environment.env_vars)
    values["layers"] = [_layer_as_json(layer) for layer in environment.layers]
    for key, name in TEXT_KEYS.items():
        values |= _text_as_json(key, name, getattr(environment, name))
    effects = {n: getattr(environment, n) for n in ("desktop_cache_enabled", "preflight_cache_enabled")}
    return {**named, **values, **effects}


def _layer_as_json(layer: Layer) -> dict[str, object]:
    values = {f.name: _plain(getattr(layer, f.name)) for f in fields(layer)}
    for key, name in LAYER_TEXTS.items():
        values |= _text_as_json(key, name, getattr(layer, name))
    return values


def _text_as_json(key: str, name: str, script: object) -> dict[str, object]:
    """A text under its own key, instead of the file's name; empty for anything else."""
    content = script.content if isinstance(script, Script) else None
    return {} if content is None else {name: None, key: content.decode()}


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
    if arguments.quiet:
        print_names(e.env_id for e in environments)
        return 0
    rows: list[tuple[str, ...]] = [("ENVIRONMENT", "DESKTOP", "CACHE", "BASE IMAGE", "NAME")]
    rows += [(e.env_id, _on(e.headless_desktop_enabled), _cache(e), str(e.base_image), e.name) for e in environments]
    print(table(rows if arguments.no_trunc else _narrow(rows)))
    return 0


def _narrow(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The same rows within 80 columns: IDs and names are cut, and bases to the width that is left."""
    ids, desktops, caches, bases, names = zip(*rows, strict=True)
    ids, names = tuple(cut(text, 16) for text in ids), tuple(cut(text, 10) for text in names)
    left = COLUMNS - sum(2 + max(map(len, column)) for column in (ids, desktops, caches, names))
    return list(zip(ids, desktops, caches, [cut(text, left) for text in bases], names, strict=True))


def _on(value: bool) -> str:
    return "on" if value else "off"


def _cache(environment: Environment) -> str:
    """The cache toggle, and whether it has an effect."""
    return "on, no effect" if environment.caches_nothing else _on(environment.cache_desktop_build)


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
        elif name == "layers":
            shown = ", ".join(
                f"{one.name} (below the desktop)" if one.below_desktop else one.name for one in environment.layers
            )
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
    if environment.caches_nothing:
        print(f"note: {no_effect(environment)}", file=sys.stderr)
    if environment.cache_preflight_build and environment.preflight_script is None:
        print(f"note: there is no preflight to bake in {environment.env_id!r}", file=sys.stderr)


def _check_tasks(environment: Environment) -> None:
    """Refuse values with which no task can start."""
    with_environment(TaskOptions(), environment)


def _set(arguments: argparse.Namespace) -> int:
    """Change fields; a file that would not load is not written."""
    file = environment_file(arguments)
    if arguments.action == "set":
        changes = field_and_value(arguments.fields, file.fields)
    else:
        changes = {field_path(name, file.fields): None for name in arguments.fields}
        if ("base_image",) in changes and not file.is_origin:
            raise ConfigurationError("base_image cannot be unset", "set another: base_image=REPOSITORY:TAG")
    change = Change(env_id=arguments.env, values=changes, create=getattr(arguments, "create", False))
    tasks = arguments.action == "set" and any(path[0] in _OF_TASKS for path in changes)
    edited = edit_environment(file, change, _check_tasks if tasks else None)
    if edited.forced and changes.get(("headless_desktop_enabled",), True) is not True:
        print("note: the settings of that file give every environment a desktop all the same", file=sys.stderr)
    if arguments.json:
        print_json({"schema": 1, **as_json(edited.environment), "changed": edited.is_changed})
    else:
        print(f"{printable(str(file.path))}: {'changed' if edited.is_changed else 'nothing to change'}")
    _say_effect(edited.environment)
    named = [changes.get((name,)) for name in FILE_FIELDS]
    for wanted in () if file.is_origin else (*named, *(changes.get(("files",)) or ())):
        if wanted and not (file.path.parent / wanted).exists():
            print(f"note: {wanted} does not exist yet", file=sys.stderr)
    return 0
