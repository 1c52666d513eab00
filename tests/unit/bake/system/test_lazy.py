"""Modules that are imported when something of them is first used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from desktop_bake.bake.system.lazy import lazy


def test_imported_when_used() -> None:
    """Nothing is imported by the declaration, and the module itself by the first use."""
    code = (
        "import sys; from desktop_bake.bake.system.lazy import lazy\n"
        "colours = lazy('colorsys'); print('colorsys' in sys.modules)\n"
        "print(colours.rgb_to_hsv(0, 0, 1)[2], 'colorsys' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n1 True\n"


def test_relative() -> None:
    """A relative name is that of the package that declares it."""
    assert lazy("..system.lazy", "desktop_bake.bake.images").lazy is lazy


def test_what_is_not_there() -> None:
    """A module or a name that is not there is reported as by an import."""
    with pytest.raises(ModuleNotFoundError, match="nowhere_at_all"):
        _ = lazy("nowhere_at_all").x
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = lazy("json").nothing
