"""`desktop-bake schema`: what editors complete and check desktop-bake.toml by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_bake.bake.config.schema import schema_text

if TYPE_CHECKING:
    from collections.abc import Callable


def test_schema(typed: Callable[..., tuple[int, str, str]]) -> None:
    """The schema is printed as it is, and nothing else, and needs no configuration."""
    assert typed("schema") == (0, schema_text(), "")
