"""What a terminal can show."""

from __future__ import annotations

import io

import pytest

from desktop_bake.bake.system.terminal import coloured


class Terminal(io.StringIO):
    """A stream that says that it is one."""

    def isatty(self) -> bool:
        """It is."""
        return True


@pytest.mark.parametrize(
    ("stream", "variable", "wanted"),
    [
        (Terminal(), None, True),
        (Terminal(), "1", False),
        (Terminal(), "", False),
        (io.StringIO(), None, False),
        (io.StringIO(), "1", False),
    ],
)
def test_coloured(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, variable: str | None, wanted: bool) -> None:
    """Colours are for terminals, unless NO_COLOR is set, to whatever."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    if variable is not None:
        monkeypatch.setenv("NO_COLOR", variable)
    assert coloured(stream) is wanted
