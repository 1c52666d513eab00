"""`desktop-bake.toml`, overridden by `DESKTOP_BAKE_…` variables, overridden by flags."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bake.shipped import shipped
from generator.cache import DEFAULT_SCOPE, check_backend, check_scope
from generator.environment import Environment
from generator.errors import ConfigurationError
from generator.recipe import DOCKERFILE, INSTALL, SETUP, Preflight, Recipe, Stack, check_script
from generator.reference import ImageReference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE_NAME = "desktop-bake.toml"
PULL_POLICIES = ("missing", "always", "never")
_TOP: dict[str, type] = {
    "schema": int,
    "repository": str,
    "cache": str,
    "builder": str,
    "build_timeout_s": int,
    "fallback": bool,
    "push": bool,
    "lease": bool,
    "pull": str,
    "registry_timeout_s": int,
    "cache_scope": str,
    "base_image": str,
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
}
ENVIRONMENT_FIELDS: Mapping[str, type] = _ENVIRONMENT  # what an `[environments.ID]` may hold
ORIGIN_BASE_IMAGE = "lunamidori5/pixelarch:emerald"  # the one image that Agents Runner runs every task in
_VARIABLES = {
    "DESKTOP_BAKE_REPOSITORY": "repository",
    "DESKTOP_BAKE_CACHE": "cache",
    "DESKTOP_BAKE_BUILDER": "builder",
    "DESKTOP_BAKE_BUILD_TIMEOUT_S": "build_timeout_s",
    "DESKTOP_BAKE_FALLBACK": "fallback",
    "DESKTOP_BAKE_PUSH": "push",
    "DESKTOP_BAKE_LEASE": "lease",
    "DESKTOP_BAKE_PULL": "pull",
    "DESKTOP_BAKE_REGISTRY_TIMEOUT_S": "registry_timeout_s",
    "DESKTOP_BAKE_CACHE_SCOPE": "cache_scope",
    "DESKTOP_BAKE_BASE_IMAGE": "base_image",
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration, read and checked.

    Args:
        root: folder that relative script names start from.
        repository: repository of the tags.
        cache: cache backend, as `BakeOptions.cache_backend`.
        builder: buildx builder name, or None for the current one.
        build_timeout_s: time limit of one build, in seconds.
        fallback: whether a failed build falls back to installing at run time.
        push: whether a built image is published in the repository.
        lease: whether machines that push agree in the registry on one that builds.
        pull: pull policy of the base: `missing`, `always` or `never`, as `docker run --pull`.
        registry_timeout_s: time limit of one question to a registry, in seconds.
        cache_scope: whose registry cache is written, such as a branch's; that of `main` is always read too.
        base_image: base of the environments in a JSON file (`--environments`) that name none.
        environments: by id.
    """

    root: Path = Path()
    repository: ImageReference = field(default_factory=lambda: ImageReference.parse("desktop-bake"))
    cache: str = "local"
    builder: str | None = None
    build_timeout_s: int = 600
    fallback: bool = True
    push: bool = False
    lease: bool = True
    pull: str = "missing"
    registry_timeout_s: int = 10
    cache_scope: str = DEFAULT_SCOPE
    base_image: ImageReference = field(default_factory=lambda: ImageReference.parse(ORIGIN_BASE_IMAGE))
    environments: Mapping[str, Environment] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_backend(self.cache)
        check_scope(self.cache_scope)
        if self.pull not in PULL_POLICIES:
            raise ConfigurationError(f"pull is {self.pull!r}", f"use one of: {', '.join(PULL_POLICIES)}")
        for name in ("build_timeout_s", "registry_timeout_s"):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"{name} is {getattr(self, name)}", "use a positive number of seconds")
        if self.push and not self.has_registry:
            raise ConfigurationError(
                f"repository {str(self.repository)!r} is in no registry to push to",
                'write repository = "registry.example.com/team/desktop"',
            )

    @property
    def has_registry(self) -> bool:
        """Whether the repository is a registry's: a name of one part stays on this machine."""
        return not (self.repository.domain == "docker.io" and self.repository.path.startswith("library/"))

    def environment(self, env_id: str | None) -> Environment:
        """The environment of this id; without one the only one, or the one named `default`.

        Raises:
            ConfigurationError: there is none, or more than one and none is named `default`.
        """
        known = list(self.environments)
        if env_id is None:
            if len(known) == 1 or "default" in known:
                return self.environments[known[0] if len(known) == 1 else "default"]
            if not known:
                raise ConfigurationError(f"no environment in {FILE_NAME}", "run: desktop-bake init")
            raise ConfigurationError(
                "several environments and none named 'default'", "name one of: " + ", ".join(known)
            )
        if env_id not in self.environments:
            raise ConfigurationError(f"unknown environment {env_id!r}", did_you_mean(env_id, known))
        return self.environments[env_id]

    def recipe(self, environment: Environment) -> Recipe:
        """Read the recipe's files of an environment.

        Raises:
            ConfigurationError: a file is missing, unreadable, empty or malformed.
        """

        def read(override: str | None, name: str) -> bytes:
            return self._read(environment, override or name, None if override else shipped(f"recipe/{name}"))

        return Recipe(
            dockerfile=read(environment.dockerfile, DOCKERFILE),
            install=read(environment.install_script, INSTALL),
            setup=read(environment.setup_script, SETUP),
        )

    def preflight(self, environment: Environment) -> Preflight | None:
        """Read the cached part of an environment's own script, or None where it has none.

        Raises:
            ConfigurationError: as `recipe`.
        """
        if environment.preflight_script is None:
            return None
        dockerfile = shipped("recipe/preflight.Dockerfile").read_bytes()
        return Preflight(dockerfile=dockerfile, script=self._read(environment, environment.preflight_script))

    def preflight_run(self, environment: Environment) -> bytes | None:
        """Read the script that runs at every start of a task, or None where there is none.

        Raises:
            ConfigurationError: as `recipe`.
        """
        if environment.preflight_run_script is None:
            return None
        script = self._read(environment, environment.preflight_run_script)
        check_script("the preflight run script", script, "write it, or drop preflight_run_script")
        return script

    def stack(self, environment: Environment) -> Stack:
        """What is baked for an environment: its desktop where it has one, and its preflight on top.

        Raises:
            ConfigurationError: as `recipe`.
        """
        preflight = self.preflight(environment)
        desktop = self.recipe(environment) if environment.headless_desktop_enabled or not preflight else None
        return Stack(desktop=desktop, preflight=preflight)

    def _read(self, environment: Environment, name: str, path: Path | None = None) -> bytes:
        try:
            return (path or self.root / name).read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"environment {environment.env_id!r}: cannot read {name}: {error.strerror}",
                "create the file or correct its name in " + FILE_NAME,
            ) from error


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A remedy that names the nearest known word, or all of them."""
    import difflib

    known = list(known)
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "known: " + (", ".join(known) or "none")


def find_settings_file(start: Path) -> Path | None:
    """The nearest `desktop-bake.toml` upwards from a folder."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


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
        ConfigurationError: no file, invalid TOML, an unknown key or a value of the wrong type or form.
    """
    path = path or find_settings_file(Path.cwd())
    if path is None:
        if required:
            raise ConfigurationError(f"no {FILE_NAME} here or in a folder above", "run: desktop-bake init")
        return settings_from("", Path.cwd() / FILE_NAME, variables, overrides)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}", "check --config") from error
    return settings_from(text, path, variables, overrides)


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
    except tomllib.TOMLDecodeError as error:
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
    for name, value in [
        *values.get("build_args", {}).items(),
        *(("platforms", p) for p in values["platforms"]),
        *(("build_secrets", name) for name in values["build_secrets"]),
    ]:
        if not isinstance(value, str):
            raise ConfigurationError(f"{where}: {name} holds {value!r}, which is no text", f'write "{value}"')
    return Environment(env_id=env_id, **values)


def _check(table: Mapping[str, Any], known: Mapping[str, type], where: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise ConfigurationError(f"{where}: unknown key {key!r}", did_you_mean(key, known))
        if type(value) is not known[key]:
            raise ConfigurationError(
                f"{where}: {key} is {value!r}, not of type {known[key].__name__}", "correct the value"
            )


def _from_text(variable: str, text: str, wanted: type) -> Any:
    if wanted is str:
        return text
    if wanted is bool and text.lower() in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        return text.lower() in ("1", "true", "yes", "on")
    if wanted is int and text.isdigit():
        return int(text)
    raise ConfigurationError(f"{variable} is {text!r}, not of type {wanted.__name__}", "correct or unset it")
