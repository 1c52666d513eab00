"""`desktop-bake schema`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...config.schema import schema_text

if TYPE_CHECKING:
    import argparse


def schema(arguments: argparse.Namespace) -> int:  # noqa: ARG001 (every command gets its arguments)
    """Print the JSON Schema of desktop-bake.toml."""
    print(schema_text(), end="")
    return 0
