"""docs/api.md has every public name, so that the site shows its docstring."""

from __future__ import annotations

import re

import desktop_bake
from tests.harness.markdown import DOCS


def test_every_name_is_there() -> None:
    """Each name of the package stands there once, and no other does."""
    named = re.findall(r"^::: desktop_bake\.(\w+)$", (DOCS / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
    public = sorted(name for name in desktop_bake.__all__ if name != "__version__")
    assert sorted(named) == public, "write it there"
