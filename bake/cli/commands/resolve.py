"""`desktop-bake resolve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....generator.errors import RegistryError
from ...images.resolve import resolve as resolve_image
from ...images.result import Miss
from ..context import show_result

if TYPE_CHECKING:
    import argparse

    from ...context import Context


MISS = 3


def resolve(arguments: argparse.Namespace, context: Context) -> int:
    """Print what a task would use; exit with 3 on a miss, with 5 if the registry could not be asked."""
    result = resolve_image(context.settings.environment(arguments.env), context)
    if arguments.recorder:
        arguments.recorder.record(result, context.engine)
    show_result(result, as_json=arguments.json)
    if not isinstance(result, Miss):
        return 0
    return RegistryError.exit_status if result.registry_error else MISS
