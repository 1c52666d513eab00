"""`desktop-bake key`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...images.order import key_of
from ..context import print_json

if TYPE_CHECKING:
    import argparse

    from ...context import Context


def key(arguments: argparse.Namespace, context: Context) -> int:
    """Print the cache key and its parts."""
    environment = context.settings.environment(arguments.env)
    cache_key = key_of(environment, context)
    if arguments.json:
        print_json(
            {
                "schema": 1,
                "environment": environment.env_id,
                "cache_key": str(cache_key),
                "components": cache_key.components(),
            }
        )
    else:
        print(cache_key)
        for part, value in cache_key.components().items():
            print(f"  {part:<11} {value}")
    return 0
