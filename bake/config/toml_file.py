"""`desktop-bake.toml`, overridden by `DESKTOP_BAKE_…` variables, overridden by flags."""

from __future__ import annotations

import os
import tomllib
from dataclasses import MISSING, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...generator.described import checked
from ...generator.environment import TEXT_KEYS, Environment
from ...generator.errors import ConfigurationError
from ...generator.text_file import text_of
from ..system.found_file import find_upwards, why_untrusted
from ..system.lazy import lazy
from .lock_names import LOCK_NAME
from .setting import described
from .settings import FILE_NAME, SETTINGS, Settings
from .texts import with_texts
from .values import as_fields, check_table, of_variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...generator.layer import Layer
    from . import layer_table, lock
else:  # not needed for a file without layers or without a lock
    layer_table = lazy(".layer_table", __package__)
    lock = lazy(".lock", __package__)


ENVIRONMENT = described(Environment)  # the fields of an `[environments.ID]`
ENVIRONMENT_FIELDS = {field.name: field.toml_type for field in ENVIRONMENT}
ENVIRONMENT_KEYS = {**ENVIRONMENT_FIELDS, **dict.fromkeys(TEXT_KEYS, str)}
_TOP = {"schema": int, **{s.name: s.toml_type for s in SETTINGS}, "layers": dict, "environments": dict}
_NO_LAYERS: Mapping[str, Layer] = {}


@checked
def load_settings(
    path: Path | None = None,
    variables: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    required: bool = True,
) -> Settings:
    """Read the file with its lock, then the variables, then the overrides.

    Args:
        path: the file, or None to search upwards from the working directory.
        variables: variables such as `DESKTOP_BAKE_REPOSITORY`; those of this process if None, none of them if empty.
        overrides: values of flags by setting name; None values are ignored.
        required: whether a missing file is an error.

    Raises:
        ConfigurationError: there is no file, or another user may have written the file that was found; invalid TOML, an
            unknown key, or a value of the wrong type or form.
    """
    variables = os.environ if variables is None else variables
    found = None if path else find_upwards(FILE_NAME)
    path = path or found
    if path is None:
        if required:
            raise ConfigurationError(f"no {FILE_NAME} here or in a folder above", "run: desktop-bake init")
        return settings_from("", Path(FILE_NAME).absolute(), variables, overrides)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {error.strerror}", "name a configuration that you may read: --config FILE"
        ) from error
    settings = settings_from(text_of(content, path), path, variables, overrides)
    return with_lock(settings, path.parent, named=found is None)


def with_lock(settings: Settings, folder: Path, *, named: bool = True) -> Settings:
    """Settings with the lock in a folder: that of `desktop-bake.toml` or of a file of environments.

    Args:
        settings: the settings without the lock.
        folder: the folder of the lock, if there is one.
        named: whether the user named the folder, and so chose whom to trust; else it has to be this user's.

    Raises:
        ConfigurationError: see `load_lock`; or it may be another user's.
    """
    file = folder / LOCK_NAME
    why = why_untrusted(file, named_by_place=True) if not named and file.is_file() else None
    if why:
        raise ConfigurationError(
            f"{file} is not used: {why}; a lock decides what is run",
            f"if you trust it: --config {folder / FILE_NAME}",
        )
    return replace(settings, lock_file=file, lock=None if _is_missing(file) else lock.load_lock(file))


def _is_missing(file: Path) -> bool:
    """Whether there is no such file; any other error appears when it is read."""
    try:
        file.stat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False


def settings_from(
    text: str, path: Path, variables: Mapping[str, str], overrides: Mapping[str, Any] | None = None
) -> Settings:
    """The settings in a configuration file with this text.

    Args:
        text: TOML.
        path: where it is or will be; relative names start there.
        variables, overrides: see `load_settings`.

    Raises:
        ConfigurationError: see `load_settings`.
    """
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigurationError(f"{path.name} is nested too deeply", "remove brackets, or restore the file") from error
    except ValueError as error:  # a number with 5,000 digits is not a TOMLDecodeError
        raise ConfigurationError(
            f"invalid TOML in {path.name}: {error}", 'fix that line; text is written in quotes: key = "value"'
        ) from error
    check_table(table, _TOP, path.name)
    if table.get("schema", 1) != 1:
        raise ConfigurationError(
            f"{path.name} has schema {table['schema']}",
            "write schema = 1, or install the version of desktop-bake that reads it",
        )
    layers = layer_table.layers_from(table["layers"], path.name) if "layers" in table else _NO_LAYERS
    environments = {}
    for env_id, fields in table.get("environments", {}).items():
        if not isinstance(fields, dict):
            raise ConfigurationError(f"environments.{env_id} is not a table", f"write [environments.{env_id}]")
        environments[env_id] = environment_from(env_id, fields, f"{path.name}, environments.{env_id}", layers)
    values = {k: v for k, v in table.items() if k not in ("schema", "layers", "environments")}
    values |= {
        s.name: of_variable(s.variable, variables[s.variable], s.toml_type) for s in SETTINGS if s.variable in variables
    }
    values |= {name: value for name, value in (overrides or {}).items() if value is not None}
    values = as_fields(values, SETTINGS, path.name)
    for name, value in values.items():
        if isinstance(value, tuple):  # an empty word does not count; in a variable or flag it means an empty list
            values[name] = tuple(filter(None, value))
    return replace(Settings(root=path.parent, environments=environments), **values)


def environment_from(
    env_id: str, fields: Mapping[str, Any], where: str, layers: Mapping[str, Layer] = _NO_LAYERS
) -> Environment:
    """An environment from plain fields, as TOML has them.

    Args:
        env_id: its ID.
        fields: the fields in its table.
        where: the beginning of messages.
        layers: the layers that it may name.

    Raises:
        ConfigurationError: an unknown field, a value of the wrong type, or no `base_image`.
    """
    check_table(fields, ENVIRONMENT_KEYS, where)
    for field in ENVIRONMENT:
        if field.default is MISSING and field.name not in fields:
            raise ConfigurationError(f"{where}: {field.name} is missing", f"write {field.name} = {field.example}")
    own = with_texts(fields, TEXT_KEYS, where)
    if "layers" in own:
        own["layers"] = layer_table.layers_of(own["layers"], layers, where)
    return Environment(env_id=env_id, **as_fields(own, ENVIRONMENT, where))
