"""Bake a graphical desktop into a Docker image once, and start tasks with it in about a second.

The public API: `ensure_desktop_image` finds or builds the image of an environment, `start_task` starts a task in it. A
name is loaded when it is first used, so that a hit pays for nothing else.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as typing's, which takes longer to load than all of this
if TYPE_CHECKING:
    from .bake.config.settings import Settings as Settings
    from .bake.config.toml_file import load_settings as load_settings
    from .bake.context import Context as Context
    from .bake.engine.engine import Engine as Engine
    from .bake.ensure import ensure_desktop_image as ensure_desktop_image
    from .bake.ensure import ensure_desktop_images as ensure_desktop_images
    from .bake.images.result import Built as Built
    from .bake.images.result import Disabled as Disabled
    from .bake.images.result import Fallback as Fallback
    from .bake.images.result import ImageResult as ImageResult
    from .bake.images.result import LocalHit as LocalHit
    from .bake.images.result import Miss as Miss
    from .bake.images.result import MissReason as MissReason
    from .bake.images.result import RegistryHit as RegistryHit
    from .bake.images.result import Status as Status
    from .bake.metrics.recorder import Recorder as Recorder
    from .bake.system.events import Building as Building
    from .bake.system.events import Creating as Creating
    from .bake.system.events import Exited as Exited
    from .bake.system.events import Output as Output
    from .bake.system.events import Pulling as Pulling
    from .bake.system.events import Ready as Ready
    from .bake.system.events import Started as Started
    from .bake.system.events import TaskEvent as TaskEvent
    from .bake.task.entry import TaskEntry as TaskEntry
    from .bake.task.execute import Completed as Completed
    from .bake.task.execute import Execution as Execution
    from .bake.task.mounts import Mount as Mount
    from .bake.task.mounts import parse_mount as parse_mount
    from .bake.task.mounts import parse_volume as parse_volume
    from .bake.task.options import TaskOptions as TaskOptions
    from .bake.task.ports import Port as Port
    from .bake.task.ports import parse_ports as parse_ports
    from .bake.task.runner_config import DockerRunnerConfig as DockerRunnerConfig
    from .bake.task.start import start_task as start_task
    from .bake.task.task import DesktopTask as DesktopTask
    from .bake.task.tasks import Tasks as Tasks
    from .generator.bake_options import BakeOptions as BakeOptions
    from .generator.bakefile import BakeTarget as BakeTarget
    from .generator.bakefile import bake_targets as bake_targets
    from .generator.environment import Environment as Environment
    from .generator.errors import BuildFailedError as BuildFailedError
    from .generator.errors import CancelledError as CancelledError
    from .generator.errors import ConfigurationError as ConfigurationError
    from .generator.errors import DesktopBakeError as DesktopBakeError
    from .generator.errors import EngineError as EngineError
    from .generator.errors import RegistryError as RegistryError
    from .generator.errors import ScriptFailedError as ScriptFailedError
    from .generator.errors import TaskError as TaskError
    from .generator.errors import TaskGoneError as TaskGoneError
    from .generator.errors import TimeLimitError as TimeLimitError
    from .generator.key import CacheKey as CacheKey
    from .generator.key import compute_key as compute_key
    from .generator.layer import Layer as Layer
    from .generator.layer import ordered as ordered
    from .generator.layer_key import Key as Key
    from .generator.layer_key import LayerKey as LayerKey
    from .generator.layer_key import key_from_labels as key_from_labels
    from .generator.layer_key import stack_key as stack_key
    from .generator.recipe import ContextFile as ContextFile
    from .generator.recipe import Recipe as Recipe
    from .generator.reference import Digest as Digest
    from .generator.reference import ImageReference as ImageReference
    from .generator.script import Script as Script
    from .generator.stack import LayerRecipe as LayerRecipe
    from .generator.stack import Preflight as Preflight
    from .generator.stack import Stack as Stack
    from .generator.template import render_bake_file as render_bake_file

    __version__: str

_HOMES = {
    "BakeOptions": "generator.bake_options",
    "BakeTarget": "generator.bakefile",
    "BuildFailedError": "generator.errors",
    "Building": "bake.system.events",
    "Built": "bake.images.result",
    "CacheKey": "generator.key",
    "CancelledError": "generator.errors",
    "Completed": "bake.task.execute",
    "ConfigurationError": "generator.errors",
    "Context": "bake.context",
    "ContextFile": "generator.recipe",
    "Creating": "bake.system.events",
    "DesktopBakeError": "generator.errors",
    "DesktopTask": "bake.task.task",
    "Digest": "generator.reference",
    "Disabled": "bake.images.result",
    "DockerRunnerConfig": "bake.task.runner_config",
    "Engine": "bake.engine.engine",
    "EngineError": "generator.errors",
    "Environment": "generator.environment",
    "Execution": "bake.task.execute",
    "Exited": "bake.system.events",
    "Fallback": "bake.images.result",
    "ImageReference": "generator.reference",
    "ImageResult": "bake.images.result",
    "Key": "generator.layer_key",
    "Layer": "generator.layer",
    "LayerKey": "generator.layer_key",
    "LayerRecipe": "generator.stack",
    "LocalHit": "bake.images.result",
    "Miss": "bake.images.result",
    "MissReason": "bake.images.result",
    "Mount": "bake.task.mounts",
    "Output": "bake.system.events",
    "Port": "bake.task.ports",
    "Preflight": "generator.stack",
    "Pulling": "bake.system.events",
    "Ready": "bake.system.events",
    "Recipe": "generator.recipe",
    "Recorder": "bake.metrics.recorder",
    "RegistryError": "generator.errors",
    "RegistryHit": "bake.images.result",
    "Script": "generator.script",
    "ScriptFailedError": "generator.errors",
    "Settings": "bake.config.settings",
    "Stack": "generator.stack",
    "Started": "bake.system.events",
    "Status": "bake.images.result",
    "TaskEntry": "bake.task.entry",
    "TaskError": "generator.errors",
    "TaskEvent": "bake.system.events",
    "TaskGoneError": "generator.errors",
    "TaskOptions": "bake.task.options",
    "Tasks": "bake.task.tasks",
    "TimeLimitError": "generator.errors",
    "bake_targets": "generator.bakefile",
    "compute_key": "generator.key",
    "ensure_desktop_image": "bake.ensure",
    "ensure_desktop_images": "bake.ensure",
    "key_from_labels": "generator.layer_key",
    "load_settings": "bake.config.toml_file",
    "ordered": "generator.layer",
    "parse_mount": "bake.task.mounts",
    "parse_ports": "bake.task.ports",
    "parse_volume": "bake.task.mounts",
    "render_bake_file": "generator.template",
    "stack_key": "generator.layer_key",
    "start_task": "bake.task.start",
}
_DESCRIBED = ("Environment", "Layer", "Settings")  # their fields say what they mean, not their docstrings
__all__ = [
    "BakeOptions",
    "BakeTarget",
    "BuildFailedError",
    "Building",
    "Built",
    "CacheKey",
    "CancelledError",
    "Completed",
    "ConfigurationError",
    "Context",
    "ContextFile",
    "Creating",
    "DesktopBakeError",
    "DesktopTask",
    "Digest",
    "Disabled",
    "DockerRunnerConfig",
    "Engine",
    "EngineError",
    "Environment",
    "Execution",
    "Exited",
    "Fallback",
    "ImageReference",
    "ImageResult",
    "Key",
    "Layer",
    "LayerKey",
    "LayerRecipe",
    "LocalHit",
    "Miss",
    "MissReason",
    "Mount",
    "Output",
    "Port",
    "Preflight",
    "Pulling",
    "Ready",
    "Recipe",
    "Recorder",
    "RegistryError",
    "RegistryHit",
    "Script",
    "ScriptFailedError",
    "Settings",
    "Stack",
    "Started",
    "Status",
    "TaskEntry",
    "TaskError",
    "TaskEvent",
    "TaskGoneError",
    "TaskOptions",
    "Tasks",
    "TimeLimitError",
    "__version__",
    "bake_targets",
    "compute_key",
    "ensure_desktop_image",
    "ensure_desktop_images",
    "key_from_labels",
    "load_settings",
    "ordered",
    "parse_mount",
    "parse_ports",
    "parse_volume",
    "render_bake_file",
    "stack_key",
    "start_task",
]


if not TYPE_CHECKING:  # a type checker reads the names above, and knows that there are no others

    def __getattr__(name: str) -> object:
        if name == "__version__":
            return import_module("importlib.metadata").version("desktop-bake")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        if name in _DESCRIBED:
            import_module(".generator.described", __name__).with_fields(value)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
