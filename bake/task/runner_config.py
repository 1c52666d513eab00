"""The configuration of a task runner: the toggles, the scripts, and how its containers start."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

from ...generator.described import check_types, checked
from ...generator.environment import FILE_FIELDS, Environment
from ...generator.errors import ConfigurationError
from ...generator.reference import ImageReference
from ...generator.script import Script
from .environment_options import with_environment
from .options import TaskOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...generator.file_name import File
    from ...generator.layer import Layer


_AS_IT_IS = ("layers", "packages", "files", "build_args", "build_secrets", "platforms", "platform")


@dataclass(frozen=True, kw_only=True)
class DockerRunnerConfig:
    """The configuration of a runner of Docker tasks. Every toggle is off by default.

    Args:
        base_image: image reference of the base.
        env_id: the environment's id, for logs and labels.
        headless_desktop_enabled: whether tasks get a desktop.
        desktop_cache_enabled: whether that desktop, and layers without their own switch, are baked once; no effect
            without either.
        preflight_cache_enabled: whether the preflight is baked once, with or without a desktop; no effect without a
            preflight.
        preflight_script: a script that prepares tasks, such as `Script.text("…")`; it runs at start unless it is baked.
        preflight_run_script: a script that runs at every start, before the command.
        options: how a task's container starts.
        layers, packages, files, install_script, setup_script, dockerfile: as `Environment`.
        build_args, build_secrets, platforms, platform: as `Environment`.

    Raises:
        ConfigurationError: the base image is malformed, a script is no `Script`, or a value is of another form.
    """

    base_image: str
    env_id: str = "default"
    headless_desktop_enabled: bool = False
    desktop_cache_enabled: bool = False
    preflight_cache_enabled: bool = False
    preflight_script: Script | None = None
    preflight_run_script: Script | None = None
    options: TaskOptions = field(default_factory=TaskOptions)
    layers: tuple[Layer, ...] = ()
    packages: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    install_script: Script | None = None
    setup_script: Script | None = None
    dockerfile: Script | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    build_secrets: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    platform: str | None = None

    def __post_init__(self) -> None:
        for name in FILE_FIELDS:
            given = getattr(self, name)
            if given is not None and not isinstance(given, Script):
                raise ConfigurationError(
                    f"{name} is of type {type(given).__name__}, not Script",
                    "write Script.text('…') or Script.file('…')",
                )
        check_types(self)
        has_parts = self.headless_desktop_enabled or bool(self.layers or self.packages)
        object.__setattr__(self, "desktop_cache_enabled", self.desktop_cache_enabled and has_parts)
        has_preflight = self.preflight_script is not None
        object.__setattr__(self, "preflight_cache_enabled", self.preflight_cache_enabled and has_preflight)
        _ = self.environment  # which checks the rest

    @classmethod
    @checked
    def of(cls, environment: Environment, options: TaskOptions | None = None) -> Self:
        """The configuration of an environment, and what its tasks get."""
        given: dict[str, Any] = {name: _script(getattr(environment, name)) for name in FILE_FIELDS}
        given |= {name: getattr(environment, name) for name in _AS_IT_IS}
        return cls(
            base_image=str(environment.base_image),
            env_id=environment.env_id,
            headless_desktop_enabled=environment.headless_desktop_enabled,
            desktop_cache_enabled=environment.cache_desktop_build,
            preflight_cache_enabled=environment.preflight_cache_enabled,
            **given,
            options=with_environment(options or TaskOptions(), environment),
        )

    @property
    def environment(self) -> Environment:
        """The environment that `ensure_desktop_image` and `start_task` take."""
        return Environment(
            env_id=self.env_id,
            base_image=ImageReference.parse(self.base_image),
            headless_desktop_enabled=self.headless_desktop_enabled,
            cache_desktop_build=self.desktop_cache_enabled,
            cache_preflight_build=self.preflight_cache_enabled if self.preflight_script else None,
            **{name: getattr(self, name) for name in (*FILE_FIELDS, *_AS_IT_IS)},
        )


def _script(given: str | PurePath | Script | None) -> Script | None:
    return Script.file(given) if isinstance(given, str | PurePath) else given
