"""The version of what is installed."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import TYPE_CHECKING

from desktop_bake.bake.system.installed import version

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is what the installer wrote; nothing if nothing is installed."""
    assert version() == metadata.version("desktop-bake")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "gone"), str(tmp_path)])
    assert version() == ""
    (tmp_path / "desktop_bake-1.2.3.dist-info").mkdir()
    assert version() == "1.2.3"
