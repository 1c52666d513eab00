"""What a task runner is configured with: the two toggles, and how its containers start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from ...generator.environment import Environment
from ...generator.reference import ImageReference
from .options import TaskOptions


@dataclass(frozen=True, kw_only=True)
class DockerRunnerConfig:
    """The configuration of a runner of Docker tasks. Both toggles are off unless somebody switches them on.

    Args:
        base_image: image reference of the base.
        env_id: the environment's id, for logs and labels.
        headless_desktop_enabled: whether tasks get a desktop.
        desktop_cache_enabled: whether that desktop is baked once; off without a desktop.
        options: how a task's container starts.

    Raises:
        ConfigurationError: the base image is malformed.
    """

    base_image: str
    env_id: str = "default"
    headless_desktop_enabled: bool = False
    desktop_cache_enabled: bool = False
    options: TaskOptions = field(default_factory=TaskOptions)

    def __post_init__(self) -> None:
        ImageReference.parse(self.base_image)
        object.__setattr__(self, "desktop_cache_enabled", self.desktop_cache_enabled and self.headless_desktop_enabled)

    @classmethod
    def of(cls, environment: Environment, options: TaskOptions | None = None) -> Self:
        """The configuration of an environment that holds no recipe of its own."""
        return cls(
            base_image=str(environment.base_image),
            env_id=environment.env_id,
            headless_desktop_enabled=environment.headless_desktop_enabled,
            desktop_cache_enabled=environment.cache_desktop_build,
            options=options or TaskOptions(),
        )

    @property
    def environment(self) -> Environment:
        """The environment that `ensure_desktop_image` and `start_task` take."""
        return Environment(
            env_id=self.env_id,
            base_image=ImageReference.parse(self.base_image),
            headless_desktop_enabled=self.headless_desktop_enabled,
            cache_desktop_build=self.desktop_cache_enabled,
        )
