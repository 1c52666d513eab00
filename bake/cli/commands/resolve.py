"""`desktop-bake resolve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....generator.errors import RegistryError
from ...engine.engine import Engine
from ...images.resolve import resolve as resolve_image
from ...images.result import Status
from ..context import load, log_of, show_result

if TYPE_CHECKING:
    import argparse


MISS = 3


def resolve(arguments: argparse.Namespace) -> int:
    """Print what a task would use; exit 3 on a miss, 5 where the registry could not be asked."""
    settings = load(arguments)
    engine = Engine()
    result = resolve_image(settings.environment(arguments.env), settings, engine, log_of(arguments))
    if arguments.recorder:
        arguments.recorder.record(result, engine)
    show_result(result, as_json=arguments.json)
    if result.status is not Status.MISS:
        return 0
    return RegistryError.exit_status if result.registry_error else MISS
