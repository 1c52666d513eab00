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
    ("stream", "variables", "wanted"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {"TERM": "xterm"}, True),
        (io.StringIO(), {}, False),
        (io.StringIO(), {"NO_COLOR": "1"}, False),
    ],
)
def test_coloured(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, variables: dict[str, str], wanted: bool
) -> None:
    """Colours are for terminals that know them, unless NO_COLOR says something, whatever."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert coloured(stream) is wanted
