"""Where progress is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_bake.bake.system.log import silent

if TYPE_CHECKING:
    import pytest


def test_silent(capfd: pytest.CaptureFixture[str]) -> None:
    """Who wants no log gets none, on no stream."""
    silent("a line")
    assert capfd.readouterr() == ("", "")
