"""`desktop-bake completion`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..completion import completion_script

if TYPE_CHECKING:
    import argparse


def completion(arguments: argparse.Namespace) -> int:
    """Print the completion script of a shell."""
    print(completion_script(arguments.shell), end="")
    return 0
