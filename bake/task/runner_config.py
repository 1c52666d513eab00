"""What a task runner is configured with: the toggles, the scripts, and how its containers start."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Self

from ...generator.environment import Environment
from ...generator.errors import ConfigurationError
from ...generator.reference import ImageReference
from ...generator.script import Script
from .environment_options import with_environment
from .options import TaskOptions


@dataclass(frozen=True, kw_only=True)
class DockerRunnerConfig:
    """The configuration of a runner of Docker tasks. Every toggle is off unless somebody switches it on.

    Args:
        base_image: image reference of the base.
        env_id: the environment's id, for logs and labels.
        headless_desktop_enabled: whether tasks get a desktop.
        desktop_cache_enabled: whether that desktop is baked once; off without a desktop.
        preflight_cache_enabled: whether the preflight is baked once, with or without a desktop; off without one.
        preflight_script: what tasks need on top, such as `Script.text("…")`; it runs at start unless it is baked.
        preflight_run_script: what runs at every start, before the command.
        options: how a task's container starts.

    Raises:
        ConfigurationError: the base image is malformed, or a script is no `Script`.
    """

    base_image: str
    env_id: str = "default"
    headless_desktop_enabled: bool = False
    desktop_cache_enabled: bool = False
    preflight_cache_enabled: bool = False
    preflight_script: Script | None = None
    preflight_run_script: Script | None = None
    options: TaskOptions = field(default_factory=TaskOptions)

    def __post_init__(self) -> None:
        ImageReference.parse(self.base_image)
        for name in ("preflight_script", "preflight_run_script"):
            given = getattr(self, name)
            if given is not None and not isinstance(given, Script):
                raise ConfigurationError(
                    f"{name} is of type {type(given).__name__}, not Script",
                    "write Script.text('…') or Script.file('…')",
                )
        object.__setattr__(self, "desktop_cache_enabled", self.desktop_cache_enabled and self.headless_desktop_enabled)
        has_preflight = self.preflight_script is not None
        object.__setattr__(self, "preflight_cache_enabled", self.preflight_cache_enabled and has_preflight)

    @classmethod
    def of(cls, environment: Environment, options: TaskOptions | None = None) -> Self:
        """The configuration of an environment that holds no recipe of its own; its mounts, ports and variables, too."""
        return cls(
            base_image=str(environment.base_image),
            env_id=environment.env_id,
            headless_desktop_enabled=environment.headless_desktop_enabled,
            desktop_cache_enabled=environment.cache_desktop_build,
            preflight_cache_enabled=environment.preflight_cache_enabled,
            preflight_script=_script(environment.preflight_script),
            preflight_run_script=_script(environment.preflight_run_script),
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
            preflight_script=self.preflight_script,
            preflight_run_script=self.preflight_run_script,
        )


def _script(given: str | PurePath | Script | None) -> Script | None:
    return Script.file(given) if isinstance(given, str | PurePath) else given
