"""The platform that the start of a task asks for, if its image was found before: that image has to be for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..registry.platforms import same_platform

if TYPE_CHECKING:
    from ...generator.environment import Environment
    from ..engine.engine import Engine
    from ..images.result import ImageResult


def with_platform(environment: Environment, platform: str, image: ImageResult, engine: Engine) -> Environment:
    """The environment, on the platform that is asked for.

    Args:
        environment: the environment of the task.
        platform: `os/architecture[/variant]`.
        image: the task's image.
        engine: the engine that has it.

    Raises:
        ConfigurationError: that image is for another platform.
    """
    there = engine.image(image.image_id) if image.image_id else None
    if there and not same_platform(there.platform, platform):
        raise ConfigurationError(
            f"the image {image.image} is for {there.platform}, {platform} is asked for",
            f'look for one by it, too: replace(environment, platform="{platform}")',
        )
    return replace(environment, platform=platform)
