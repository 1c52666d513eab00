"""The platform that a task's start asks for, which overrides those of its environment and of the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..registry.platforms import same_platform

if TYPE_CHECKING:
    from ...generator.environment import Environment
    from ..engine.engine import Engine
    from ..images.result import ImageResult
    from .options import TaskOptions


def on_platform(environment: Environment, options: TaskOptions) -> Environment:
    """The environment, on the platform that the options ask for, if they do."""
    return replace(environment, platform=options.platform) if options.platform else environment


def with_platform(environment: Environment, options: TaskOptions, image: ImageResult, engine: Engine) -> Environment:
    """As `on_platform`, for a task of an image that was found before.

    Raises:
        ConfigurationError: that image is for another platform.
    """
    there = engine.image(image.image_id) if image.image_id else None
    if there and options.platform and not same_platform(there.platform, options.platform):
        raise ConfigurationError(
            f"the image {image.image} is for {there.platform}, {options.platform} is asked for",
            f'look for one by it, too: replace(environment, platform="{options.platform}")',
        )
    return on_platform(environment, options)
