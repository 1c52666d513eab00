"""`desktop-bake.toml`, overridden by `DESKTOP_BAKE_…` variables, overridden by flags."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...generator.environment import Environment
from ...generator.errors import ConfigurationError
from ...generator.reference import ImageReference
from ...generator.text_file import check_no_mark
from ..system.found_file import find_upwards
from ..system.text import did_you_mean
from .settings import FILE_NAME, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_TOP: dict[str, type] = {
    "schema": int,
    "repository": str,
    "cache": str,
    "compression": str,
    "builder": str,
    "build_timeout_s": int,
    "fallback": bool,
    "push": bool,
    "lease": bool,
    "pull": str,
    "registry_timeout_s": int,
    "credential_helper_timeout_s": int,
    "cache_scope": str,
    "platform": str,
    "base_image": str,
    "attest": list,
    "verify_command": list,
    "verify_timeout_s": int,
    "environments": dict,
}
_ENVIRONMENT: dict[str, type] = {
    "name": str,
    "base_image": str,
    "headless_desktop_enabled": bool,
    "cache_desktop_build": bool,
    "install_script": str,
    "setup_script": str,
    "dockerfile": str,
    "preflight_script": str,
    "preflight_run_script": str,
    "build_args": dict,
    "platforms": list,
    "build_secrets": list,
    "platform": str,
}
ENVIRONMENT_FIELDS: Mapping[str, type] = _ENVIRONMENT  # what an `[environments.ID]` may hold
_VARIABLES = {
    "DESKTOP_BAKE_REPOSITORY": "repository",
    "DESKTOP_BAKE_CACHE": "cache",
    "DESKTOP_BAKE_COMPRESSION": "compression",
    "DESKTOP_BAKE_BUILDER": "builder",
    "DESKTOP_BAKE_BUILD_TIMEOUT_S": "build_timeout_s",
    "DESKTOP_BAKE_FALLBACK": "fallback",
    "DESKTOP_BAKE_PUSH": "push",
    "DESKTOP_BAKE_LEASE": "lease",
    "DESKTOP_BAKE_PULL": "pull",
    "DESKTOP_BAKE_REGISTRY_TIMEOUT_S": "registry_timeout_s",
    "DESKTOP_BAKE_CREDENTIAL_HELPER_TIMEOUT_S": "credential_helper_timeout_s",
    "DESKTOP_BAKE_CACHE_SCOPE": "cache_scope",
    "DESKTOP_BAKE_PLATFORM": "platform",
    "DESKTOP_BAKE_BASE_IMAGE": "base_image",
    "DESKTOP_BAKE_ATTEST": "attest",
    "DESKTOP_BAKE_VERIFY_COMMAND": "verify_command",
    "DESKTOP_BAKE_VERIFY_TIMEOUT_S": "verify_timeout_s",
}


def load_settings(
    path: Path | None,
    variables: Mapping[str, str],
    overrides: Mapping[str, Any] | None = None,
    *,
    required: bool = True,
) -> Settings:
    """Read the file, then the variables, then the overrides.

    Args:
        path: the file, or None for one found upwards from the working directory.
        variables: the process environment.
        overrides: values of flags by setting's name; None values are ignored.
        required: whether there has to be a file.

    Raises:
        ConfigurationError: no file, or one found that may be somebody else's; invalid TOML, an unknown key or a value
            of the wrong type or form.
    """
    path = path or find_upwards(FILE_NAME)
    if path is None:
        if required:
            raise ConfigurationError(f"no {FILE_NAME} here or in a folder above", "run: desktop-bake init")
        return settings_from("", Path(FILE_NAME).absolute(), variables, overrides)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", "check --config") from error
    return settings_from(decoded(content, path), path, variables, overrides)


def decoded(content: bytes, path: Path) -> str:
    """The text of a configuration file's bytes.

    Raises:
        ConfigurationError: it begins with a byte order mark, or is not UTF-8.
    """
    check_no_mark(path.name, content, str(path))
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path.name} is not UTF-8: {error}", "save it as UTF-8") from error


def settings_from(
    text: str, path: Path, variables: Mapping[str, str], overrides: Mapping[str, Any] | None = None
) -> Settings:
    """The settings that a configuration file of this text means.

    Args:
        text: TOML.
        path: where it is, or is going to be: relative names start there.
        variables, overrides: as `load_settings`.

    Raises:
        ConfigurationError: as `load_settings`.
    """
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigurationError(f"{path.name} is nested too deeply", "correct it") from error
    except ValueError as error:  # a number of 5,000 digits is no TOMLDecodeError
        raise ConfigurationError(f"invalid TOML in {path.name}: {error}", "correct that line") from error
    _check(table, _TOP, path.name)
    if table.get("schema", 1) != 1:
        raise ConfigurationError(f"{path.name} has schema {table['schema']}", "this version reads schema 1")
    environments = {}
    for env_id, fields in table.get("environments", {}).items():
        if not isinstance(fields, dict):
            raise ConfigurationError(f"environments.{env_id} is not a table", f"write [environments.{env_id}]")
        environments[env_id] = environment_from(env_id, fields, f"{path.name}, environments.{env_id}")
    values = {k: v for k, v in table.items() if k not in ("schema", "environments")}
    for variable, key in _VARIABLES.items():
        if variable in variables:
            values[key] = _from_text(variable, variables[variable], _TOP[key])
    values.update({k: v for k, v in (overrides or {}).items() if v is not None})
    for name in ("repository", "base_image"):
        if name in values:
            values[name] = ImageReference.parse(values[name])
    for name in ("attest", "verify_command"):
        if name in values:
            _check_texts([(name, word) for word in values[name]], path.name)
            values[name] = tuple(word for word in values[name] if word)
    return replace(Settings(root=path.parent, environments=environments), **values)


def environment_from(env_id: str, fields: Mapping[str, Any], where: str) -> Environment:
    """An environment from plain fields, as TOML holds them.

    Raises:
        ConfigurationError: an unknown field, a value of the wrong type, or no `base_image`.
    """
    _check(fields, _ENVIRONMENT, where)
    if "base_image" not in fields:
        raise ConfigurationError(f"{where}: base_image is missing", 'write base_image = "repository:tag"')
    values = dict(fields)
    values["base_image"] = ImageReference.parse(values["base_image"])
    values["platforms"] = tuple(values.get("platforms", ()))
    values["build_secrets"] = tuple(values.get("build_secrets", ()))
    texts = [*values.get("build_args", {}).items()]
    texts += [(name, text) for name in ("platforms", "build_secrets") for text in values[name]]
    _check_texts(texts, where)
    return Environment(env_id=env_id, **values)


def _check(table: Mapping[str, Any], known: Mapping[str, type], where: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise ConfigurationError(f"{where}: unknown key {key!r}", did_you_mean(key, known))
        if type(value) is not known[key]:
            raise ConfigurationError(
                f"{where}: {key} is {value!r}, not of type {known[key].__name__}", "correct the value"
            )


def _check_texts(named: Iterable[tuple[str, Any]], where: str) -> None:
    for name, value in named:
        if not isinstance(value, str):
            raise ConfigurationError(f"{where}: {name} holds {value!r}, which is no text", f'write "{value}"')


def _from_text(variable: str, text: str, wanted: type) -> Any:
    if wanted is str:
        return text
    if wanted is bool and text.lower() in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        return text.lower() in ("1", "true", "yes", "on")
    if wanted is int and re.fullmatch(r"[0-9]{1,9}", text):
        return int(text)
    if wanted is list:
        try:
            return shlex.split(text)
        except ValueError as error:
            raise ConfigurationError(f"{variable} is {text!r}: {error}", "quote its words as a shell would") from error
    raise ConfigurationError(f"{variable} is {text!r}, not of type {wanted.__name__}", "correct or unset it")
