"""Values in, text out: the cache key and the bake file, with no Docker, network, clock or environment."""

from generator.bakefile import BakeOptions, BakeTarget, bake_targets, render_bake_file
from generator.environment import Environment
from generator.errors import (
    BuildFailedError,
    CancelledError,
    ConfigurationError,
    DesktopBakeError,
    EngineError,
    RegistryError,
    TaskError,
    TimeLimitError,
)
from generator.key import CacheKey, compute_key
from generator.layer import Key, LayerKey, key_from_labels, stack_key
from generator.recipe import ContextFile, Preflight, Recipe, Stack
from generator.reference import Digest, ImageReference

__all__ = [
    "BakeOptions",
    "BakeTarget",
    "BuildFailedError",
    "CacheKey",
    "CancelledError",
    "ConfigurationError",
    "ContextFile",
    "DesktopBakeError",
    "Digest",
    "EngineError",
    "Environment",
    "ImageReference",
    "Key",
    "LayerKey",
    "Preflight",
    "Recipe",
    "RegistryError",
    "Stack",
    "TaskError",
    "TimeLimitError",
    "bake_targets",
    "compute_key",
    "key_from_labels",
    "render_bake_file",
    "stack_key",
]
