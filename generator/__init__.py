"""Values in, text out: the cache key and the bake file, with no Docker, network, clock or environment."""

from generator.bakefile import BakeOptions, BakeTarget, bake_targets, render_bake_file
from generator.environment import Environment
from generator.errors import (
    BuildFailedError,
    ConfigurationError,
    DesktopBakeError,
    EngineError,
    RegistryError,
    TaskError,
    TimeLimitError,
)
from generator.key import CacheKey, compute_key
from generator.recipe import ContextFile, Recipe
from generator.reference import Digest, ImageReference

__all__ = [
    "BakeOptions",
    "BakeTarget",
    "BuildFailedError",
    "CacheKey",
    "ConfigurationError",
    "ContextFile",
    "DesktopBakeError",
    "Digest",
    "EngineError",
    "Environment",
    "ImageReference",
    "Recipe",
    "RegistryError",
    "TaskError",
    "TimeLimitError",
    "bake_targets",
    "compute_key",
    "render_bake_file",
]
